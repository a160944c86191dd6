"""How an export ended, for the command line (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archiver.export.entries import Missing
from archiver.export.request import ExportRequest, Fetched
from archiver.ledger.segments import Head

MOST_NAMED = 1000
"""Missing things, and differences, that `--json` names; the custody record names all."""


@dataclass(frozen=True, slots=True)
class ExportReport:
    """A package that was made, and what it lacks."""

    export_id: str
    target: Path
    request: ExportRequest
    fetched: Fetched
    calls: int
    recordings: int
    bytes: int
    seconds: float
    missing: Sequence[Missing]
    differences: Sequence[str]
    not_found: Sequence[str]
    manifest_sha256: str
    head: Head

    @property
    def lacking(self) -> list[Missing]:
        """What is missing, but for what was removed from the archive on purpose."""
        return [one for one in self.missing if one.state != "removed"]

    @property
    def complete(self) -> bool:
        """Whether everything that is known to belong into the package is in it."""
        return not (self.lacking or self.not_found or self.fetched.gaps)

    @property
    def exit_code(self) -> int:
        """0 complete, 3 something is missing, 4 something was left out because it is damaged."""
        if any(one.state == "damaged" for one in self.missing):
            return 4
        return 0 if self.complete else 3

    def as_json(self) -> dict[str, Any]:
        """The report as one JSON object."""
        told: dict[str, Any] = {
            "exportId": self.export_id,
            "target": str(self.target),
            "complete": self.complete,
            "fetch": self.fetched.mode,
            "calls": self.calls,
            "recordings": self.recordings,
            "bytes": self.bytes,
            "seconds": round(self.seconds, 3),
            "manifestSha256": self.manifest_sha256,
            "ledgerHead": self.head.digest,
            "missing": [one.as_json() for one in self.missing[:MOST_NAMED]],
            "notFound": list(self.not_found),
            "notListed": list(self.fetched.gaps),
            "differences": list(self.differences[:MOST_NAMED]),
        }
        if len(self.missing) > MOST_NAMED:
            told["missingCut"] = True
        if len(self.differences) > MOST_NAMED:
            told["differencesCut"] = True
        return told
