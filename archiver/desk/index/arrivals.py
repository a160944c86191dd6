"""The recordings that a stretch of the ledger adds, as rows for the columns (pure).

What the columns show of a new recording is what its event and that of its call say, if both are in
that stretch and nothing else is known of either. Then it need not be looked up.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC
from itertools import repeat
from typing import NamedTuple, TypeVar

from archiver.catalog.projection.replay import Additions
from archiver.desk.index.columns import Columns, Legends, encode, local_days
from archiver.desk.index.rows import Row
from archiver.sqlite.rows import Rows


class Arrivals(NamedTuple):
    """Rows of new recordings, with legends of their own, and with days in UTC."""

    columns: Columns
    legends: Legends


def arrivals_of(found: Additions) -> Arrivals:
    """The rows of those recordings whose call is among the additions, and both of them once."""
    calls = [*_tuples(found.calls, _Call)]
    stored = [*_tuples(found.recordings, _Stored)]
    by_id = {one.call_id: one for one in calls}
    judgements = Counter(one.call_id for one in calls)
    times = Counter(one.record_id for one in stored)
    rows = [
        _row(one, by_id[one.call_id])
        for one in stored
        if times[one.record_id] == 1 and judgements[one.call_id] == 1
    ]
    legends = Legends(UTC)
    return Arrivals(encode(rows, legends), legends)


def placed(arrivals: Arrivals, legends: Legends) -> Columns:
    """The rows with the given legends, and the days of their zone."""
    columns, former = arrivals
    codes = {
        name: legend.encode(getattr(former, name).values)[getattr(columns, name)]
        for name, legend in legends.by_name().items()
    }
    return replace(columns, day=local_days(columns.created_at, legends.zone), **codes)


class _Stored(NamedTuple):
    """What is shown of the row of a recording."""

    record_id: int
    call_id: int
    lead_id: int | None
    user_id: int | None
    created_at: int | None
    duration_seconds: float | None
    state: str
    has_summary: int
    findings: str


class _Call(NamedTuple):
    """What is shown of the row of a call."""

    call_id: int
    lead_id: int | None
    order_id: int | None
    user_id: int | None
    created_at: int | None


_T = TypeVar("_T", _Stored, _Call)


def _tuples(rows: Rows, kind: type[_T]) -> Iterator[_T]:
    """Some columns of the rows; those that are not given have no value anywhere."""
    columns = (rows.values(name) if name in rows.columns else repeat(None) for name in kind._fields)
    return map(kind._make, zip(*columns, strict=False))


def _row(stored: _Stored, call: _Call) -> Row:
    """As `rows.ROWS_OF` finds it where nothing but these two is known."""
    return Row(
        record_id=stored.record_id,
        call_id=stored.call_id,
        lead_id=call.lead_id if stored.lead_id is None else stored.lead_id,
        phone=None,
        created_at=call.created_at if stored.created_at is None else stored.created_at,
        seconds=stored.duration_seconds,
        order_id=call.order_id,
        user_id=call.user_id if stored.user_id is None else stored.user_id,
        direction=None,
        status=None,
        state=stored.state,
        has_summary=stored.has_summary,
        findings=stored.findings,
    )
