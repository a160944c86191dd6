"""The filters of a view in words: above the list, and wherever something is drawn from a view."""

from datetime import date
from typing import Any, Final

from archiver.desk.index.entries import Choice, Facets
from archiver.desk.index.view import View
from archiver.text.messages import Messages
from archiver.text.wording import clock
from archiver.web.context import Visit
from archiver.web.view_address import choices, query, toggled, without

_GROUPS: Final = {
    "directions": "way",
    "statuses": "status",
    "states": "state",
    "findings": "finding",
}
_SHARES: Final = frozenset({"min_talk", "max_talk", "min_silence", "max_silence"})
_SCORES: Final = frozenset({"min_score", "max_score"})


def chips_of(visit: Visit, view: View, facets: Facets) -> list[tuple[str, str]]:
    """What was chosen, each with the query of the view without it."""
    return [
        (_said(visit, facets, member, value), query(_less(view, member, value)))
        for member, values in choices(view).items()
        for value in values
    ]


async def words_of(visit: Visit, view: View) -> list[str]:
    """What a view selects, filter by filter; nothing for one of everything."""
    facets = await visit.desk.library.index.facets(view)
    return [label for label, _ in chips_of(visit, view, facets)]


def _less(view: View, member: str, value: Any) -> View:
    is_one_of_many = isinstance(getattr(view, member), tuple)
    return toggled(view, member, value) if is_one_of_many else without(view, [member])


def _said(visit: Visit, facets: Facets, member: str, value: Any) -> str:
    say = visit.say
    lists: dict[str, tuple[tuple[Choice, ...], str]] = {
        "agents": (facets.agents, "agent"),
        "orders": (facets.orders, "order"),
    }
    if member in lists:
        among, group = lists[member]
        found = next((each for each in among if each.value == value), Choice(value, None, 0))
        return name_of(say, found, group)
    if member in _GROUPS:
        group = _GROUPS[member]
        return say.named(group, value) if value else say(f"{group}.none")
    if member == "answers":
        return _answer(visit, value)
    if isinstance(value, bool):
        return say(f"{member}.{'yes' if value else 'no'}")
    return say(f"chip.{member}", value=_worded_value(visit, member, value))


def _worded_value(visit: Visit, member: str, value: Any) -> str:
    if isinstance(value, date):
        return visit.wording.full(value)
    if member in _SHARES:
        return visit.say.brief(100 * value)
    if member in _SCORES:
        return visit.say.brief(value)
    return clock(value) if isinstance(value, float) else str(value)


def _answer(visit: Visit, value: str) -> str:
    """An answer that was searched for, in the words of its question."""
    names, _, answer = value.partition(":")
    first = names.split(",")[0]
    question = visit.desk.cards.question(first)
    asked = question.text.said(visit.say.language) if question else first
    more = " …" if "," in names else ""
    return f"{asked}{more}: {visit.say.named('answer', answer)}"


def name_of(say: Messages, choice: Choice, group: str) -> str:
    """What an agent or an order is called."""
    if choice.label:
        return choice.label
    return say(f"{group}.number", id=choice.value) if choice.value else say(f"{group}.none")
