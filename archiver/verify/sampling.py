"""Which share of an archive a night reads, so that many nights read all of it.

`--sample 1/30` splits the objects into thirty parts by a checksum of their keys, and reads one part
a time. Why by key, and not the next thirtieth in order: an archive grows while it is gone through.
The part of an object never changes, whatever else is stored or removed, so thirty parts in a row
read every object that was there at the first of them exactly once; a position in a list that grows
in the middle would skip some and repeat others. The parts differ in size by little, as the keys are
many. Chain, listing and sizes are checked whole every time: they cost little, and what is missing
or was added shows at once.

The position is stored in a small file beside the catalog. An interrupted part continues after
the last key that was judged, and only what was reported counts as judged. Without the file, the day
chooses the part: a machine that keeps nothing still goes round in thirty nights.
"""

import json
import zlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Sample:
    """Part number `part` (from 0) of `parts`; only keys after `after` are still to be read."""

    parts: int
    part: int
    after: str = ""

    def takes(self, key: str) -> bool:
        """Whether the object is to be read in this sample."""
        return zlib.crc32(key.encode()) % self.parts == self.part and key > self.after

    def following(self) -> "Sample":
        """The sample of the next night."""
        return Sample(self.parts, (self.part + 1) % self.parts)

    def interrupted_at(self, key: str) -> "Sample":
        """The rest of this one."""
        return Sample(self.parts, self.part, max(key, self.after))


def load_sample(path: Path, parts: int, now: datetime) -> Sample:
    """The sample that is due: what the file remembers, else the one of this day."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        told = json.loads(path.read_bytes())[str(parts)]
        part, after = told["part"], told["after"]
        if isinstance(part, int) and 0 <= part < parts and isinstance(after, str):
            return Sample(parts, part, after)
    return Sample(parts, now.toordinal() % parts)


def save_sample(path: Path, sample: Sample) -> None:
    """Remember the sample that is due next. Raises OSError when the file cannot be written."""
    told: dict[str, object] = {}
    with suppress(OSError, ValueError):
        old = json.loads(path.read_bytes())
        told = old if isinstance(old, dict) else {}
    told[str(sample.parts)] = {"part": sample.part, "after": sample.after}
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.new")
    beside.write_text(json.dumps(told) + "\n", "ascii")
    beside.replace(path)
