"""The list of recordings: a view of them, and the facets that narrow it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, NamedTuple

from markupsafe import Markup
from starlette.responses import Response

from archiver.desk.accounts.person import Right
from archiver.desk.index.entries import Choice, Entry, Facets, Page
from archiver.desk.index.search import number
from archiver.desk.index.view import Sort, View
from archiver.desk.journal import Act
from archiver.desk.kept import Kept
from archiver.desk.review.notes import counts_of
from archiver.desk.review.searches import searches_of
from archiver.desk.review.tags import tags_of
from archiver.errors import UsageError
from archiver.text.messages import Messages
from archiver.text.wording import Wording, clock, short_day
from archiver.web import pages
from archiver.web.asked import asked_view
from archiver.web.chips import chips_of, name_of
from archiver.web.context import Visit
from archiver.web.excerpt import excerpt
from archiver.web.view_address import Toggles, changed, pairs, query, unknown_names

ROWS: Final = 50
_SHOWN_DAYS: Final = 14
_SHOWN: Final = 8
"""Choices of a facet that stand on the page; a link leads to all of them. Two hundred agents and a
thousand days made three quarters of the page, and of the time that it took."""
_FORMS: Final = Kept[Markup](128)
_ALL: Final = "all"
"""The parameter of an address that names a facet to be shown with every choice."""


@dataclass(frozen=True, slots=True)
class FacetChoice:
    """One line of a facet: its label, its count, and the address that toggles it."""

    label: str
    count: int
    address: str
    is_chosen: bool


@dataclass(frozen=True, slots=True, eq=False)
class Facet:
    """One facet as people see it: some choices, how many more there are, and where all of them are
    shown."""

    name: str
    choices: tuple[FacetChoice, ...]
    more: int
    address: str


class Sorts(NamedTuple):
    """By column: the address that sorts by it, and how it is sorted now (an `aria-sort`)."""

    created: tuple[str, str]
    seconds: tuple[str, str]
    agent: tuple[str, str]
    order: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """One recording in the list: `address` leads to it, `at` is its moment for machines and
    `time` for people; `day` is its day if no heading says it."""

    entry: Entry
    address: str
    at: str
    time: str
    day: str
    length: str
    summary: tuple[tuple[str, bool], ...]
    tags: tuple[str, ...]
    notes: int


async def show(visit: Visit) -> Response:
    """The list for the address."""
    desk = visit.desk
    view, senseless = await asked_view(visit)
    senseless += unknown_names(visit.request.query_params, {_ALL})
    await _log_search(visit, view)
    page, counts = await _found(visit, view, senseless)
    is_continued = bool(view.cursor)
    ids = [entry.record_id for entry in page.rows]
    tags, notes, searches = await desk.file.read(
        lambda db: (tags_of(db, ids), counts_of(db, ids), searches_of(db, visit.person))
    )
    view = changed(view)
    shown = _shown(visit, view, page, tags, notes)
    return visit.page(
        "list.html",
        section="list",
        view=view,
        view_pairs=list(pairs(view)),
        page=page,
        days=[(day, [row for _, row in rows]) for day, rows in groupby(shown, itemgetter(0))],
        facets=_facets(visit.say, view, counts, visit.request.query_params.get(_ALL)),
        chips=chips_of(visit, view, counts),
        senseless=senseless,
        progress=desk.library.progress,
        address=query(view),
        is_continued=is_continued,
        after=query(view, after=page.next) if page.next else None,
        sorts=_sorts(view),
        searches=searches,
        filters=_filters(visit, view),
        nobody=[] if page.total else await _nobody(visit, view),
    )


async def _nobody(visit: Visit, view: View) -> list[str]:
    """The reviewers and scorecards of the view that there are none of by that name."""
    users = await visit.desk.users.look_at_all() if view.reviewers else {}
    return [
        *(name for name in view.reviewers if name not in users),
        *(name for name in view.cards if visit.desk.cards.find(name) is None),
    ]


async def _log_search(visit: Visit, view: View) -> None:
    """Who looks for a person by number leaves a trace; its further pages are the same search."""
    if view.cursor or not (view.phone or view.lead is not None or number(view.text) is not None):
        return
    await visit.desk.journal.record(
        visit.person.name, visit.address, Act.SEARCH, detail=query(changed(view))
    )


async def _found(visit: Visit, view: View, senseless: list[str]) -> tuple[Page, Facets]:
    index = visit.desk.library.index
    try:
        return await index.find_with_facets(view, limit=ROWS)
    except UsageError:  # a cursor that is none, or of another view
        senseless.append("after")
        return await index.find_with_facets(changed(view), limit=ROWS)


def _shown(
    visit: Visit,
    view: View,
    page: Page,
    tags: Mapping[int, list[str]],
    notes: Mapping[int, int],
) -> list[tuple[date | None, Markup]]:
    """The rows, each with its day; without days where the list has another order."""
    base, address = visit.desk.base, query(view)
    wording, is_by_day = visit.wording, view.sort is Sort.CREATED
    return [
        _row(
            visit.say,
            wording,
            base,
            address,
            view.text,
            is_by_day,
            entry,
            tuple(tags.get(entry.record_id, ())),
            notes.get(entry.record_id, 0),
        )
        for entry in page.rows
    ]


@lru_cache(maxsize=1024)
def _row(
    say: Messages,
    wording: Wording,
    base: str,
    address: str,
    search: str,
    is_by_day: bool,
    entry: Entry,
    tags: tuple[str, ...],
    notes: int,
) -> tuple[date | None, Markup]:
    """The day of a row, and its markup: people come back to the same list after each call."""
    day = wording.day_of(entry.created_at)
    row = Row(
        entry,
        f"{base}/recordings/{entry.record_id}{address}",
        wording.machine(entry.created_at),
        wording.time(entry.created_at),
        "" if is_by_day or day is None else wording.short(day),
        clock(entry.seconds),
        tuple(excerpt(entry.summary or "", search)),
        tags,
        notes,
    )
    return (day if is_by_day else None), pages.piece("row.html", "recording_row", say, row)


@lru_cache(maxsize=32)
def _facets(say: Messages, view: View, facets: Facets, whole: str | None) -> tuple[Facet, ...]:
    """The facets of a view, kept as long as its counts are: they are the same on all its pages."""
    return tuple(_each_facet(say, view, facets, whole))


def _each_facet(say: Messages, view: View, facets: Facets, whole: str | None) -> Iterator[Facet]:
    days = [(day, "", n) for day, n in sorted(facets.days.items(), reverse=True)]
    tags = [(each.value, str(each.value), each.count) for each in facets.tags]
    toggles = Toggles(view)
    for name, lines, shown in (
        ("days", days, _SHOWN_DAYS),
        ("agents", _named(say, facets.agents, "agent"), _SHOWN),
        ("orders", _named(say, facets.orders, "order"), _SHOWN),
        ("directions", _worded(say, facets.directions, "way"), _SHOWN),
        ("statuses", _worded(say, facets.statuses, "status"), _SHOWN),
        ("states", _worded(say, facets.states, "state"), _SHOWN),
        ("tags", [one for one in tags if one[2] or one[0] in view.tags], _SHOWN),
        ("findings", _worded(say, facets.findings, "finding"), _SHOWN),
    ):
        yield _facet(say, toggles, view, name, lines, len(lines) if name == whole else shown)
    for member, (no, yes) in (
        ("is_reviewed", facets.is_reviewed),
        ("has_summary", facets.has_summary),
        ("is_held", facets.is_held),
    ):
        pairs = [(True, say(f"{member}.yes"), yes), (False, say(f"{member}.no"), no)]
        is_choice = (no and yes) or getattr(view, member) is not None
        yield _facet(say, toggles, view, member, pairs if is_choice else [], _SHOWN)


def _facet(
    say: Messages,
    toggles: Toggles,
    view: View,
    member: str,
    lines: list[tuple[Any, str, int]],
    shown: int,
) -> Facet:
    """The first of the choices, and those that were chosen."""
    chosen = getattr(view, member)
    picked = chosen if isinstance(chosen, tuple) else (chosen,)
    if len(lines) <= shown + 1:
        shown = len(lines)
    kept = lines[:shown] + [line for line in lines[shown:] if line[0] in picked]
    choices = tuple(
        FacetChoice(
            label or short_day(say, value),
            count,
            toggles.query(member, value),
            value in picked,
        )
        for value, label, count in kept
    )
    more = len(lines) - len(kept)
    address = f"{query(changed(view), **{_ALL: member})}#{member}" if more else ""
    return Facet(member, choices, more, address)


def _named(say: Messages, choices: tuple[Choice, ...], group: str) -> list[tuple[Any, str, int]]:
    return [(each.value, name_of(say, each, group), each.count) for each in choices]


def _worded(say: Messages, choices: tuple[Choice, ...], group: str) -> list[tuple[Any, str, int]]:
    return [
        (
            each.value,
            say.named(group, each.value) if each.value else say(f"{group}.none"),
            each.count,
        )
        for each in choices
    ]


def _filters(visit: Visit, view: View) -> Markup:
    """The form of all filters that are no facet; kept as long as the scorecards are the same."""
    cards, may_judge = visit.desk.cards.current, visit.person.may(Right.JUDGE)
    asked = (visit.say, visit.desk.base, view, may_judge)

    def form() -> Markup:
        given = (visit.say, visit.desk.base, view, [*pairs(view)], cards, may_judge)
        return pages.piece("filters.html", "filter_form", *given)

    return _FORMS.of(cards, asked, form)


@lru_cache(maxsize=128)
def _sorts(view: View) -> Sorts:
    told = {}
    for sort in Sort:
        is_now = view.sort is sort
        up = not view.ascending if is_now else sort in {Sort.AGENT, Sort.ORDER}
        now = ("ascending" if view.ascending else "descending") if is_now else "none"
        told[sort.value] = (query(changed(view, sort=sort, ascending=up)), now)
    return Sorts(**told)
