"""Replacements for archived objects in a package: redacted audio, and the matching sidecars.

The archive is only read. If a recording cannot be redacted as requested, the export fails: it is
never exported unredacted.
"""

import hashlib
import json
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from anyio import to_thread
from msgspec.structs import replace

from archiver.catalog.selection import ChosenRecording
from archiver.errors import StorageFull, UsageError
from archiver.export.masking import Mask, Masks
from archiver.export.redactions import Redactions
from archiver.export.target import writing
from archiver.extras import extra
from archiver.recordings.sidecar import Sidecar
from archiver.sound.spans import Plan, Redacted, Refused
from archiver.tasks.contexts import entered
from archiver.text.measures import say_size

if TYPE_CHECKING:
    from archiver.export.reading import Proof

REDACTIONS: Final = "redactions.json"
SIDECAR_FORMAT: Final = "liner-recording-copy/1"

_CHUNK: Final = 1024 * 1024
_PATIENCE: Final = 3600.0
_LEAST_SHARE: Final = 0.98
"""Tolerated difference to the length in the sidecar, in seconds: decoders drop padding, which is
shorter than a second."""
_NAMED: Final = 20
_SAID: Final = {
    "unknown-codec": "it cannot be decoded",
    "too-long": "it is longer than 12 hours",
    "one-channel": "it has one channel, so the side of its spans must be both",
    "not-flac": "FLAC cannot keep its samples without loss: use --redact-format wav",
    "too-large": f"a WAV file holds no more than {say_size(2**32)}: use --redact-format flac",
}


@dataclass(frozen=True, slots=True)
class Copy:
    """A redacted copy, in a file that exists while it is in use."""

    made: Redacted
    size: int
    sha256: str
    path: Path

    @property
    def extension(self) -> str:
        """The extension of its file."""
        return self.made.format.lower()

    @property
    def content_type(self) -> str:
        """Its media type."""
        return f"audio/{self.extension}"

    @property
    def depth(self) -> str:
        """Format and sample type as named by libsndfile, such as `WAV, PCM_16`."""
        return f"{self.made.format}, {self.made.subtype}"

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Its content."""
        file = await to_thread.run_sync(self.path.open, "rb")
        try:
            while chunk := await to_thread.run_sync(file.read, _CHUNK):
                yield chunk
        finally:
            file.close()

    def stands_for(self, one: ChosenRecording) -> ChosenRecording:
        """The recording's row as the package shows it."""
        return replace(one, size=self.size, sha256=self.sha256, content_type=self.content_type)


@dataclass(slots=True)
class Copies:
    """Makes copies, and keeps a list of those made and those that failed. `folder` is for temporary
    files."""

    redactions: Redactions | None
    masks: Masks
    folder: Path
    made: list[dict[str, Any]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    _met: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        if self.redactions is not None:
            with extra("sound"):
                import archiver.sound.redact  # noqa: F401 - before any recording is read

    def meet(self, record_id: int) -> None:
        """Note that the recording belongs to the exported calls."""
        if self.redactions is not None and record_id in self.redactions.spans:
            self._met.add(record_id)

    def plan(self, record_id: int) -> Plan | None:
        """The spans to replace in this recording; None if there are none."""
        return self.redactions.plan(record_id) if self.redactions else None

    def check(self) -> None:
        """Raise UsageError if anything that was to be redacted was not."""
        wrong = list(self.refused)
        unknown = set(self.redactions.spans if self.redactions else ()) - self._met
        wrong += [f"recording {one} is not among those exported" for one in sorted(unknown)]
        if not wrong:
            return
        more = f"; and {len(wrong) - _NAMED:,} more" if len(wrong) > _NAMED else ""
        raise UsageError(
            f"nothing was exported, because not all redactions can be made: "
            f"{'; '.join(wrong[:_NAMED])}{more}",
            hint="recordings on the redaction list are never exported unredacted: correct the "
            "list, or select the calls without this recording",
        )

    @asynccontextmanager
    async def copy(
        self, proof: "Proof", one: ChosenRecording, card: Sidecar, plan: Plan
    ) -> AsyncIterator[Copy | None]:
        """A redacted copy of the recording, whose bytes are verified while they are read. None if
        the bytes are damaged, or for a reason that `check` reports."""
        with writing(self.folder):
            async with entered(partial(_file, self.folder)) as file:
                done = await self._redact(proof, one, plan, file.name)
                if isinstance(done, Redacted):
                    done = _compared(done, card)
                if done is None or proof.damage:
                    yield None
                elif isinstance(done, Refused):
                    self.refused.append(_why(one.record_id, done))
                    yield None
                else:
                    size, sha256 = await to_thread.run_sync(_digest, Path(file.name))
                    yield Copy(done, size, sha256, Path(file.name))

    async def _redact(
        self, proof: "Proof", one: ChosenRecording, plan: Plan, path: str
    ) -> Redacted | Refused | None:
        from archiver.sound.redact import redact
        from archiver.sound.workers import WorkerFailed, work_on_audio

        try:
            done = await work_on_audio(
                proof.chunks(),
                partial(redact, to=path, plan=plan),
                size=one.size,
                sha256=one.sha256,
                folder=self.folder,
                patience=_PATIENCE,
            )
        except WorkerFailed:
            return Refused("unknown-codec")
        if isinstance(done, Refused) and done.why == "unwritten":
            raise StorageFull(
                f"no space left in {self.folder} for the redacted copy of {one.key}",
                hint="set download.spool in archive.yaml to a folder on a larger disk",
            )
        return done

    def remember(self, call_id: int, one: ChosenRecording, copy: Copy, path: str) -> None:
        """Add the copy to the list of redactions."""
        redactions = self.redactions
        if redactions is None:
            return
        plan, made = redactions.plan(one.record_id), copy.made
        spans = []
        for told in redactions.spans[one.record_id]:
            first, end = plan.frames(told.span, made.rate) if plan else (0, 0)
            spans.append(
                {
                    "start": told.span.start,
                    "end": told.span.end,
                    "side": told.span.side,
                    "reason": told.why,
                    "replacedFrom": round(first / made.rate, 6),
                    "replacedUntil": round(min(end / made.rate, made.seconds), 6),
                }
            )
        self.made.append(
            {
                "recordId": one.record_id,
                "callId": call_id,
                "file": f"data/{path}",
                "bytes": copy.size,
                "sha256": copy.sha256,
                "redactedCopyOf": {"key": one.key, "bytes": one.size, "sha256": one.sha256},
                "writtenAs": copy.depth,
                "sampleRate": made.rate,
                "channels": made.channels,
                "seconds": round(made.seconds, 3),
                "decodedWith": made.library,
                "spans": spans,
            }
        )

    def sidecar(self, one: ChosenRecording, card: Sidecar, copy: Copy | None, path: str) -> bytes:
        """The sidecar of a copy, or a masked one: of the API's rows it has only members known to be
        harmless, and no address of the original."""
        masks, fields = self.masks, dict(card.fields)
        told = {
            **fields,
            "format": SIDECAR_FORMAT,
            **({"userName": None} if Mask.NAMES in masks.kinds else {}),
            **masks.member(fields, "recordSummary"),
            "call": masks.row(fields["call"]),
            "record": masks.row(fields["record"]),
        }
        if copy is not None:
            told["audio"] = {
                "file": f"data/{path}",
                "bytes": copy.size,
                "sha256": copy.sha256,
                "contentType": copy.content_type,
                "measuredSeconds": round(copy.made.seconds, 3),
            }
            told["redactedCopyOf"] = {"key": one.key, "bytes": one.size, "sha256": one.sha256}
        told["masked"] = sorted(masks.kinds)
        told["sidecarSha256"] = one.sidecar_sha256
        return Sidecar(told).encode()


def redactions_json(copies: Copies, **head: Any) -> str:
    """`redactions.json`: what was replaced in which file, why, and by whom."""
    how = copies.redactions
    told = {
        "format": "liner-redactions/1",
        **head,
        "replacedWith": how.fill if how else None,
        "marginSeconds": how.margin if how else None,
        "masked": sorted(copies.masks.kinds),
        "recordings": copies.made,
    }
    return json.dumps(told, ensure_ascii=False, indent=1) + "\n"


def _compared(done: Redacted, card: Sidecar) -> Redacted | Refused:
    """The result, unless the recording is longer than decoded: some decoders stop early."""
    told = card.fields["audio"].get("measuredSeconds")
    is_known = isinstance(told, int | float) and not isinstance(told, bool)
    if is_known and done.seconds < min(told - 1, told * _LEAST_SHARE):
        return Refused("unknown-codec", done.seconds)
    return done


def _why(record_id: int, refused: Refused) -> str:
    if refused.why == "outside":
        return f"recording {record_id}: a span ends after it, it is {refused.seconds:.2f} s long"
    if refused.why == "unknown-codec" and refused.seconds:
        return f"recording {record_id}: only its first {refused.seconds:.1f} s can be decoded"
    return f"recording {record_id}: {_SAID[refused.why]}"


def _file(folder: Path) -> Any:
    return tempfile.NamedTemporaryFile(dir=folder, suffix=".spool")


def _digest(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return file.tell(), digest.hexdigest()
