"""Whether what a hold covers has the legal hold of S3, object by object.

Which recordings a hold covers depends on their calls and leads as the ledger told them last, so the
ledger is read a second time, into a catalog of its own in a temporary file. This happens only for
an archive with holds in force, in a bucket with Object Lock.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from anyio import to_thread

from archiver.catalog.locks import Holdable, to_hold
from archiver.catalog.scratch import scratch_catalog
from archiver.errors import KeyMissing
from archiver.ledger.walk import Walk
from archiver.retention.objects import AT_ONCE, locks_of, places_of
from archiver.storage.base import Storage
from archiver.storage.lock import is_archive_locked
from archiver.storage.versions import ObjectVersion, Versions
from archiver.tasks.contexts import entered
from archiver.tasks.lanes import in_lanes
from archiver.verify.findings import Finding, NoLegalHold
from archiver.verify.inventory import Expected, Inventory

_A_PAGE: Final = 500


async def audit_legal_holds(
    storage: Storage,
    archive_id: str | None,
    inventory: Inventory,
    select: Callable[[Expected], bool],
) -> list[Finding]:
    """The recorded versions without a legal hold although a hold covers them, in the order of
    recordings.

    Costs a listing for each recording that a hold covers, and a request for each of its versions.
    What is archived or put on hold while a command has locked the archive gets its legal hold at
    the end of the command, so only a legal hold that the ledger records is missed then. Raises
    StorageForbidden where the account may not see legal holds.
    """
    versions = await locks_of(storage)
    if versions is None or archive_id is None:
        return []
    async with entered(partial(scratch_catalog, archive_id)) as catalog:
        async for step in Walk(storage, archive_id).steps():
            await to_thread.run_sync(catalog.take, step.lines)
        findings: list[Finding] = []
        after = -1
        while page := await to_thread.run_sync(
            catalog.ask, partial(to_hold, after=after, most=_A_PAGE, again=True)
        ):
            after = page[-1].record_id
            if await is_archive_locked(storage):
                page = [one for one in page if one.is_set]
            findings += await _audit_page(versions, page, inventory, select)
    return findings


async def _audit_page(
    versions: Versions,
    page: Sequence[Holdable],
    inventory: Inventory,
    select: Callable[[Expected], bool],
) -> list[Finding]:
    there: dict[int, list[ObjectVersion]] = {}
    found: dict[int, list[Finding]] = {}

    async def list_versions(one: Holdable) -> None:
        there[one.record_id] = [
            each
            for prefix in places_of(one.key)
            for each in await versions.of(prefix)
            if not each.is_marker
        ]

    def chosen() -> dict[int, list[ObjectVersion]]:
        return {
            record_id: [one for one in some if _is_ours(one, inventory.find(one.key), select)]
            for record_id, some in there.items()
        }

    async def look(one: Holdable) -> None:
        found[one.record_id] = [
            _finding(one, each)
            for each in ours[one.record_id]
            if not await _is_on_hold(versions, each)
        ]

    await in_lanes(AT_ONCE, page, list_versions)
    ours = await to_thread.run_sync(chosen)
    await in_lanes(AT_ONCE, page, look)
    return [each for one in page for each in found[one.record_id]]


def _is_ours(
    one: ObjectVersion, expected: Expected | None, select: Callable[[Expected], bool]
) -> bool:
    """Whether it is the recorded version of an object that is to be checked."""
    return (
        expected is not None
        and not expected.leaving
        and expected.version in (None, one.version)
        and select(expected)
    )


async def _is_on_hold(versions: Versions, one: ObjectVersion) -> bool:
    try:
        return await versions.is_on_hold(one.key, one.version)
    except KeyMissing:
        return True  # other checks find that


def _finding(one: Holdable, version: ObjectVersion) -> NoLegalHold:
    return NoLegalHold(
        key=version.key,
        record_id=one.record_id,
        expected="an S3 legal hold, since a hold of the archive covers it",
        found="none: it was removed after archiver had set it"
        if one.is_set
        else "none: archiver could not set it",
        version=version.version,
    )
