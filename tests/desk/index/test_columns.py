"""Columns, facets and pages agree with the plainest code that could say the same."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from archiver.desk.index.columns import Columns, Legends, day_of, encode, local_days
from archiver.desk.index.filters import Match
from archiver.desk.index.ordering import Ordering
from archiver.desk.index.rows import Row
from archiver.desk.index.view import Sort, State, View

BERLIN = ZoneInfo("Europe/Berlin")
START = int(datetime(2026, 3, 28, 22, tzinfo=UTC).timestamp())
NAMES = {("agent", 1): "zoe", ("agent", 2): "Anna", ("agent", 3): "Анна", ("order", 9): "Care"}


def rows_of(ids: st.SearchStrategy[int]) -> st.SearchStrategy[list[Row]]:
    row = st.builds(
        Row,
        record_id=ids,
        call_id=st.integers(1, 5),
        lead_id=st.none() | st.integers(1, 3),
        phone=st.none() | st.sampled_from([79000050280, 280, 4930123280]),
        created_at=st.none() | st.integers(START, START + 40 * 3600),
        seconds=st.none() | st.sampled_from([0.0, 0.5, 60.0, 60.25, 7200.0]),
        order_id=st.sampled_from([None, 9, 8]),
        user_id=st.sampled_from([None, 1, 2, 3, 2**63 - 1]),
        direction=st.sampled_from([None, "incoming", "outgoing"]),
        status=st.sampled_from([None, "answered", "busy"]),
        state=st.sampled_from([str(one) for one in State]),
        has_summary=st.integers(0, 1),
        talk_left=st.sampled_from([None, 0.0, 30.0]),
        talk_right=st.sampled_from([None, 10.0]),
        silence=st.sampled_from([None, 0.0, 0.5]),
        overtalk=st.none(),
        findings=st.sampled_from([None, "[]", '["silent"]', '["silent"]["noise","silent"]']),
    )
    return st.lists(row, max_size=25, unique_by=lambda one: one.record_id)


VIEWS = st.builds(
    View,
    lead=st.none() | st.integers(1, 4),
    phone=st.sampled_from(["", "280", "+7 900 005 02 80", "12"]),
    days=st.sampled_from([(), (date(2026, 3, 29),), (date(2026, 3, 28), date(2026, 3, 30))]),
    since=st.none() | st.just(date(2026, 3, 29)),
    until=st.none() | st.just(date(2026, 3, 29)),
    orders=st.sampled_from([(), (9,), (0, 8), (77,)]),
    agents=st.sampled_from([(), (1,), (0,), (2, 3)]),
    directions=st.sampled_from([(), ("incoming",), ("",)]),
    statuses=st.sampled_from([(), ("busy", "answered")]),
    states=st.sampled_from([(), (State.ARCHIVED,), (State.GONE, State.ERASED)]),
    has_summary=st.sampled_from([None, True, False]),
    min_seconds=st.sampled_from([None, 0.0, 60.0]),
    max_seconds=st.sampled_from([None, 60.0]),
    sort=st.sampled_from(list(Sort)),
    ascending=st.booleans(),
)


def day(row: Row) -> date | None:
    if row.created_at is None:
        return None
    return datetime.fromtimestamp(row.created_at, BERLIN).date()


def answers(row: Row, view: View, *, without: str = "") -> bool:
    """Whether a row belongs into a view, said as plainly as possible."""
    digits = "".join(filter(str.isdigit, view.phone))[-10:]
    of = day(row)
    seconds = row.seconds
    return all(
        (
            view.lead in (None, row.lead_id),
            not view.phone or (len(digits) > 2 and str(row.phone or "").endswith(digits)),
            without == "day" or not view.days or of in view.days,
            view.since is None or (of is not None and of >= view.since),
            view.until is None or (of is not None and of <= view.until),
            without == "order" or not view.orders or (row.order_id or 0) in view.orders,
            without == "agent" or not view.agents or (row.user_id or 0) in view.agents,
            not view.directions or (row.direction or "") in view.directions,
            not view.statuses or (row.status or "") in view.statuses,
            not view.states or row.state in view.states,
            view.has_summary in (None, bool(row.has_summary)),
            view.min_seconds is None or (seconds is not None and seconds >= view.min_seconds),
            view.max_seconds is None or (seconds is not None and seconds <= view.max_seconds),
        )
    )


def in_order(rows: list[Row], view: View) -> list[int]:
    """The ids of the rows that answer, sorted as plainly as possible."""

    def key(row: Row) -> tuple[Any, ...]:
        equals = (row.created_at or 0, row.record_id)
        if view.sort is Sort.CREATED:
            return equals
        if view.sort is Sort.SECONDS:
            return (-0.001 if row.seconds is None else row.seconds, *equals)
        kind, one = ("agent", row.user_id) if view.sort is Sort.AGENT else ("order", row.order_id)
        name = NAMES.get((kind, one or 0))
        group = 2 if one is None else 1 if name is None else 0
        return (group, (name or "").casefold(), one or 0, *equals)

    found = [row for row in rows if answers(row, view)]
    return [row.record_id for row in sorted(found, key=key, reverse=not view.ascending)]


def page(columns: Columns, legends: Legends, view: View, most: int) -> tuple[list[int], str | None]:
    matched = Match(columns, legends, view, None).rows()
    ordering = Ordering(columns, legends, view, NAMES)
    found, is_more = ordering.first(matched, most)
    ids = columns.record_id[found].tolist()
    return ids, ordering.cursor_after(int(found[-1])) if is_more else None


def pages(columns: Columns, legends: Legends, view: View, most: int) -> list[int]:
    seen: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        asked = View(**{**_members(view), "cursor": cursor})
        found, cursor = page(columns, legends, asked, most)
        seen += found
    return seen


def _members(view: View) -> dict[str, Any]:
    return {name: getattr(view, name) for name in View.__slots__}


@given(rows_of(st.integers(1, 60)), VIEWS, st.integers(1, 7))
def test_a_view_holds_the_rows_it_asks_for_in_its_order_over_all_pages(
    rows: list[Row], view: View, most: int
) -> None:
    legends = Legends(BERLIN)
    assert pages(encode(rows, legends), legends, view, most) == in_order(rows, view)


@given(rows_of(st.integers(1, 60)), VIEWS)
def test_around_a_row_are_those_before_and_after_it_in_the_list(
    rows: list[Row], view: View
) -> None:
    legends = Legends(BERLIN)
    columns = encode(rows, legends)
    matched = Match(columns, legends, view, None).rows()
    ordering, ids = Ordering(columns, legends, view, NAMES), columns.record_id.tolist()
    told = []
    for row in matched.tolist():
        before, after, position = ordering.around(matched, row)
        neighbours = [None if one is None else ids[one] for one in (before, row, after)]
        told.append((position, *neighbours))
    listed = in_order(rows, view)
    around = zip([None, *listed], listed, [*listed[1:], None], strict=False)
    assert sorted(told) == [(n, *three) for n, three in enumerate(around, 1)]


@given(rows_of(st.integers(1, 60)), VIEWS)
def test_every_choice_of_a_facet_counts_what_it_would_give(rows: list[Row], view: View) -> None:
    legends = Legends(BERLIN)
    facets = Match(encode(rows, legends), legends, view, None).facets(NAMES)
    agents = Counter(row.user_id or 0 for row in rows if answers(row, view, without="agent"))
    orders = Counter(row.order_id or 0 for row in rows if answers(row, view, without="order"))
    days = Counter(day(row) for row in rows if answers(row, view, without="day"))
    states = Counter(
        row.state for row in rows if answers(row, View(**{**_members(view), "states": ()}))
    )
    assert {one.value: one.count for one in facets.agents if one.count} == agents
    assert {one.value: one.count for one in facets.orders if one.count} == orders
    assert dict(facets.days) == {one: count for one, count in days.items() if one is not None}
    assert {one.value: one.count for one in facets.states if one.count} == states


@given(rows_of(st.integers(1, 40)), rows_of(st.integers(20, 60)), st.sets(st.integers(1, 60)))
def test_merging_replaces_adds_and_removes_rows(
    rows: list[Row], newer: list[Row], gone: set[int]
) -> None:
    legends = Legends(BERLIN)
    new_ids = {row.record_id for row in newer}
    gone -= new_ids
    merged = encode(rows, legends).merged(encode(newer, legends), np.array(sorted(gone), np.int64))
    kept = [row for row in rows if row.record_id not in new_ids | gone]
    expected = encode([*kept, *newer], legends)
    for name in Columns.__slots__:
        assert np.array_equal(getattr(merged, name), getattr(expected, name)), name


@given(
    rows_of(st.integers(1, 60)),
    rows_of(st.integers(61, 99)),
    st.sets(st.integers(1, 60)),
    VIEWS,
    st.integers(1, 5),
)
def test_a_list_that_changes_between_pages_repeats_nothing_and_leaves_out_nothing(
    rows: list[Row], added: list[Row], gone: set[int], view: View, most: int
) -> None:
    legends = Legends(BERLIN)
    columns = encode(rows, legends)
    first, cursor = page(columns, legends, view, most)
    changed = columns.merged(encode(added, legends), np.array(sorted(gone), np.int64))
    rest: list[int] = []
    while cursor is not None:
        asked = View(**{**_members(view), "cursor": cursor})
        found, cursor = page(changed, legends, asked, most)
        rest += found
    is_cut = len(first) < len(in_order(rows, view))
    staying = [one for one in in_order(rows, view) if one not in gone]
    told = [*first, *rest]
    assert len(told) == len(set(told))
    if is_cut:
        assert [one for one in told if one in staying] == staying


@given(st.lists(st.integers(-(2**35), 2**37), max_size=30))
def test_days_begin_at_the_midnight_of_the_zone(moments: list[int]) -> None:
    found = local_days(np.array(moments, np.int64), BERLIN)
    expected = [
        None if one == 0 else (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=one))
        .astimezone(BERLIN).date() for one in moments
    ]  # fmt: skip
    assert [day_of(int(one)) for one in found] == [one or date(1970, 1, 1) for one in expected]
