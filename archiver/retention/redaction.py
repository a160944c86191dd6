"""Run reports without the entries of an erased person.

The event with the new digest is recorded first; then the report is replaced, and on storage with
versions the older ones are removed. So at any moment the report has one of two recorded digests,
and a report with any other is damaged and is not changed.
"""

import hashlib
import json
import re
from collections.abc import Collection
from typing import Any

from archiver.archive.archive import Archive
from archiver.catalog import retention
from archiver.clock import Clock
from archiver.errors import ArchiveDamaged, KeyMissing
from archiver.ledger.events import Redacted
from archiver.retention.objects import clear
from archiver.storage.base import Body
from archiver.storage.keys import RUNS_PREFIX
from archiver.text.json import read_json

_MOST_BYTES = 64 * 1024 * 1024
_RECORDING_IN_TEXT = re.compile(r"\d+/(\d+)/(\d+)\.")


def redacted(
    data: bytes, *, lead_id: int, calls: Collection[int], records: Collection[int]
) -> bytes | None:
    """The report without entries about these calls and recordings; None if it has none.

    Counts stay. ValueError if it is not a report.
    """
    report = read_json(data)
    if not isinstance(report, dict):
        raise ValueError("not a report")

    def is_about(problem: Any) -> bool:
        return isinstance(problem, dict) and (
            problem.get("callId") in calls
            or problem.get("recordId") in records
            or problem.get("scopes") == [f"lead {lead_id}"]
        )

    def names(text: Any) -> bool:
        found = _RECORDING_IN_TEXT.findall(str(text))
        return any(int(call) in calls or int(record) in records for call, record in found)

    kept = {
        "problems": [one for one in report.get("problems", []) if not is_about(one)],
        **{
            name: [one for one in report[name] if not names(one)]
            for name in ("damaged", "strays", "notes")
            if isinstance(report.get(name), list)
        },
    }
    gone = sum(len(report.get(name, [])) - len(entries) for name, entries in kept.items())
    if not gone:
        return None
    report |= kept | {"entriesErased": report.get("entriesErased", 0) + gone}
    return (json.dumps(report, indent=2) + "\n").encode("ascii")


async def reports_about(
    archive: Archive, lead_id: int, calls: Collection[int], records: Collection[int]
) -> dict[str, tuple[bytes, bytes]]:
    """The reports with entries about these, by key: the present and the new bytes.

    Raises ArchiveDamaged for a report that differs from the recorded one.
    """
    known = await archive.catalog.ask(retention.reports)
    found = {}
    async for info in archive.storage.list(RUNS_PREFIX):
        data = await archive.storage.read(info.key, limit=_MOST_BYTES)
        told = known.get(info.key)
        digest = hashlib.sha256(data).hexdigest()
        if told is not None and digest not in (told.sha256, told.previous_sha256):
            raise _damaged(info.key, "it does not match the ledger")
        try:
            new = redacted(data, lead_id=lead_id, calls=calls, records=records)
        except ValueError as error:
            raise _damaged(info.key, "it is not a report") from error
        if new is not None:
            found[info.key] = (data, new)
    return found


async def redact_reports(archive: Archive, lead_id: int, *, clock: Clock, act: str) -> None:
    """Replace every report with entries about the erased lead, in the archive's usual order."""
    calls, records = await archive.catalog.ask(lambda db: retention.erased_of_lead(db, lead_id))
    known = await archive.catalog.ask(retention.reports)
    found = await reports_about(archive, lead_id, calls, records)
    told = [
        Redacted(report_key=key, report_sha256=_sha256(new), previous_sha256=_sha256(old))
        for key, (old, new) in found.items()
        if key in known and known[key].sha256 == _sha256(old)
    ]
    await archive.catalog.record(told, at=clock(), run=act)
    await archive.publish()
    for key, (_, new) in found.items():
        await _replace(archive, key, new, is_known=key in known)
    for key, report in (await archive.catalog.ask(retention.reports)).items():
        if report.previous_sha256 is not None:
            await _forget_older(archive, key, report, clock=clock, act=act)


async def _replace(archive: Archive, key: str, new: bytes, *, is_known: bool) -> None:
    if not is_known:  # the run died before it recorded its report
        await clear(archive.storage, key)
        return
    body = Body.of(new, "application/json")
    info = await archive.storage.stat(key)
    await archive.storage.put(key, body, replacing=info.tag)


async def _forget_older(
    archive: Archive, key: str, report: retention.Report, *, clock: Clock, act: str
) -> None:
    """Remove the older versions of a replaced report, and record the version of the new one."""
    try:
        version = (await archive.storage.stat(key)).version
    except KeyMissing:
        return
    if version is None:
        return
    await clear(archive.storage, key, keeping=version)
    if report.version != version:
        told = Redacted(
            report_key=key,
            report_sha256=report.sha256,
            previous_sha256=report.previous_sha256 or report.sha256,
            report_version=version,
        )
        await archive.catalog.record([told], at=clock(), run=act)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _damaged(key: str, what: str) -> ArchiveDamaged:
    return ArchiveDamaged(
        f"{key}: {what}, so the person's data in it cannot be removed",
        hint="restore it from a copy, or move it out of the archive, and try again",
    )
