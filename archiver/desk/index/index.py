"""The index as the desk asks it: every question answered from one picture, in a worker thread.

The sums (facets, totals, order) come from columns in memory, the full text and what a page shows
from SQLite, on connections that only read. Nobody waits for the one that writes.
"""

import queue
import sqlite3
from collections import OrderedDict
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
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import anyio
import anyio.to_thread
import numpy as np

from archiver.desk.index import rows as sql
from archiver.desk.index.border import index_errors
from archiver.desk.index.calls import Calls, calls_of
from archiver.desk.index.columns import STATES, Ints
from archiver.desk.index.entries import CallEntry, Entry, Facets, Leg, Neighbours, Page
from archiver.desk.index.filters import Match
from archiver.desk.index.ordering import Ordering
from archiver.desk.index.search import match as expression_of
from archiver.desk.index.snapshot import Picture, Upkeep
from archiver.desk.index.store import Store
from archiver.desk.index.view import State, View
from archiver.sqlite.connections import open_reader

_Result = TypeVar("_Result")

MOST_ROWS: Final = 500
"""Of one page."""
_READERS: Final = 4
_SEARCHES_KEPT: Final = 8
_COUNTS_KEPT: Final = 32
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


class DeskIndex:
    """The index of one archive: what it has of every recording, to be found by anything.

    Ids that no recording can have are simply not found. Raises StorageError for what SQLite cannot.
    """

    def __init__(self, upkeep: Upkeep) -> None:
        self.upkeep = upkeep
        self._limiter = anyio.CapacityLimiter(_READERS)
        self._readers: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue()
        self._searches: OrderedDict[tuple[str, int], Ints] = OrderedDict()
        self._counted: tuple[Picture, OrderedDict[View, Facets]] = (upkeep.picture, OrderedDict())

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
            lambda db, picture: _page(db, picture, self._match(db, picture, view), view, limit)
        )

    async def facets(self, view: View) -> Facets:
        """How many rows each choice of each facet would give."""
        return await self._ask(
            lambda db, picture: self._counts(picture, self._match(db, picture, view), view)
        )

    async def find_with_facets(self, view: View, limit: int = 50) -> tuple[Page, Facets]:
        """`find` and `facets` of one picture, in one go."""

        def found(db: sqlite3.Connection, picture: Picture) -> tuple[Page, Facets]:
            match = self._match(db, picture, view)
            return _page(db, picture, match, view, limit), self._counts(picture, match, view)

        return await self._ask(found)

    async def pieces(self, view: View, size: int) -> AsyncIterator[Piece]:
        """Every recording of the view, in its order, some at a time; the cursor does not count.

        The rows are those of the moment of the first, the rest is as of the moment of its piece.
        """

        def ordered(db: sqlite3.Connection, picture: Picture) -> Ints:
            matched = self._match(db, picture, view).rows()
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

        def found(db: sqlite3.Connection, picture: Picture) -> list[Entry]:
            return _named_entries(db, picture, known)

        return await self._ask(found)

    async def recording(self, record_id: int) -> Entry | None:
        """One recording; None if the archive does not know it."""
        found = await self.entries([record_id])
        return found[0] if found else None

    async def call(self, call_id: int) -> CallEntry | None:
        """A call as one timeline; None if no recording of it is known."""
        if not 0 < call_id <= _GREATEST_ID:
            return None
        found = await self._ask(
            lambda db, picture: _named_entries(db, picture, sql.legs(db, call_id))
        )
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

        def found(db: sqlite3.Connection, picture: Picture) -> Neighbours:
            rows = self._match(db, picture, view).rows()
            place = picture.columns.position(record_id) if 0 < record_id <= _GREATEST_ID else None
            if place is None or not np.isin(place, rows, assume_unique=True):
                return Neighbours(None, None, None, len(rows))
            ordering = Ordering(picture.columns, picture.legends, view, picture.names)
            places, own = ordering.places(rows), ordering.places(np.array([place]))[0]
            before, after = places < own, places > own
            ids = picture.columns.record_id
            return Neighbours(
                int(ids[rows[before][np.argmax(places[before])]]) if before.any() else None,
                int(ids[rows[after][np.argmin(places[after])]]) if after.any() else None,
                int(np.count_nonzero(before)) + 1,
                len(rows),
            )

        return await self._ask(found)

    async def by_agent(self, view: View) -> dict[int, list[int]]:
        """The archived recordings of the view by agent (0: none known), in no promised order."""

        def found(db: sqlite3.Connection, picture: Picture) -> dict[int, list[int]]:
            columns = picture.columns
            rows = self._match(db, picture, view).rows()
            rows = rows[columns.state[rows] == STATES.index(State.ARCHIVED)]
            agents = columns.agent[rows]
            by_agent = np.argsort(agents, kind="stable")
            codes, starts = np.unique(agents[by_agent], return_index=True)
            groups = np.split(columns.record_id[rows[by_agent]], starts[1:])
            values = picture.legends.agent.values
            ids = [int(values[code]) for code in codes]
            return {one: group.tolist() for one, group in zip(ids, groups, strict=False)}

        return await self._ask(found)

    async def calls(self, view: View) -> Calls:
        """The archived recordings of the view as columns, for what is added up over them."""

        def found(db: sqlite3.Connection, picture: Picture) -> Calls:
            rows = self._match(db, picture, view).rows()
            return calls_of(picture.columns, picture.legends, rows, view.agent_channel)

        return await self._ask(found)

    def names(self) -> Mapping[tuple[str, int], str]:
        """The newest known names, by `agent` or `order` and id."""
        return self.upkeep.picture.names

    async def source(self, record_id: int) -> sql.Source | None:
        """Where the audio of a recording is stored; None if the archive does not know it."""
        if not 0 < record_id <= _GREATEST_ID:
            return None
        return await self._ask(lambda db, picture: sql.source(db, record_id))

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

    def _match(self, db: sqlite3.Connection, picture: Picture, view: View) -> Match:
        expression = expression_of(view.text)
        texts = None if expression is None else self._search(db, picture, expression)
        return Match(picture.columns, picture.legends, view, texts, picture.tags)

    def _counts(self, picture: Picture, match: Match, view: View) -> Facets:
        """The facets of the view; the last ones are kept for as long as the picture is the same,
        since everyone comes back to the same few lists, page by page."""
        if self._counted[0] is not picture:
            self._counted = (picture, OrderedDict())
        kept, asked = self._counted[1], replace(view, cursor="")
        known = kept.get(asked)
        if known is None:
            known = kept[asked] = match.facets(picture.names)
            while len(kept) > _COUNTS_KEPT:
                kept.popitem(last=False)
        return known

    def _search(self, db: sqlite3.Connection, picture: Picture, expression: str) -> Ints:
        """The ids of recordings whose summary answers the expression; the last searches are kept,
        since facets, pages and neighbours of one view come one after the other."""
        asked = (expression, picture.texts)
        known = self._searches.get(asked)
        if known is None:
            # One text of all ids: half a million rows one by one would take four times as long.
            (told,) = db.execute(_SEARCH, (expression,)).fetchone()
            known = np.fromstring(told or "", np.int64, sep=",")
            self._searches[asked] = known
            while len(self._searches) > _SEARCHES_KEPT:
                self._searches.popitem(last=False)
        return known

    async def _ask(self, question: Callable[[sqlite3.Connection, Picture], _Result]) -> _Result:
        def answer() -> _Result:
            picture = self.upkeep.picture
            with index_errors(self.upkeep.store.path), self._reader() as db:
                return question(db, picture)

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


def _page(db: sqlite3.Connection, picture: Picture, match: Match, view: View, limit: int) -> Page:
    matched = match.rows()
    ordering = Ordering(picture.columns, picture.legends, view, picture.names)
    page, is_more = ordering.first(matched, max(1, min(limit, MOST_ROWS)))
    follows = ordering.cursor_after(int(page[-1])) if is_more else None
    return Page(tuple(_entries(db, picture, page)), len(matched), follows)


def _entries(db: sqlite3.Connection, picture: Picture, rows: Ints) -> list[Entry]:
    return _named_entries(db, picture, picture.columns.record_id[rows].tolist())


def _named_entries(
    db: sqlite3.Connection, picture: Picture, record_ids: Sequence[int]
) -> list[Entry]:
    return sql.entries(db, record_ids, picture.names, _flags(picture, record_ids))


def _flags(picture: Picture, record_ids: Iterable[int]) -> dict[int, sql.Flags]:
    columns, flags = picture.columns, {}
    for one in record_ids:
        place = columns.position(one)
        if place is not None:
            flags[one] = sql.Flags(bool(columns.is_held[place]), bool(columns.is_reviewed[place]))
    return flags


def _piece(picture: Picture, ids: Ints) -> Piece:
    flags = {one: each for one, each in _flags(picture, ids.tolist()).items() if any(each)}
    tags: dict[int, list[str]] = {}
    for tag, tagged in sorted(picture.tags.items()):
        for one in np.intersect1d(ids, tagged).tolist():
            tags.setdefault(one, []).append(tag)
    return Piece(ids.tolist(), picture.names, flags, tags)
