"""An archive for load tests of the desk: many recordings, of which the newest have audio."""

import hashlib
import random
from importlib.resources import files
from pathlib import Path

from archiver.archive.format import encode_format
from archiver.ledger.segments import Head
from archiver.storage.keys import FORMAT_KEY
from benchmarks.archives import write_segment
from benchmarks.desk import A_SEGMENT, ARCHIVE_ID, Sound, recording

HEARD = 400
"""The number of recordings with audio, the newest; the others are never played."""


def write_desk_archive(root: Path, recordings: int) -> list[int]:
    """Write sidecars, ledger and some audio; returns the ids of recordings with audio."""
    audio = files("archiver.sandbox").joinpath("samples", "rec-900101.mp3").read_bytes()
    sound = Sound(len(audio), hashlib.sha256(audio).hexdigest())
    (root / "_archive/ledger").mkdir(parents=True)
    (root / FORMAT_KEY).write_bytes(encode_format(ARCHIVE_ID))
    rng, head, heard = random.Random(1), Head(), []
    for start in range(0, recordings, A_SEGMENT):
        lines: list[bytes] = []
        for number in range(start, min(start + A_SEGMENT, recordings)):
            made = recording(number, recordings, rng, sound)
            lines += made.lines
            path = root / made.key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.with_suffix(".json").write_bytes(made.card)
            if number >= recordings - HEARD:
                path.write_bytes(audio)
                heard.append(made.record_id)
        head = write_segment(root, head, lines)
    return heard
