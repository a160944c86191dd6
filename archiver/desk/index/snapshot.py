"""What the questions are answered from, and how it is kept up with the file.

A `Picture` never changes. The upkeep makes a newer one in its own thread and puts it in the place
of the old one; a question that came before is still answered from the picture it began with.
"""

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from typing import Final

import numpy as np

from archiver.desk.index.apply import Parsed
from archiver.desk.index.arrivals import placed
from archiver.desk.index.batches import Batch, Facts, with_facts
from archiver.desk.index.columns import STATES, Columns, Ints, Legends, empty, encode, joined
from archiver.desk.index.store import Store, Unread
from archiver.desk.index.view import State
from archiver.ledger.segments import Head

_REFRESH_SHARE: Final = 10
"""While the index is filled, a new picture is made for every tenth part of what there is."""
_ARCHIVED: Final = STATES.index(State.ARCHIVED)


@dataclass(frozen=True, slots=True)
class Picture:
    """The columns, and the names behind their ids.

    `tags` has the ids of the recordings with each tag, also of those that the columns do not have.
    """

    columns: Columns
    legends: Legends
    names: Mapping[tuple[str, int], str]
    tags: Mapping[str, Ints] = field(default_factory=dict)


class Upkeep:
    """Writes to the index and keeps `picture` up with it.

    Every method blocks, and must be called by one thread at a time, except `set_reviewed`,
    `mark_reviewed`, `set_tags`, `mark_tags` and reading `picture` and `edition`, which are safe in
    any thread at any time.

    `edition` is another object whenever the file, or a name in the picture, may have changed. To
    keep what was made of both, read it before them.
    """

    def __init__(self, store: Store, zone: tzinfo) -> None:
        self.store = store
        self._swap = threading.Lock()
        self._touched: set[int] = set()
        self._arrived: list[Columns] = []
        self._facts: list[Facts] = []
        self._are_holds_changed = True
        self._held = self._reviewed = np.empty(0, np.int64)
        self.edition = object()
        legends = Legends(zone)
        parts = [encode(rows, legends) for rows in store.rows()]
        columns = joined(parts) if parts else empty(legends)
        self.picture = Picture(columns, legends, store.names())
        self.refresh()

    def take(
        self, lines: Sequence[bytes], head: Head | None, parsed: Parsed | None = None
    ) -> tuple[int, set[int]]:
        """Take in a segment: how many of its lines made no sense, and what it buried."""
        taken = self.store.take(lines, head, parsed)
        self.edition = object()
        self._arrived += [placed(one, self.picture.legends) for one in taken.arrived]
        self._touched |= taken.touched
        self._are_holds_changed |= taken.are_holds_changed
        return taken.skipped, taken.buried

    def keep(self, batch: Batch) -> None:
        """Store the data of sidecars."""
        is_known = self.store.keep(batch)
        self.edition = object()
        if is_known:
            self._facts.append(batch.facts)
        else:
            self._touched.update(batch.record_ids)

    def unread(self, most: int, most_bytes: int) -> list[Unread]:
        """Sidecars to be read, of no more bytes than that together (but one in any case)."""
        found: list[Unread] = []
        size = 0
        for one in self.store.unread(most):
            size += one.size
            if found and size > most_bytes:
                break
            found.append(one)
        return found

    def refresh_if_due(self) -> bool:
        """Make a new picture if enough has changed for the time that it takes; whether it was."""
        changes = len(self._touched) + sum(map(len, self._arrived))
        changes += sum(len(facts.record_id) for facts in self._facts)
        is_due = changes > len(self.picture.columns) // _REFRESH_SHARE
        if is_due:
            self.refresh()
        return is_due

    def refresh(self) -> None:
        """Bring the picture up to the file."""
        news = (self._touched, self._arrived, self._facts, self._are_holds_changed)
        if not any(news):
            return
        columns, legends = self.picture.columns, self.picture.legends
        if self._arrived:
            columns = columns.merged(joined(self._arrived), np.empty(0, np.int64))
        if self._facts:
            columns, left = with_facts(columns, self._facts, legends)
            self._touched.update(left)
        ids = sorted(self._touched)
        parts = [encode(rows, legends) for rows in self.store.rows(ids)] if ids else []
        newer = joined(parts) if parts else empty(legends)
        gone = np.setdiff1d(np.array(ids, np.int64), newer.record_id)
        if ids:
            columns = columns.merged(newer, gone)
        changed = [np.array(ids, np.int64), *(one.record_id for one in self._arrived)]
        self._see_holds(columns, np.concatenate(changed))
        names = self.store.names()
        with self._swap:
            columns = columns.holding(self._held).reviewed(self._reviewed)
            self.picture = Picture(columns, legends, names, self.picture.tags)
        self.edition = object()
        self._touched.clear()
        self._arrived.clear()
        self._facts.clear()
        self._are_holds_changed = False

    def set_reviewed(self, record_ids: Iterable[int]) -> None:
        """These recordings have been reviewed, and no others."""
        with self._swap:
            self._reviewed = np.unique(np.fromiter(record_ids, np.int64))
            self._redraw_reviewed()

    def mark_reviewed(self, record_id: int, is_reviewed: bool) -> None:
        """This recording has been reviewed, or no longer counts as such."""
        one = np.array([record_id], np.int64)
        with self._swap:
            change = np.union1d if is_reviewed else np.setdiff1d
            self._reviewed = change(self._reviewed, one)
            self._redraw_reviewed()

    def set_tags(self, tags: Mapping[str, Iterable[int]]) -> None:
        """These tags are in use, each on these recordings, and no others."""
        kept = {tag: np.unique(np.fromiter(ids, np.int64)) for tag, ids in tags.items()}
        with self._swap:
            self.picture = replace(self.picture, tags=kept)

    def mark_tags(self, record_id: int, tags: Collection[str]) -> None:
        """This recording has these tags, and no others."""
        one, none = np.array([record_id], np.int64), np.empty(0, np.int64)
        with self._swap:
            kept = {tag: np.setdiff1d(ids, one) for tag, ids in self.picture.tags.items()}
            kept |= {tag: np.union1d(kept.get(tag, none), one) for tag in tags}
            used = {tag: ids for tag, ids in kept.items() if len(ids)}
            self.picture = replace(self.picture, tags=used)

    def archived(self) -> int:
        """How many recordings are archived."""
        return int(np.count_nonzero(self.picture.columns.state == _ARCHIVED))

    def _redraw_reviewed(self) -> None:
        columns = self.picture.columns.reviewed(self._reviewed)
        self.picture = replace(self.picture, columns=columns)

    def _see_holds(self, columns: Columns, changed: Ints) -> None:
        """Which recordings are held: asked anew of those that changed, or of all of them."""
        asked = columns.record_id if self._are_holds_changed else changed
        held = self.store.held_among(asked.tolist())
        others = np.setdiff1d(self._held, asked)
        self._held = np.union1d(others, np.fromiter(held, np.int64)).astype(np.int64)
