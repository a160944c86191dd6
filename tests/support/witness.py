"""An archive as a stranger reads it: with the format's description, SHA-256 and JSON only.

Nothing of the product is used here, so what it writes is held against what it promises.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_ID = r"(?:0|[1-9][0-9]{0,18})"
_RECORDING = re.compile(rf"({_ID})/({_ID})/({_ID})\.([a-z0-9]{{1,5}})")
_SEGMENT = re.compile(r"_archive/ledger/([0-9]{8})-([0-9a-f]{64})\.jsonl")
_CLAIM = re.compile(r"_archive/ledger/([0-9]{8})\.claim")
_REVISION = re.compile(rf"_archive/revisions/{_ID}/{_ID}/{_ID}\.[1-9][0-9]*\.json")
_RUN = re.compile(r"_archive/runs/[A-Za-z0-9-]+\.json")

ALLOWED = {"_archive/format.json", "_archive/tmp/lock"}
"""A lock that nobody holds tells the next run that the one before did not end in order."""


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class Stored:
    """A recording in the archive: its key's parts, its bytes, its sidecar."""

    lead: int
    call: int
    record: int
    extension: str
    audio: bytes
    sidecar: dict[str, Any]


@dataclass(frozen=True)
class Witness:
    """One archive in a folder."""

    root: Path

    def objects(self) -> dict[str, bytes]:
        """Every file by its key, whatever it is."""
        return {
            path.relative_to(self.root).as_posix(): path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_file() or path.is_symlink()
        }

    def recordings(self) -> dict[int, Stored]:
        """The recordings by id; fails when one lies there twice or lacks a half."""
        objects = self.objects()
        found: dict[int, Stored] = {}
        for key, data in objects.items():
            name = _RECORDING.fullmatch(key)
            if name is None or name[4] == "json":
                continue
            sidecar = objects.get(f"{name[1]}/{name[2]}/{name[3]}.json")
            assert sidecar is not None, f"{key} has no sidecar"
            record = int(name[3])
            assert record not in found, f"recording {record} lies there twice"
            found[record] = Stored(
                int(name[1]), int(name[2]), record, name[4], data, json.loads(sidecar)
            )
        return found

    def sidecar(self, record_id: int) -> dict[str, Any]:
        return self.recordings()[record_id].sidecar

    def segments(self) -> list[bytes]:
        """The segments that count, the chain checked link by link, and each by its claim."""
        names = self._claimed()
        found: list[bytes] = []
        previous = None
        archive = self.format()["archiveId"] if names else None
        for number, (name, sha256) in enumerate(names, start=1):
            data = (self.root / name).read_bytes()
            assert int(name[16:24]) == number, "the ledger lacks a segment, or has one twice"
            assert digest(data) == sha256, f"{name} is not what its name says"
            header = json.loads(data.split(b"\n", 1)[0])
            assert header == {
                "segment": number,
                "archive": archive,
                "previous": previous,
                "claim": f"{number:08d}.claim",
            }
            found.append(data)
            previous = sha256
        return found

    def _claimed(self) -> list[tuple[str, str]]:
        """The segments that are claimed, as key and digest, in the order of their numbers."""
        claims = sorted(self.root.glob("_archive/ledger/*.claim"))
        told = [claim.read_text("ascii").removesuffix("\n").split("  ") for claim in claims]
        for claim, (sha256, name) in zip(claims, told, strict=True):
            assert name == f"_archive/ledger/{claim.stem}-{sha256}.jsonl"
        return [(name, sha256) for sha256, name in told]

    def head(self) -> str | None:
        segments = self.segments()
        return digest(segments[-1]) if segments else None

    def events(self, what: str | None = None) -> Iterator[dict[str, Any]]:
        """Every event of the ledger in order, or those of one kind."""
        for segment in self.segments():
            assert segment.endswith(b"\n")
            for line in segment.splitlines()[1:]:
                event = json.loads(line)
                if what in (None, event["what"]):
                    yield event

    def format(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads((self.root / "_archive/format.json").read_bytes())
        return told

    def reports(self) -> list[dict[str, Any]]:
        return [
            json.loads(data)
            for key, data in self.objects().items()
            if key.startswith("_archive/runs/")
        ]

    def strays(self) -> list[str]:
        """What lies in the archive and is none of what design allows there."""
        patterns = (_RECORDING, _SEGMENT, _CLAIM, _REVISION, _RUN)
        return [
            key
            for key in self.objects()
            if key not in ALLOWED and not any(one.fullmatch(key) for one in patterns)
        ]

    def check(self) -> None:
        """Everything that holds of an archive after a run that ended in order."""
        assert not (self.root / "_archive/tmp").exists()
        self.check_objects()

    def check_objects(self) -> None:
        """Everything that holds of an archive while no run is under way."""
        assert self.strays() == []
        known = self._known()
        found = self.recordings()
        assert set(found) == set(known)
        for record_id, stored in found.items():
            self._check_one(stored, known[record_id])
        objects = self.objects()
        assert sum(_RECORDING.fullmatch(key) is not None for key in objects) == 2 * len(found)
        for event in self.events("run"):
            assert digest(objects[event["reportKey"]]) == event["reportSha256"]

    def _known(self) -> dict[int, dict[str, Any]]:
        """What the ledger tells of each recording: its highest revision.

        A machine that was away may tell late what it did early, so the last word need not count.
        """
        known: dict[int, dict[str, Any]] = {}
        for event in self.events():
            if event["what"] not in ("stored", "revised"):
                continue
            before = known.setdefault(event["recordId"], event)
            if event["what"] == "stored":
                assert before["key"] == event["key"], "a key has changed"
                assert before["sha256"] == event["sha256"], "bytes have changed"
            if before["revision"] <= event["revision"]:
                known[event["recordId"]] = before | event
        return known

    def _check_one(self, stored: Stored, told: Mapping[str, Any]) -> None:
        key = f"{stored.lead}/{stored.call}/{stored.record}.{stored.extension}"
        sidecar = (self.root / key).with_suffix(".json").read_bytes()
        assert told["key"] == key == stored.sidecar["audio"]["key"]
        sums = (told["sha256"], stored.sidecar["audio"]["sha256"])
        assert sums == (digest(stored.audio),) * 2
        assert told["bytes"] == stored.sidecar["audio"]["bytes"] == len(stored.audio)
        assert told["sidecarSha256"] == digest(sidecar)
        assert told["sidecarBytes"] == len(sidecar)
        assert told["revision"] == stored.sidecar["revision"]
        assert stored.sidecar["recordId"] == stored.record
        assert stored.sidecar["callId"] == stored.call
        for revision in range(1, stored.sidecar["revision"]):
            kept = self.root / f"_archive/revisions/{key.rpartition('.')[0]}.{revision}.json"
            assert json.loads(kept.read_bytes())["revision"] == revision

    def check_recordings(self, expected: Mapping[int, bytes], *, whole: bool = True) -> None:
        """The recordings are those, each once, with those bytes."""
        found = {one.record: one.audio for one in self.recordings().values()}
        if whole:
            assert found == dict(expected)
        else:
            assert found.items() <= expected.items()

    def check_names(self, expected: Mapping[int, bytes]) -> None:
        """At any moment, even in the middle of a run: what has its final name is whole."""
        for key, data in self.objects().items():
            if key.startswith("_archive/tmp/"):
                continue
            name = _RECORDING.fullmatch(key)
            if name is not None and name[4] != "json":
                assert data == expected[int(name[3])], f"{key} is not what the source served"
            elif key.endswith(".json"):
                json.loads(data)
            elif not _CLAIM.fullmatch(key):
                segment = _SEGMENT.fullmatch(key)
                assert segment is not None, f"{key} is a stray"
                assert digest(data) == segment[2]
        times = Counter(event["recordId"] for event in self.events("stored"))
        assert set(times) <= set(expected)
