"""The index as the desk asks it: every question answered from one picture, in a worker thread.

The sums (facets, totals, order) come from columns in memory, the full text and what a page shows
from SQLite, on connections that only read. Nobody waits for the one that writes.
"""

import queue
import sqlite3
from collections.abc import (
    AsyncIterator,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import tzinfo
from functools import cache, partial
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import anyio
import anyio.to_thread
import numpy as np

from archiver.desk.index import rows as sql
from archiver.desk.index.border import index_errors
from archiver.desk.index.calls import Calls, calls_of
from archiver.desk.index.columns import STATES, Ints
from archiver.desk.index.entries import CallEntry, Entry, Facets, Leg, Neighbours, Page
from archiver.desk.index.filters import Match
from archiver.desk.index.flags import flags_at, flags_of, with_flags
from archiver.desk.index.ordering import Ordering
from archiver.desk.index.search import match as expression_of
from archiver.desk.index.snapshot import Picture, Upkeep
from archiver.desk.index.store import Store
from archiver.desk.index.view import State, View
from archiver.desk.kept import Kept
from archiver.sqlite.connections import open_reader

_Result = TypeVar("_Result")

MOST_ROWS: Final = 500
"""Of one page."""
_READERS: Final = 4
_SEARCHES_KEPT: Final = 8
_COUNTS_KEPT: Final = 32
_PAGES_KEPT: Final = 256
_ENTRIES_KEPT: Final = 2048
_SOURCES_KEPT: Final = 1024
"""A player asks for a recording piece by piece."""
_GREATEST_ID: Final = 2**63 - 1
_SEARCH: Final = "SELECT group_concat(rowid) FROM words WHERE words MATCH ?"


@dataclass(frozen=True, slots=True)
class Piece:
    """Some recordings of a view, and what the file of the index does not have of them: names by
    `agent` or `order` and id, flags and tags by recording, where there are any."""

    record_ids: list[int]
    names: Mapping[tuple[str, int], str]
    flags: Mapping[int, sql.Flags]
    tags: Mapping[int, Sequence[str]]


class _Now(NamedTuple):
    """What one question is answered from: see `Upkeep`."""

    db: sqlite3.Connection
    picture: Picture
    edition: object


class _Found(NamedTuple):
    """Some rows of a view: ids and flags, the number of all rows, the cursor of the next page."""

    record_ids: tuple[int, ...]
    flags: Sequence[sql.Flags]
    total: int
    next: str | None


class DeskIndex:
    """The index of one archive: what it has of every recording, to be found by anything.

    Ids that no recording can have are simply not found. Raises StorageError for what SQLite cannot.
    """

    def __init__(self, upkeep: Upkeep) -> None:
        self.upkeep = upkeep
        self._limiter = anyio.CapacityLimiter(_READERS)
        self._readers: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue()
        self._searches: Kept[Ints] = Kept(_SEARCHES_KEPT)
        self._counted: Kept[Facets] = Kept(_COUNTS_KEPT)
        self._found: Kept[_Found] = Kept(_PAGES_KEPT)
        self._entries: Kept[Entry] = Kept(_ENTRIES_KEPT)
        self._sources: Kept[sql.Source] = Kept(_SOURCES_KEPT)

    @classmethod
    async def open(cls, path: Path, archive_id: str, zone: tzinfo) -> "DeskIndex":
        """Open or make the index of that archive; days begin at midnight in `zone`.

        What SQLite cannot read, or is of another archive or version, is thrown away. Raises
        UsageError while another desk holds it.
        """

        def opened() -> "DeskIndex":
            store = Store(path, archive_id)
            try:
                return cls(Upkeep(store, zone))
            except BaseException:
                store.close()
                raise

        return await anyio.to_thread.run_sync(opened)

    async def aclose(self) -> None:
        """Close the file. No question may be asked afterwards."""

        def close() -> None:
            while not self._readers.empty():
                self._readers.get().close()
            self.upkeep.store.close()

        await anyio.to_thread.run_sync(close)

    async def find(self, view: View, limit: int = 50) -> Page:
        """Rows of the view, at most `limit` (1 to 500) after its cursor.

        Raises UsageError for a cursor that is none.
        """
        return await self._ask(
            lambda now: self._page(now, self._find(now, view, limit, self._matching(now, view)))
        )

    async def facets(self, view: View) -> Facets:
        """How many rows each choice of each facet would give."""
        return await self._ask(lambda now: self._counts(now, view, self._matching(now, view)))

    async def find_with_facets(self, view: View, limit: int = 50) -> tuple[Page, Facets]:
        """`find` and `facets` of one picture, in one go."""

        def found(now: _Now) -> tuple[Page, Facets]:
            match = self._matching(now, view)
            page = self._page(now, self._find(now, view, limit, match))
            return page, self._counts(now, view, match)

        kept = self._as_kept(view, limit)
        return await self._ask(found) if kept is None else kept

    async def pieces(self, view: View, size: int) -> AsyncIterator[Piece]:
        """Every recording of the view, in its order, some at a time; the cursor does not count.

        The rows are those of the moment of the first, the rest is as of the moment of its piece.
        """

        def ordered(now: _Now) -> Ints:
            picture, matched = now.picture, self._match(now, view).rows()
            first = replace(view, cursor="")
            places = Ordering(picture.columns, picture.legends, first, picture.names)
            return picture.columns.record_id[places.first(matched, len(matched))[0]]

        ids = await self._ask(ordered)
        for start in range(0, len(ids), size):
            some = partial(_piece, self.upkeep.picture, ids[start : start + size])
            yield await anyio.to_thread.run_sync(some, limiter=self._limiter)

    async def entries(self, record_ids: Sequence[int]) -> list[Entry]:
        """Those of the recordings that are known, in the order of the ids."""
        known = [one for one in record_ids if 0 < one <= _GREATEST_ID]
        edition, picture = self.upkeep.edition, self.upkeep.picture
        kept = self._entries.get_all(edition, known)
        if kept is not None:
            return [*map(with_flags, kept, flags_of(picture.columns, known))]
        return await self._ask(
            lambda now: self._flagged(now, known, flags_of(now.picture.columns, known))
        )

    async def recording(self, record_id: int) -> Entry | None:
        """One recording; None if the archive does not know it."""
        found = await self.entries([record_id])
        return found[0] if found else None

    async def call(self, call_id: int) -> CallEntry | None:
        """A call as one timeline; None if no recording of it is known."""
        if not 0 < call_id <= _GREATEST_ID:
            return None

        def listed(now: _Now) -> list[Entry]:
            ids = sql.legs(now.db, call_id)
            return self._flagged(now, ids, flags_of(now.picture.columns, ids))

        found = await self._ask(listed)
        if not found:
            return None
        found.sort(key=lambda one: (one.created_at is None, one.created_at, one.record_id))
        legs, offset = [], 0.0
        for entry in found:
            legs.append(Leg(entry, round(offset, 3)))
            offset += entry.seconds or 0.0
        return CallEntry(call_id, tuple(legs), round(offset, 3))

    async def neighbours(self, view: View, record_id: int) -> Neighbours:
        """What stands before and after a recording in the view; its cursor does not count."""

        def found(now: _Now) -> Neighbours:
            picture, rows = now.picture, self._match(now, view).rows()
            place = picture.columns.position(record_id) if 0 < record_id <= _GREATEST_ID else None
            if place is None or not _has(rows, place):
                return Neighbours(None, None, None, len(rows))
            ordering = Ordering(picture.columns, picture.legends, view, picture.names)
            previous, following, position = ordering.around(rows, place)
            ids = picture.columns.record_id
            return Neighbours(
                None if previous is None else int(ids[previous]),
                None if following is None else int(ids[following]),
                position,
                len(rows),
            )

        return await self._ask(found)

    async def by_agent(self, view: View) -> dict[int, list[int]]:
        """The archived recordings of the view by agent (0: none known), in no promised order."""

        def found(now: _Now) -> dict[int, list[int]]:
            columns = now.picture.columns
            rows = self._match(now, view).rows()
            rows = rows[columns.state[rows] == STATES.index(State.ARCHIVED)]
            agents = columns.agent[rows]
            by_agent = np.argsort(agents, kind="stable")
            codes, starts = np.unique(agents[by_agent], return_index=True)
            groups = np.split(columns.record_id[rows[by_agent]], starts[1:])
            values = now.picture.legends.agent.values
            ids = [int(values[code]) for code in codes]
            return {one: group.tolist() for one, group in zip(ids, groups, strict=False)}

        return await self._ask(found)

    async def calls(self, view: View) -> Calls:
        """The archived recordings of the view as columns, for what is added up over them."""

        def found(now: _Now) -> Calls:
            picture, rows = now.picture, self._match(now, view).rows()
            return calls_of(picture.columns, picture.legends, rows, view.agent_channel)

        return await self._ask(found)

    def names(self) -> Mapping[tuple[str, int], str]:
        """The newest known names, by `agent` or `order` and id."""
        return self.upkeep.picture.names

    async def source(self, record_id: int) -> sql.Source | None:
        """Where the audio of a recording is stored; None if the archive does not know it."""
        if not 0 < record_id <= _GREATEST_ID:
            return None
        kept = self._sources.get(self.upkeep.edition, record_id)
        if kept is not None:
            return kept

        def found(now: _Now) -> sql.Source | None:
            source = sql.source(now.db, record_id)
            return None if source is None else self._sources.put(now.edition, record_id, source)

        return await self._ask(found)

    def buried(self) -> list[int]:
        """Every recording that was removed from the archive, or is about to be; this one blocks."""
        with index_errors(self.upkeep.store.path), self._reader() as db:
            return sql.buried(db)

    def set_reviewed(self, record_ids: Iterable[int]) -> None:
        """These recordings have been reviewed, and no others. Takes effect at once."""
        self.upkeep.set_reviewed(record_ids)

    def mark_reviewed(self, record_id: int, is_reviewed: bool = True) -> None:
        """This recording has been reviewed, or no longer counts as such. Takes effect at once."""
        self.upkeep.mark_reviewed(record_id, is_reviewed)

    def set_tags(self, tags: Mapping[str, Iterable[int]]) -> None:
        """These recordings have these tags, and no others. Takes effect at once."""
        self.upkeep.set_tags(tags)

    def mark_tags(self, record_id: int, tags: Collection[str]) -> None:
        """This recording has these tags, and no others. Takes effect at once."""
        self.upkeep.mark_tags(record_id, tags)

    def _match(self, now: _Now, view: View) -> Match:
        expression = expression_of(view.text)
        texts = None if expression is None else self._search(now, expression)
        return Match(now.picture.columns, now.picture.legends, view, texts, now.picture.tags)

    def _matching(self, now: _Now, view: View) -> Callable[[], Match]:
        """The match of the view, made once if it is needed."""
        return cache(lambda: self._match(now, view))

    def _as_kept(self, view: View, limit: int) -> tuple[Page, Facets] | None:
        """`find_with_facets` without a question to SQLite, if all of it is kept. Does not block."""
        edition, picture = self.upkeep.edition, self.upkeep.picture
        found = self._found.get(picture, (view, limit))
        counts = self._counted.get(picture, replace(view, cursor=""))
        if found is None or counts is None:
            return None
        entries = self._entries.get_all(edition, found.record_ids)
        if entries is None:
            return None
        rows = map(with_flags, entries, found.flags)
        return Page(tuple(rows), found.total, found.next), counts

    def _find(self, now: _Now, view: View, limit: int, match: Callable[[], Match]) -> _Found:
        """The last pages are kept for as long as the picture is the same."""

        def find() -> _Found:
            picture, matched = now.picture, match().rows()
            columns = picture.columns
            ordering = Ordering(columns, picture.legends, view, picture.names)
            rows, is_more = ordering.first(matched, max(1, min(limit, MOST_ROWS)))
            ids = tuple(columns.record_id[rows].tolist())
            follows = ordering.cursor_after(int(rows[-1])) if is_more else None
            return _Found(ids, flags_at(columns, rows), len(matched), follows)

        return self._found.of(now.picture, (view, limit), find)

    def _counts(self, now: _Now, view: View, match: Callable[[], Match]) -> Facets:
        """The facets of the view, which are those of all its pages; kept like these."""
        asked = replace(view, cursor="")
        return self._counted.of(now.picture, asked, lambda: match().facets(now.picture.names))

    def _page(self, now: _Now, found: _Found) -> Page:
        rows = self._flagged(now, found.record_ids, found.flags)
        return Page(tuple(rows), found.total, found.next)

    def _flagged(
        self, now: _Now, record_ids: Sequence[int], flags: Sequence[sql.Flags]
    ) -> list[Entry]:
        """Those of the recordings that are known, in the order of the ids."""
        entries = {one: self._entries.get(now.edition, one) for one in record_ids}
        missing = [one for one, entry in entries.items() if entry is None]
        if missing:
            for one, entry in sql.entries(now.db, missing, now.picture.names).items():
                entries[one] = self._entries.put(now.edition, one, entry)
        pairs = zip((entries[one] for one in record_ids), flags, strict=True)
        return [with_flags(entry, flag) for entry, flag in pairs if entry is not None]

    def _search(self, now: _Now, expression: str) -> Ints:
        """The ids of recordings whose summary answers the expression; the last searches are kept,
        since facets, pages and neighbours of one view come one after the other."""

        def search() -> Ints:
            # One text of all ids: half a million rows one by one would take four times as long.
            (told,) = now.db.execute(_SEARCH, (expression,)).fetchone()
            found: Ints = np.fromstring(told or "", np.int64, sep=",")
            return found

        return self._searches.of(now.edition, expression, search)

    async def _ask(self, question: Callable[[_Now], _Result]) -> _Result:
        def answer() -> _Result:
            edition, picture = self.upkeep.edition, self.upkeep.picture
            with index_errors(self.upkeep.store.path), self._reader() as db:
                return question(_Now(db, picture, edition))

        return await anyio.to_thread.run_sync(answer, limiter=self._limiter)

    @contextmanager
    def _reader(self) -> Iterator[sqlite3.Connection]:
        """A connection that can only read, made when there is none to spare."""
        try:
            db = self._readers.get_nowait()
        except queue.Empty:
            db = open_reader(self.upkeep.store.path)
        try:
            yield db
        finally:
            self._readers.put(db)


def _has(rows: Ints, place: int) -> bool:
    """Whether rows, which are in order, include that one."""
    at = int(np.searchsorted(rows, place))
    return at < len(rows) and int(rows[at]) == place


def _piece(picture: Picture, ids: Ints) -> Piece:
    pairs = zip(ids.tolist(), flags_of(picture.columns, ids.tolist()), strict=True)
    flags = {one: each for one, each in pairs if any(each)}
    tags: dict[int, list[str]] = {}
    for tag, tagged in sorted(picture.tags.items()):
        for one in np.intersect1d(ids, tagged).tolist():
            tags.setdefault(one, []).append(tag)
    return Piece(ids.tolist(), picture.names, flags, tags)
