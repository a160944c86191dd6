"""The recordings fetched in a benchmark, and the API that lists them, as static files.

Everything is written in advance, so that serving it costs almost nothing, and the same for all.
"""

import hashlib
import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ORDER = 202
FIRST_CALL = 100_001
FIRST_RECORDING = 500_001
FIRST_LEAD = 700_001
CALLS_A_LEAD = 4
_USERS = 20
_PAGE = 100

_FRAME = bytes.fromhex("fffb54c4")
"""The header of an MPEG-1 layer III frame of 64 kbit/s at 48 kHz, mono: 192 bytes, 24 ms."""
_FRAME_BYTES = 192
_BYTES_A_SECOND = 8000

_UNITS = {"KiB": 2**10, "MiB": 2**20}


@dataclass(frozen=True, slots=True)
class Size:
    """The number of recordings, and the size of each in bytes."""

    count: int
    bytes: int

    def __str__(self) -> str:
        name = "MiB" if self.bytes % _UNITS["MiB"] == 0 else "KiB"
        return f"{self.count}x{self.bytes // _UNITS[name]}{name}"

    @classmethod
    def parse(cls, text: str) -> "Size":
        """Parse `2000x256KiB`. ValueError for anything else."""
        found = re.fullmatch(r"([1-9]\d{0,6})x([1-9]\d{0,6})(KiB|MiB)", text)
        if found is None:
            raise ValueError("a size is spelled like 2000x256KiB or 24x64MiB")
        return cls(int(found[1]), int(found[2]) * _UNITS[found[3]])


@dataclass(frozen=True, slots=True)
class Item:
    """One call with its only recording."""

    call: int
    recording: int
    lead: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Source:
    """What is served from `root`; all calls were created on the day before `until`."""

    root: Path
    size: Size
    items: tuple[Item, ...]
    since: datetime
    until: datetime


def write_source(root: Path, size: Size, url: str) -> Source:
    """Write recordings and API answers for `size`, served under `url`, into a new folder."""
    until = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    since = until - timedelta(hours=20)
    for name in ("files", "calls", "records", "lists"):
        (root / name).mkdir(parents=True)
    items = tuple(_recordings(root / "files", size))
    step = (until - since) / (size.count + 1)
    moments = [_stamp(since + step * (n + 1)) for n in range(size.count)]
    _write_call_pages(root / "calls", items, moments)
    for item, created in zip(items, moments, strict=True):
        row = _recording_row(item, created, url)
        _write(root / "records" / f"{item.call}.json", _page([row], 1, 1))
    _write_small_lists(root / "lists")
    return Source(root, size, items, since, until)


def _recordings(folder: Path, size: Size) -> Iterator[Item]:
    chance = random.Random(20261001)
    for number in range(size.count):
        audio = _mp3(size.bytes, chance)
        recording = FIRST_RECORDING + number
        (folder / f"{recording}.mp3").write_bytes(audio)
        yield Item(
            call=FIRST_CALL + number,
            recording=recording,
            lead=FIRST_LEAD + number // CALLS_A_LEAD,
            bytes=size.bytes,
            sha256=hashlib.sha256(audio).hexdigest(),
        )


def _mp3(length: int, chance: random.Random) -> bytes:
    """An MP3 with valid frame headers and noise in the frames."""
    audio = bytearray(chance.randbytes(length))
    for place, value in enumerate(_FRAME):
        count = len(range(place, length, _FRAME_BYTES))
        audio[place::_FRAME_BYTES] = bytes([value]) * count
    return bytes(audio)


def _write_call_pages(folder: Path, items: tuple[Item, ...], moments: list[str]) -> None:
    rows = [_call_row(item, created) for item, created in zip(items, moments, strict=True)]
    for offset in range(0, len(rows), _PAGE):
        page = _page(rows[offset : offset + _PAGE], len(rows), offset + _PAGE)
        _write(folder / f"{offset}.json", page)
    _write(folder / "behind.json", _page([], len(rows), len(rows)))


def _write_small_lists(folder: Path) -> None:
    orders = [{"id": ORDER, "title": "Delivery line"}]
    users = [{"id": 101 + n, "name": "Agent", "lastName": str(n)} for n in range(_USERS)]
    _write(folder / "orders.json", _page(orders, 1, 1))
    _write(folder / "users.json", _page(users, _USERS, _USERS))
    _write(folder / "statuses.json", _answer([{"id": 1, "code": "answered", "title": "Answered"}]))


def _call_row(item: Item, created: str) -> dict[str, Any]:
    return {
        "id": item.call,
        "userId": 101 + item.call % _USERS,
        "leadId": item.lead,
        "orderId": ORDER,
        "statusId": 1,
        "direction": "outgoing",
        "clientPhone": "+15550100",
        "finishInitiator": "client",
        "talkTimeDurationSeconds": _seconds(item),
        "hasRecords": True,
        "createdAt": created,
    }


def _recording_row(item: Item, created: str, url: str) -> dict[str, Any]:
    return {
        "id": item.recording,
        "userId": 101 + item.call % _USERS,
        "leadId": item.lead,
        "isTransfer": False,
        "durationSeconds": _seconds(item),
        "fileUrl": f"{url}/files/{item.recording}.mp3",
        "recordSummary": "The client asks about the delivery and agrees to a new date.",
        "createdAt": created,
    }


def _seconds(item: Item) -> int:
    return round(item.bytes / _BYTES_A_SECOND)


def _page(rows: list[dict[str, Any]], total: int, following: int) -> dict[str, Any]:
    return _answer({"list": rows, "next": following, "total": total})


def _answer(data: Any) -> dict[str, Any]:
    return {"success": True, "message": "", "data": data}


def _write(path: Path, answer: dict[str, Any]) -> None:
    path.write_text(json.dumps(answer), encoding="utf-8")


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
