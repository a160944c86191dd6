"""Sets the archive's legal holds in the storage as well, if its bucket has Object Lock.

A hold of the archive only binds archiver's own commands; an S3 legal hold binds everyone. This
module keeps them in step: it sets a legal hold on all versions of what a hold covers, and removes
it from what no hold covers any more. Legal holds set by others are left alone.

The ledger records that legal holds are being set before it is done, and again after it. So after a
crash, our own are not mistaken for someone else's, and the next command continues. A hold is in
force as soon as it is in the ledger; if the storage refuses, the next run tries again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from archiver.archive.archive import Archive
from archiver.catalog.locks import Holdable, others_on_hold, to_hold, to_release
from archiver.clock import Clock
from archiver.errors import ArchiverError, KeyMissing
from archiver.ledger.lock_events import LegalHold
from archiver.retention.objects import AT_ONCE, locks_of, places_of
from archiver.storage.versions import ObjectVersion, Versions
from archiver.tasks.lanes import in_lanes

_A_PAGE: Final = 500
"""Recordings per line of the ledger."""


@dataclass(slots=True)
class LegalHolds:
    """The result: recordings whose legal hold was set or removed, and versions left alone because
    others had set theirs. `trouble` says why it stopped early; `is_possible` whether the storage
    supports legal holds at all."""

    set: int = 0
    removed: int = 0
    others: list[str] = field(default_factory=list)
    trouble: str = ""
    is_possible: bool = True

    def as_json(self) -> dict[str, Any]:
        """The result in numbers."""
        return {
            "possible": self.is_possible,
            "set": self.set,
            "removed": self.removed,
            "others": len(self.others),
            "trouble": self.trouble or None,
        }


async def follow_holds(
    archive: Archive,
    *,
    clock: Clock,
    act: str,
    again: bool = False,
    is_over: Callable[[], bool] = lambda: False,
) -> LegalHolds:
    """Update the storage's legal holds to those of the archive, until `is_over`; with `again`, set
    also those that the ledger records as set.

    The archive's lock is not needed: nothing that a hold covers is being removed, since the ledger
    has the hold. Makes no request if there is nothing to do. Never fails: an error of the storage
    is returned as `trouble`.
    """
    done = LegalHolds(is_possible=archive.storage.versions is not None)
    try:
        if not done.is_possible or not await _is_due(archive, again=again):
            return done
        versions = await locks_of(archive.storage)
        done.is_possible = versions is not None
        if versions is not None:
            following = _Following(archive, versions, clock, act, is_over, done)
            await following.pages(partial(to_hold, again=again), following.set)
            await following.pages(to_release, following.remove)
    except ArchiverError as error:
        done.trouble = f"{error}; {error.hint}".removesuffix("; ")
    return done


async def _is_due(archive: Archive, *, again: bool) -> bool:
    for question in (partial(to_hold, again=again), to_release):
        if await archive.catalog.ask(partial(question, after=-1, most=1)):
            return True
    return False


@dataclass(frozen=True, slots=True)
class _Following:
    """The parts of a running update."""

    archive: Archive
    versions: Versions
    clock: Clock
    act: str
    is_over: Callable[[], bool]
    done: LegalHolds

    async def pages(self, question: Any, work: Any) -> None:
        """Do the work for all results of the question, page by page."""
        after = -1
        while not self.is_over():
            page = await self.archive.catalog.ask(partial(question, after=after, most=_A_PAGE))
            if not page:
                break
            after = page[-1].record_id
            await work(page)

    async def set(self, page: Sequence[Holdable]) -> None:
        """Set legal holds, recorded in the ledger before and after."""
        found = await self._versions_of(page)
        new = [one for one in page if one.known is None]
        others = await self._on_hold([each for one in new for each in found[one.record_id]])
        self.done.others += others
        unknown = [one for one in page if one.known is None or one.known < one.revision]
        if unknown:
            await self._tell("setting", unknown, others)
        await self._put([each for one in page for each in found[one.record_id]], page, is_on=True)
        await self._tell("set", page)
        self.done.set += len(page)

    async def remove(self, page: Sequence[Holdable]) -> None:
        """Remove legal holds, and record it in the ledger."""
        found = await self._versions_of(page)
        await self._put([each for one in page for each in found[one.record_id]], page, is_on=False)
        await self._tell("removed", page)
        self.done.removed += len(page)

    async def _versions_of(self, page: Sequence[Holdable]) -> dict[int, list[ObjectVersion]]:
        """Every version of every object of the recordings."""
        found: dict[int, list[ObjectVersion]] = {}

        async def look(one: Holdable) -> None:
            found[one.record_id] = [
                version
                for prefix in places_of(one.key)
                for version in await self.versions.of(prefix)
                if not version.is_marker
            ]

        await in_lanes(AT_ONCE, page, look)
        return found

    async def _on_hold(self, versions: Sequence[ObjectVersion]) -> list[str]:
        """Those that have a legal hold already."""
        found: list[str] = []

        async def look(one: ObjectVersion) -> None:
            try:
                if (await self.versions.lock(one.key, one.version)).is_on_hold:
                    found.append(_place(one))
            except KeyMissing:
                return

        await in_lanes(AT_ONCE, versions, look)
        return sorted(found)

    async def _put(
        self, versions: Sequence[ObjectVersion], page: Sequence[Holdable], *, is_on: bool
    ) -> None:
        ids = [one.record_id for one in page]
        others = await self.archive.catalog.ask(partial(others_on_hold, record_ids=ids))

        async def put(one: ObjectVersion) -> None:
            if _place(one) in others:
                return
            try:
                await self.versions.hold(one.key, one.version, is_on=is_on)
            except KeyMissing:  # `verify` reports missing objects
                return

        await in_lanes(AT_ONCE, versions, put)

    async def _tell(self, state: str, page: Sequence[Holdable], others: Sequence[str] = ()) -> None:
        event = LegalHold(
            state=state,
            record_ids=tuple(one.record_id for one in page),
            revisions=() if state == "removed" else tuple(one.revision for one in page),
            others=tuple(others),
        )
        await self.archive.announce([event], at=self.clock(), run=self.act)


def _place(one: ObjectVersion) -> str:
    return f"{one.key} {one.version}"
