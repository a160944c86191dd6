"""The result of an export, for the command line (pure)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archiver.evidence.troubles import Trouble
from archiver.export.choosing import Chosen
from archiver.export.custody import Custody
from archiver.export.entries import Contents, Missing

MOST_NAMED = 1000
"""The most missing things, and differences, in `--json`; the custody record has all."""


@dataclass(frozen=True, slots=True)
class ExportReport:
    """A finished package, and what is missing in it. `troubles` is the evidence that could not be
    created, which has been reported."""

    custody: Custody
    target: Path
    seconds: float
    troubles: tuple[Trouble, ...] = ()

    @property
    def chosen(self) -> Chosen:
        """What was selected."""
        return self.custody.chosen

    @property
    def contents(self) -> Contents:
        """What the package contains and lacks."""
        return self.custody.contents

    @property
    def lacking(self) -> list[Missing]:
        """What is missing, except what was removed from the archive on purpose."""
        return [one for one in self.contents.missing if one.state != "removed"]

    @property
    def complete(self) -> bool:
        """Whether everything known to belong in the package is in it."""
        return not (self.lacking or self.chosen.not_found or self.chosen.fetched.gaps)

    @property
    def exit_code(self) -> int:
        """0 complete, 3 something is missing, 4 something damaged was left out."""
        if any(one.state == "damaged" for one in self.contents.missing):
            return 4
        return 0 if self.complete else 3

    def as_json(self, most_named: int = MOST_NAMED) -> dict[str, Any]:
        """The report as one JSON object; its lists of items end at `most_named`."""
        told: dict[str, Any] = {
            "exportId": self.custody.export_id,
            "target": str(self.target),
            "complete": self.complete,
            "fetch": self.chosen.fetched.mode,
            "calls": self.contents.calls,
            "recordings": self.contents.recordings,
            "bytes": self.contents.bytes,
            "seconds": round(self.seconds, 3),
            "manifestSha256": self.custody.manifest_sha256,
            "ledgerHead": self.custody.recorded_in.digest,
            "missing": [one.as_json() for one in self.contents.missing[:most_named]],
            "notFound": list(self.chosen.not_found),
            "notListed": list(self.chosen.fetched.gaps),
            "differences": list(self.contents.differences[:most_named]),
        }
        if len(self.contents.missing) > most_named:
            told["missingCut"] = True
        if len(self.contents.differences) > most_named:
            told["differencesCut"] = True
        return told
