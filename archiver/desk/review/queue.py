"""Review queues: a random sample, assigned one by one, and never to two people at a time.

A reviewer claims an entry for an hour; every activity renews the claim. An expired claim does not
block the entry: the next reviewer gets it.
"""

import secrets
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import anyio.to_thread

from archiver.catalog.epoch import moment, seconds
from archiver.clock import Clock
from archiver.desk.accounts.person import Person, Right
from archiver.desk.file import DeskFile
from archiver.desk.review.basis import Once
from archiver.desk.review.places import Place, place_of
from archiver.desk.review.sampling import Drawn, draw
from archiver.desk.texts import one_line, short_text
from archiver.errors import NoSuchThing, WrongInput

LEASE: Final = timedelta(hours=1)
"""Duration of a claim without activity: longer than nearly every call."""

_RENEWED_AFTER: Final = timedelta(minutes=5)
"""Activity within this time after a renewal is not written."""
_LONGEST: Final = 100
_LONGEST_REASON: Final = 300
_MOST: Final = 20_000
"""The most entries of one queue: more than a team reviews in a year."""

_QUEUES: Final = """
    SELECT q.*, count(p.position) AS total, coalesce(sum(p.state = 'waiting'), 0) AS waiting,
           coalesce(sum(p.state = 'done'), 0) AS done,
           coalesce(sum(p.state = 'skipped'), 0) AS skipped
    FROM queues q LEFT JOIN places p USING (queue_id)
    WHERE :queue_id IS NULL OR q.queue_id = :queue_id
    GROUP BY q.queue_id ORDER BY q.closed_at IS NOT NULL, q.queue_id DESC
"""
_PLACES: Final = """
    SELECT * FROM places WHERE queue_id = ? AND position > ? ORDER BY position LIMIT ?
"""
_MINE: Final = """
    SELECT p.* FROM places p JOIN queues q USING (queue_id)
    WHERE p.state = 'waiting' AND p.claimed_by = :me AND p.claimed_until > :now
      AND q.closed_at IS NULL AND (:queue_id IS NULL OR queue_id = :queue_id)
    ORDER BY p.claimed_until DESC LIMIT 1
"""
_FREE: Final = """
    SELECT p.* FROM places p JOIN queues q USING (queue_id)
    WHERE p.state = 'waiting' AND (p.claimed_until IS NULL OR p.claimed_until <= :now)
      AND q.closed_at IS NULL AND (:queue_id IS NULL OR queue_id = :queue_id)
      AND (p.assigned_to IS NULL OR p.assigned_to = :me)
      AND NOT EXISTS (
          SELECT 1 FROM verdicts v
          WHERE v.record_id = p.record_id AND v.reviewer = :me AND v.state = 'submitted'
      )
    ORDER BY p.claimed_by IS :me, p.assigned_to IS NULL, queue_id, p.position LIMIT 1
"""
_FADING: Final = """
    SELECT 1 FROM places
    WHERE record_id = :record_id AND state = 'waiting' AND claimed_by = :me
      AND claimed_until > :now AND claimed_until <= :soon
"""
_RENEWAL: Final = """
    UPDATE places SET claimed_until = :until
    WHERE record_id = :record_id AND state = 'waiting' AND claimed_by = :me
      AND claimed_until > :now
"""


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue and its progress. Its sample can be reproduced from `seed`, `share` and `least`."""

    queue_id: int
    title: str
    seed: str
    share: float
    least: int
    made_by: str
    made_at: datetime
    closed_at: datetime | None
    total: int
    waiting: int
    done: int
    skipped: int


class Queues:
    """The review queues of one desk."""

    def __init__(self, file: DeskFile, clock: Clock) -> None:
        self._file = file
        self._clock = clock

    async def make(
        self,
        by: Person,
        title: str,
        by_agent: Mapping[int, Sequence[int]],
        *,
        share: float = 0.05,
        least: int = 1,
        seed: str | None = None,
        token: str = "",
    ) -> Queue:
        """Draw a sample from each agent's recordings as a new queue.

        The same recordings and the same seed give the same sample. Raises WrongInput if there is
        nothing to draw from, or the sample would be too large. The same token again returns the
        queue created before.
        """
        by.need(Right.LEAD)
        if not 0 < share <= 1 or not 0 <= least <= _MOST:
            raise WrongInput(
                "share",
                "the share must be above 0 and at most 100 %",
                problem="range",
                limit=100,
            )
        named = short_text(title, "title", _LONGEST)
        seed = one_line(seed or "", _LONGEST) or secrets.token_hex(8)
        drawing = partial(draw, by_agent, share=share, least=least, seed=seed)
        drawn = await anyio.to_thread.run_sync(drawing)  # takes seconds for a million
        if not drawn:
            raise WrongInput("view", "there are no recordings to sample from", problem="nothing")
        if len(drawn) > _MOST:
            raise WrongInput(
                "share",
                f"that would be {len(drawn):,} recordings; a queue has at most {_MOST:,}",
                problem="too-many",
                limit=_MOST,
            )
        now = seconds(self._clock())
        row = (named, seed, share, least, by.name, now)
        once = Once(by.name, "queue", token, now)

        def change(db: sqlite3.Connection) -> Queue:
            asked = {"queue_id": once.make(db, lambda: _make(db, row, drawn))}
            return _queue(db.execute(_QUEUES, asked).fetchone())

        return await self._file.write(change)

    async def all(self) -> list[Queue]:
        """Every queue: open ones first, newest first."""
        rows = await self._file.read(lambda db: db.execute(_QUEUES, {"queue_id": None}).fetchall())
        return [_queue(row) for row in rows]

    async def find(self, queue_id: int) -> Queue | None:
        """The queue with this id, if there is one."""
        asked = {"queue_id": queue_id}
        row = await self._file.read(lambda db: db.execute(_QUEUES, asked).fetchone())
        return None if row is None else _queue(row)

    async def next(self, by: Person, queue_id: int | None = None) -> Place | None:
        """Claim the next recording to review, of one queue or of all open ones; None: no more.

        While a claim of the user lasts, the same entry is returned. Entries that the user has
        released, or whose claim has expired, come last.
        """
        by.need(Right.JUDGE)
        now = self._clock()
        asked = {"me": by.name, "now": seconds(now), "queue_id": queue_id}

        def change(db: sqlite3.Connection) -> Place | None:
            row = db.execute(_MINE, asked).fetchone() or db.execute(_FREE, asked).fetchone()
            if row is None:
                return None
            place = place_of(row)
            _claim(db, place.queue_id, place.position, by.name, seconds(now + LEASE))
            return _found(db, place.queue_id, place.record_id)

        return await self._file.write(change)

    async def keep(self, by: Person, record_id: int) -> None:
        """Renew one's claim on the recording, if it is still valid.

        Cheap enough to be called for every request for audio.
        """
        now = self._clock()
        asked = {
            "me": by.name,
            "record_id": record_id,
            "now": seconds(now),
            "soon": seconds(now + LEASE - _RENEWED_AFTER),
            "until": seconds(now + LEASE),
        }
        if await self._file.read(lambda db: db.execute(_FADING, asked).fetchone()):
            await self._file.write(lambda db: db.execute(_RENEWAL, asked))

    async def release(self, by: Person, queue_id: int, record_id: int) -> None:
        """Release one's claim, so that another reviewer can get the entry."""
        by.need(Right.JUDGE)
        now = seconds(self._clock())
        await self._file.write(
            lambda db: db.execute(
                "UPDATE places SET claimed_until = ? WHERE queue_id = ? AND record_id = ?"
                " AND claimed_by = ? AND claimed_until > ? AND state = 'waiting'",
                (now, queue_id, record_id, by.name, now),
            )
        )

    async def skip(self, by: Person, queue_id: int, record_id: int, reason: str) -> Place:
        """Skip a recording in the queue, with a reason; NoSuchThing if another reviewer has it.

        It counts as skipped in the queue, with the name and the reason.
        """
        by.need(Right.JUDGE)
        why, now = short_text(reason, "reason", _LONGEST_REASON), seconds(self._clock())

        def change(db: sqlite3.Connection) -> Place:
            changed = db.execute(
                "UPDATE places SET state = 'skipped', claimed_by = NULL, claimed_until = NULL,"
                " ended_by = ?, ended_at = ?, reason = ?"
                " WHERE queue_id = ? AND record_id = ? AND state = 'waiting'"
                " AND (claimed_by = ? OR claimed_until IS NULL OR claimed_until <= ?)",
                (by.name, now, why, queue_id, record_id, by.name, now),
            )
            if not changed.rowcount:
                raise NoSuchThing("this recording is no longer assigned to you in the queue")
            return _found(db, queue_id, record_id)

        return await self._file.write(change)

    async def close(self, by: Person, queue_id: int) -> None:
        """Close a queue: it assigns nothing any more; what was reviewed stays."""
        by.need(Right.LEAD)
        now = seconds(self._clock())
        await self._file.write(
            lambda db: db.execute(
                "UPDATE queues SET closed_at = coalesce(closed_at, ?) WHERE queue_id = ?",
                (now, queue_id),
            )
        )

    async def places(
        self, by: Person, queue_id: int, *, after: int = 0, limit: int = _MOST
    ) -> list[Place]:
        """The entries of a queue in order, after the position `after`."""
        by.need(Right.LEAD)
        asked = (queue_id, after, limit)
        rows = await self._file.read(lambda db: db.execute(_PLACES, asked).fetchall())
        return [place_of(row) for row in rows]


def _make(db: sqlite3.Connection, row: tuple[Any, ...], drawn: Sequence[Drawn]) -> int:
    added = db.execute(
        "INSERT INTO queues (title, seed, share, least, made_by, made_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        row,
    )
    db.executemany(
        "INSERT INTO places (queue_id, position, record_id, agent_id, state)"
        " VALUES (?, ?, ?, ?, 'waiting')",
        (
            (added.lastrowid, position, one.record_id, one.agent_id)
            for position, one in enumerate(drawn, start=1)
        ),
    )
    assert added.lastrowid is not None  # noqa: S101 - a row was inserted
    return added.lastrowid


def _claim(db: sqlite3.Connection, queue_id: int, position: int, by: str, until: int) -> None:
    db.execute(
        "UPDATE places SET claimed_by = ?, claimed_until = ? WHERE queue_id = ? AND position = ?",
        (by, until, queue_id, position),
    )


def _found(db: sqlite3.Connection, queue_id: int, record_id: int) -> Place:
    asked = "SELECT * FROM places WHERE queue_id = ? AND record_id = ?"
    return place_of(db.execute(asked, (queue_id, record_id)).fetchone())


def _queue(row: sqlite3.Row) -> Queue:
    return Queue(
        row["queue_id"],
        row["title"],
        row["seed"],
        row["share"],
        row["least"],
        row["made_by"],
        moment(row["made_at"]),
        moment(row["closed_at"]),
        row["total"],
        row["waiting"],
        row["done"],
        row["skipped"],
    )
