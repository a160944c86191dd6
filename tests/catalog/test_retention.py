"""What a legal hold covers is one view, asked from either side."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from archiver.catalog import retention
from archiver.catalog.schema import prepare

CALLS = [(1, 7, 70), (2, 8, 70), (3, 9, 90), (4, None, None)]
"""A call, its lead and its order."""
RECORDINGS = [(11, 1, 7), (21, 2, None), (31, 3, 7), (41, 4, None)]
"""A recording, its call and its own lead."""


@pytest.fixture
def catalog() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as db:
        prepare(db)
        db.executemany(
            "INSERT INTO calls (call_id, state, attempts, judged_at, lead_id, order_id)"
            " VALUES (?, 'archived', 0, 0, ?, ?)",
            CALLS,
        )
        db.executemany(
            "INSERT INTO recordings (record_id, state, call_id, lead_id)"
            " VALUES (?, 'archived', ?, ?)",
            RECORDINGS,
        )
        db.executemany("INSERT INTO links VALUES (?, ?)", [(b, a) for a, b, _ in RECORDINGS])
        yield db


@pytest.mark.parametrize(
    ("kind", "one", "recordings", "leads"),
    [
        ("lead", 7, {11, 31}, {7}),  # its calls, and what is its own under the call of another
        ("lead", 8, {21}, {8}),
        ("lead", 5, set(), {5}),  # named, though nothing is known of it
        ("call", 4, {41}, set()),
        ("call", 1, {11}, {7}),
        ("order", 70, {11, 21}, {7, 8}),
    ],
)
def test_a_hold_covers_what_it_names_however_it_is_asked(
    catalog: sqlite3.Connection, kind: str, one: int, recordings: set[int], leads: set[int]
) -> None:
    catalog.execute("INSERT INTO holds (hold_id, placed_at, key, sha256) VALUES ('h', 0, 'k', 's')")
    catalog.execute("INSERT INTO hold_scopes VALUES (?, ?, 'h')", (kind, one))
    assert retention.held_among(catalog, [11, 21, 31, 41]) == recordings
    assert retention.covered(catalog, "h") == len(recordings)
    for lead in (5, 7, 8):
        assert retention.holds_of_lead(catalog, lead, []) == (["h"] if lead in leads else [])
    for record_id in (11, 21, 31, 41):
        named = retention.holds_of_lead(catalog, 1000, [record_id])
        assert named == (["h"] if record_id in recordings else [])
    catalog.execute("UPDATE holds SET lifted_at = 1")
    assert retention.held_among(catalog, [11, 21, 31, 41]) == set()
    assert retention.holds_of_lead(catalog, 7, [11]) == []


def test_holds_are_read_from_their_own_side(catalog: sqlite3.Connection) -> None:
    """A plan that goes through all calls or recordings takes a minute at 200,000 of them."""
    asked = "SELECT DISTINCT record_id FROM held_recordings WHERE record_id IN (SELECT 11)"
    plan = [row[3] for row in catalog.execute(f"EXPLAIN QUERY PLAN {asked}")]
    assert not [step for step in plan if step in ("SCAN calls", "SCAN recordings", "SCAN links")]
    assert sum("SEARCH hold_scopes" in step for step in plan) == 4
