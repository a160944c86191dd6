"""Of which classes a recording is: the orders and leads of the calls that list it."""

import json
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

_OF_CALLS: Final = """
    SELECT links.record_id, calls.order_id, calls.lead_id
    FROM links JOIN calls USING (call_id)
    WHERE links.record_id IN (SELECT value FROM json_each(?))
"""
_OWN: Final = """
    SELECT record_id, NULL, lead_id FROM recordings
    WHERE record_id IN (SELECT value FROM json_each(?))
"""


@dataclass(frozen=True, slots=True)
class Classified:
    """A recording, with the orders and leads of its calls and its own lead."""

    record_id: int
    orders: frozenset[int]
    leads: frozenset[int]


def classes_of(db: sqlite3.Connection, record_ids: Collection[int]) -> list[Classified]:
    """Of each of the recordings that is known."""
    asked = json.dumps(list(record_ids))
    found: dict[int, tuple[set[int], set[int]]] = {}
    for question in (_OWN, _OF_CALLS):
        for record_id, order, lead in db.execute(question, (asked,)):
            orders, leads = found.setdefault(record_id, (set(), set()))
            orders.update(() if order is None else (order,))
            leads.update(() if lead is None else (lead,))
    return [
        Classified(record_id, frozenset(orders), frozenset(leads))
        for record_id, (orders, leads) in found.items()
    ]
