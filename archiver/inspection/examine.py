"""Examines one recording: compares its bytes with the ledger, then decodes it in a worker."""

from pathlib import Path
from typing import Final

from msgspec import Struct

from archiver.catalog.inspections import Examinable
from archiver.extras import extra
from archiver.ledger.events import Inspected
from archiver.sound.figures import Sound
from archiver.storage.base import Storage

PATIENCE: Final = 300.0
"""The time limit for decoding one recording, in seconds: an hour of stereo takes 3."""

DECODER_FAILED: Final = "decoder-failed"


class Examined(Struct, frozen=True):
    """A recording, the result as an event, and the duration in seconds that its format guarantees;
    None if it guarantees none, or the worker failed."""

    recording: Examinable
    event: Inspected
    seconds: float | None = None


async def examine(storage: Storage, recording: Examinable, folder: Path) -> Examined | None:
    """Examine the recording; None if its bytes do not match the ledger.

    The audio is kept in `folder` meanwhile. Raises StorageError, OSError of the folder, and
    ExtraMissing if no decoder is installed.
    """
    with extra("sound"):
        from archiver.inspection.listening import listen
        from archiver.sound.rules import RULES, findings_of
        from archiver.sound.workers import WorkerFailed, work_on_audio
    try:
        async with storage.open(recording.key) as chunks:
            found = await work_on_audio(
                chunks,
                listen,
                size=recording.size,
                sha256=recording.sha256,
                folder=folder,
                patience=PATIENCE,
            )
    except WorkerFailed:
        return Examined(recording, _undecoded(recording, RULES, DECODER_FAILED))
    if found is None:
        return None
    sound, seconds = found
    if isinstance(sound, Sound):
        event = _inspected(recording, RULES, sound, findings_of(sound))
    else:
        event = _undecoded(recording, RULES, sound)
    return Examined(recording, event, seconds)


def _undecoded(recording: Examinable, rules: int, why: str) -> Inspected:
    return Inspected(
        record_id=recording.record_id, sha256=recording.sha256, rules=rules, undecoded=why
    )


def _inspected(
    recording: Examinable, rules: int, sound: Sound, findings: tuple[str, ...]
) -> Inspected:
    sides = sound.sides
    return Inspected(
        record_id=recording.record_id,
        sha256=recording.sha256,
        rules=rules,
        seconds=round(sound.seconds, 2),
        silence=round(sound.silence, 3),
        overtalk=round(sound.overtalk, 1),
        levels=tuple(round(side.loudest, 1) for side in sides),
        peaks=tuple(round(side.peak, 1) for side in sides),
        clipped=tuple(round(side.clipped, 4) for side in sides),
        talk=tuple(round(side.talk, 1) for side in sides),
        findings=findings,
    )
