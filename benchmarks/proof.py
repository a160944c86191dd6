"""Checks that a contestant did all of its work: every file, its size and its SHA-256."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.source import Item, Source

REPORT = "report.json"
"""The file with the output of archiver in a round."""


class Incomplete(Exception):
    """Something is missing or wrong; the round does not count."""


def check_sums(source: Source, folder: Path) -> None:
    """`files/<recording>.mp3`, and the sha256sum lines of all of them in `sums`."""
    _check_files(source.items, {item: _flat(folder, item) for item in source.items})
    lines = (folder / "sums").read_text().splitlines()
    summed = {Path(name).stem: digest for digest, _, name in (one.partition("  ") for one in lines)}
    wanted = {str(item.recording): item.sha256 for item in source.items}
    _require(summed == wanted, "sums does not hold the digest of every file")


def check_tree(source: Source, folder: Path) -> None:
    """`files/<lead>/<call>/<recording>.mp3`, each with a JSON file that has its digest."""
    places = {item: _nested(folder / "files", item) for item in source.items}
    _check_files(source.items, places)
    for item, path in places.items():
        _require(_json(path.with_suffix(".json"))["sha256"] == item.sha256, f"sidecar of {path}")


def check_archive(source: Source, folder: Path) -> None:
    """A complete archive: files, sidecars, ledger with an intact chain, report."""
    root = folder / "archive"
    _check_report(source, folder)
    places = {item: _nested(root, item) for item in source.items}
    _check_files(source.items, places)
    stored = {event["key"]: event for event in _events(root) if event["what"] == "stored"}
    for item, path in places.items():
        sidecar = path.with_suffix(".json").read_bytes()
        told = stored.get(path.relative_to(root).as_posix(), {})
        _require(told.get("sha256") == item.sha256, f"{path} is not in the ledger")
        digest = hashlib.sha256(sidecar).hexdigest()
        _require(told.get("sidecarSha256") == digest, f"the ledger knows another sidecar of {path}")
        _require(json.loads(sidecar)["audio"]["sha256"] == item.sha256, f"sidecar of {path}")
    _require(len(stored) == len(source.items), "the ledger tells of other recordings, too")
    _require(not list(root.glob("_archive/tmp/*.part")), "part files are left")


def check_s3_archive(source: Source, folder: Path, there: Mapping[str, int]) -> None:
    """A report that says complete, and the right number of objects of the right size."""
    _check_report(source, folder)
    _require(any(key.startswith("_archive/ledger/") for key in there), "there is no ledger")
    for item in source.items:
        key = f"{item.lead}/{item.call}/{item.recording}"
        _require(there.get(f"{key}.mp3") == item.bytes, f"{key}.mp3: missing or cut")
        _require(f"{key}.json" in there, f"{key}.json is missing")


def check_s3_copies(source: Source, folder: Path, there: Mapping[str, int]) -> None:
    """Every file and every list, and the digests of the files."""
    check_sums(source, folder)
    for item in source.items:
        name = f"files/{item.recording}.mp3"
        _require(there.get(name) == item.bytes, f"{name}: missing or cut")
        _require(f"lists/{item.call}.json" in there, f"lists/{item.call}.json is missing")


def _check_report(source: Source, folder: Path) -> None:
    report = _json(folder / REPORT)
    counts = report["recordings"]["archived"], report["calls"]["archived"]
    _require(report["complete"] is True, "the report does not say complete")
    _require(counts == (len(source.items),) * 2, f"{counts} archived")


def _events(root: Path) -> list[dict[str, Any]]:
    previous, events = None, []
    for path in sorted((root / "_archive" / "ledger").glob("*.jsonl")):
        data = path.read_bytes()
        header, *lines = map(json.loads, data.splitlines())
        _require(header["previous"] == previous, f"{path.name} does not follow the one before")
        previous = hashlib.sha256(data).hexdigest()
        _require(path.stem.endswith(previous), f"{path.name} bears another digest")
        events += lines
    return events


def _flat(folder: Path, item: Item) -> Path:
    return folder / "files" / f"{item.recording}.mp3"


def _nested(folder: Path, item: Item) -> Path:
    return folder / str(item.lead) / str(item.call) / f"{item.recording}.mp3"


def _check_files(items: Iterable[Item], places: dict[Item, Path]) -> None:
    def check(item: Item) -> None:
        path = places[item]
        _require(path.is_file() and path.stat().st_size == item.bytes, f"{path}: missing or cut")
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        _require(digest == item.sha256, f"{path} holds other bytes")

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(check, items))


def _json(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_bytes())
    return found


def _require(held: bool, what: str) -> None:
    if not held:
        raise Incomplete(what)
