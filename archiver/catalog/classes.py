"""Of which classes recordings are: conditions on their calls, their own lead, or their id.

A class is put to each recording by itself, through the indexes of links and calls, so that memory
stays flat however many recordings are asked for.
"""

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Class:
    """Recordings that have one of the ids of every condition that is given.

    The orders are those of the calls that list a recording, the leads also its own; `records` are
    recordings by id. None asks for nothing, and no ids match nothing.
    """

    orders: Collection[int] | None = None
    leads: Collection[int] | None = None
    records: Collection[int] | None = None

    def matches(self, name: str) -> str:
        """The condition as SQL on a row of `recordings`; `name` sets its parameters apart."""
        of_calls = (
            "EXISTS (SELECT 1 FROM links JOIN calls USING (call_id)"
            " WHERE links.record_id = recordings.record_id AND calls.{} IN {})"
        )
        parts = []
        if self.orders is not None:
            parts.append(of_calls.format("order_id", _given(f"{name}_orders")))
        if self.leads is not None:
            given = _given(f"{name}_leads")
            own = f"coalesce(recordings.lead_id IN {given}, FALSE)"
            parts.append(f"({own} OR {of_calls.format('lead_id', given)})")
        if self.records is not None:
            parts.append(f"recordings.record_id IN {_given(f'{name}_records')}")
        return " AND ".join(parts) or "TRUE"

    def parameters(self, name: str) -> Mapping[str, str]:
        """What the condition asks for, by parameter."""
        return {
            f"{name}_{kind}": json.dumps(list(ids))
            for kind, ids in (
                ("orders", self.orders),
                ("leads", self.leads),
                ("records", self.records),
            )
            if ids is not None
        }


def classes_of(
    db: sqlite3.Connection, classes: Sequence[Class], record_ids: Collection[int]
) -> dict[int, list[bool]]:
    """Whether each of the recordings that is known is of each of the classes."""
    asked: dict[str, Any] = {"ids": json.dumps(list(record_ids))}
    columns = []
    for number, one in enumerate(classes):
        columns.append(one.matches(f"c{number}"))
        asked |= one.parameters(f"c{number}")
    rows = db.execute(
        f"SELECT {', '.join(['record_id', *columns])} FROM recordings"  # noqa: S608 - conditions of this module
        f" WHERE record_id IN {_given('ids')}",
        asked,
    )
    return {record_id: [bool(one) for one in matched] for record_id, *matched in rows}


def _given(parameter: str) -> str:
    return f"(SELECT value FROM json_each(:{parameter}))"  # noqa: S608 - a parameter of this module
