"""The entries of a queue: one recording each, waiting, claimed for a while, or done."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from archiver.catalog.epoch import moment


class PlaceState(StrEnum):
    """The state of an entry."""

    WAITING = "waiting"
    DONE = "done"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Place:
    """One entry; positions start at 1. A claim is valid until `claimed_until`."""

    queue_id: int
    position: int
    record_id: int
    agent_id: int
    state: PlaceState
    claimed_by: str | None
    claimed_until: datetime | None
    ended_by: str | None
    ended_at: datetime | None
    reason: str | None
    assigned_to: str | None


def end_places(db: sqlite3.Connection, record_id: int, by: str, now: int) -> None:
    """Remove a reviewed recording from all queues."""
    db.execute(
        "UPDATE places SET state = 'done', claimed_by = NULL, claimed_until = NULL,"
        " ended_by = ?, ended_at = ? WHERE record_id = ? AND state = 'waiting'",
        (by, now, record_id),
    )


def place_of(row: sqlite3.Row) -> Place:
    """A place from its row."""
    return Place(
        row["queue_id"],
        row["position"],
        row["record_id"],
        row["agent_id"],
        PlaceState(row["state"]),
        row["claimed_by"],
        moment(row["claimed_until"]),
        row["ended_by"],
        moment(row["ended_at"]),
        row["reason"],
        row["assigned_to"],
    )
