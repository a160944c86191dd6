"""The sections about calls: coverage by day, agent and order; what is open (pure)."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Final

from archiver.catalog.coverage import Covered, OpenGroup
from archiver.catalog.states import OPEN, CallState
from archiver.statement.calendar import Day, DayState
from archiver.statement.gather import Statement
from archiver.statement.parts import (
    Calendar,
    Cell,
    Column,
    Fact,
    Facts,
    Mark,
    Month,
    Paragraph,
    Part,
    Section,
    Table,
)
from archiver.statement.speech import Speech

_MOST_ROWS: Final = 25
"""The most agents or orders listed, those with most calls."""
_MOST_DAYS: Final = 31
"""The most days without calls listed, the newest."""
_QUIET: Final = frozenset({DayState.QUIET, DayState.SILENT})


def coverage_section(found: Statement, speech: Speech) -> Section:
    """Calls, talk time, recordings, runs, and the calendar."""
    say = speech.say
    parts: list[Part] = [Facts([*_sums(found, speech), *_runs(found, speech)])]
    if found.days:
        parts.append(_calendar(found.days, speech))
        parts += _days_without_calls(found.days, speech)
    if undated := found.coverage.by_day.get(None):
        parts.append(Paragraph(say("coverage.undated", count=undated.calls.total()), "soft"))
    return Section("coverage", say("section.coverage"), parts)


def _sums(found: Statement, speech: Speech) -> Iterator[Fact]:
    say, covered = speech.say, found.coverage.in_all
    calls = covered.calls
    yield Fact(say("coverage.calls"), speech.number(calls.total()))
    for state in CallState:
        if calls[state]:
            share = speech.share(calls[state], calls.total())
            yield Fact(say(f"state.{state}"), f"{speech.number(calls[state])} ({share})")
    if covered.unrecorded:
        yield Fact(say("coverage.unrecorded"), speech.number(covered.unrecorded))
    talk = covered.talk
    if talk.total():
        share, whole = _talk_share(covered, speech), speech.talk(talk.total())
        said = say("coverage.talk_of", share=share, whole=whole)
        yield Fact(say("coverage.talk"), said)
    count = found.coverage.recordings[CallState.ARCHIVED]
    size = speech.wording.size(found.coverage.bytes)
    yield Fact(say("coverage.recordings"), say("recordings.of_size", count=count, size=size))


def _talk_share(covered: Covered, speech: Speech) -> str:
    return speech.share(covered.talk[CallState.ARCHIVED], covered.talk.total())


def _runs(found: Statement, speech: Speech) -> Iterator[Fact]:
    say, runs = speech.say, found.coverage.runs
    said = say("runs.count", count=runs.count)
    if runs.count > runs.complete:
        said += say("runs.incomplete", count=runs.count - runs.complete)
    yield Fact(say("coverage.runs"), said)
    yield Fact(say("coverage.listed"), speech.moment(found.coverage.listed_until))
    if found.failed is not None:
        since = speech.moment(found.failed.since)
        said = say("runs.failed", count=found.failed.count, since=since)
        yield Fact(say("coverage.failed"), said)


def _calendar(days: Sequence[Day], speech: Speech) -> Calendar:
    say = speech.say
    months = groupby(days, key=lambda one: one.day.replace(day=1))
    counts = Counter(one.state for one in days)
    return Calendar(
        title=say("calendar.title"),
        weekdays=say.words("weekdays.short"),
        months=[_month([*some], speech) for _, some in months],
        marks=[
            Mark(state, say(f"day.{state}"), speech.number(counts[state])) for state in DayState
        ],
    )


def _month(days: Sequence[Day], speech: Speech) -> Month:
    first = days[0].day
    title = speech.wording.month(first)
    cells: list[Cell | None] = [None] * first.weekday()
    cells += [_cell(one, speech) for one in days]
    cells += [None] * (-len(cells) % 7)
    return Month(title, [cells[at : at + 7] for at in range(0, len(cells), 7)])


def _cell(one: Day, speech: Speech) -> Cell:
    say = speech.say
    calls = say("count.calls", count=one.calls)
    says = say("calendar.day", day=speech.wording.full(one.day), state=say(f"day.{one.state}"))
    text = speech.number(one.calls) if one.calls else ""
    return Cell(str(one.day.day), one.state, text, f"{says}, {calls}" if one.calls else says)


def _days_without_calls(days: Sequence[Day], speech: Speech) -> Iterator[Paragraph]:
    """The days on which calls are missing, and the number of those not listed."""
    say = speech.say
    silent = [one.day for one in days if one.state is DayState.SILENT]
    if silent:
        named = ", ".join(map(speech.wording.full, silent[-_MOST_DAYS:]))
        yield Paragraph(say("days.silent", count=len(silent), days=named), "bad")
    busy = [one.day for one in days if one.calls]
    between = [
        one.day
        for one in days
        if one.state in _QUIET and busy and busy[0] < one.day < busy[-1] + timedelta(days=1)
    ]
    if between:
        yield Paragraph(say("days.between", count=len(between)), "soft")


def by_section(found: Statement, speech: Speech) -> Iterator[Section]:
    """The same by agent and by order."""
    say, coverage, names = speech.say, found.coverage, found.names
    for kind, by, called in (
        ("agent", coverage.by_agent, names.agents),
        ("order", coverage.by_order, names.orders),
    ):
        rows = {
            speech.named(called, one, kind) if one not in called else _unique(called, one): covered
            for one, covered in by.items()
        }
        if rows:
            yield Section(f"by_{kind}", say(f"section.{kind}"), [_by(rows, kind, speech)])


def _unique(names: Mapping[int, str], one: int | None) -> str:
    """The name, followed by the id if another one has the same name."""
    name = names[one] if one is not None else ""
    return name if [*names.values()].count(name) == 1 else f"{name} ({one})"


def _by(rows: Mapping[str, Covered], kind: str, speech: Speech) -> Table:
    say = speech.say
    shown = sorted(rows.items(), key=lambda item: (-item[1].calls.total(), item[0]))
    columns = ("calls", "archived", "none", "unrecorded", "open", "gone", "talk")
    rest = len(shown) - _MOST_ROWS
    return Table(
        "",
        [Column(say(f"column.{kind}")), *(Column(say(f"column.{one}"), True) for one in columns)],
        [[name, *_cells(covered, speech)] for name, covered in shown[:_MOST_ROWS]],
        say("more.rows", count=rest) if rest > 0 else "",
    )


def _cells(covered: Covered, speech: Speech) -> list[str]:
    calls = covered.calls
    numbers = (
        calls.total(),
        calls[CallState.ARCHIVED],
        calls[CallState.NONE],
        covered.unrecorded,
        sum(calls[state] for state in OPEN),
        calls[CallState.GONE],
    )
    return [*map(speech.number, numbers), _talk_share(covered, speech)]


def open_section(found: Statement, speech: Speech) -> Section:
    """What is open, by state, reason and age."""
    say, groups = speech.say, found.coverage.open
    if not groups:
        return Section("open", say("section.open"), [Paragraph(say("open.nothing"), "good")])
    ages = ("day", "week", "month", "older", "all")
    columns = [Column(say("column.what")), Column(say("column.why"))]
    columns += [Column(say(f"age.{one}"), True) for one in ages]
    rows = [_open_row(one, speech) for one in groups]
    return Section("open", say("section.open"), [Table("", columns, rows, say("open.note"))])


def _open_row(group: OpenGroup, speech: Speech) -> list[str]:
    counts = (*group.by_age, sum(group.by_age))
    state = speech.say(f"state.{group.state}")
    return [state, speech.reason(group.reason), *map(speech.number, counts)]
