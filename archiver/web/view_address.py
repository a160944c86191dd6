"""A view as an address, and an address as a view (pure).

Every filter of a list is a parameter of its address, so that any view can be sent to a colleague.
Invalid parameters are ignored and listed, so that the page can say so.
"""

import re
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote_plus, urlencode

from starlette.datastructures import QueryParams

from archiver.desk.accounts.person import proper_name
from archiver.desk.index.view import Sort, State, View
from archiver.text.wording import clock
from archiver.web.wording import read_clock

GREATEST_ID: Final = 2**63 - 1
_MOST_CHOICES: Final = 200
_LONGEST: Final = 500


@dataclass(frozen=True, slots=True)
class Parameter:
    """How one member of a view stands in an address; `read` raises ValueError.

    `parts` are two fields of a form that make one value: the name of a thing, and what it is.
    """

    name: str
    member: str
    read: Callable[[str], Any]
    write: Callable[[Any], str]
    repeats: bool = False
    parts: tuple[str, str] | None = None

    def texts(self, asked: QueryParams) -> list[str]:
        """What an address says of it; blank fields say nothing."""
        texts = asked.getlist(self.name)
        if self.parts is not None:
            names, values = (asked.getlist(part) for part in self.parts)
            texts += [f"{name}:{value}" for name, value in zip(names, values, strict=False) if name]
        return [text.strip() for text in texts if text.strip()]


def read_id(text: str) -> int:
    """An id, or 0 for "none known"."""
    if not (text.isascii() and text.isdigit()) or len(text) > 19 or int(text) > GREATEST_ID:
        raise ValueError(text)
    return int(text)


def _date(text: str) -> date:
    if len(text) != 10:  # the one form of ISO 8601 that browsers send
        raise ValueError(text)
    return date.fromisoformat(text)


def _word(text: str) -> str:
    if len(text) > _LONGEST:
        raise ValueError(text)
    return "" if text == "-" else text


def _yes_no(text: str) -> bool:
    return {"yes": True, "no": False}[text]


def _length(text: str) -> float:
    seconds = read_clock(text)
    if seconds is None:
        raise ValueError(text)
    return seconds


def _text(text: str) -> str:
    if len(text) > _LONGEST:
        raise ValueError(text)
    return text


def _score(text: str) -> float:
    if re.fullmatch(r"[0-9]{1,3}([.,][0-9]{1,2})?", text) is None:
        raise ValueError(text)
    score = float(text.replace(",", "."))
    if score > 100:
        raise ValueError(text)
    return score


def _share(text: str) -> float:
    return _score(text.removesuffix("%").strip()) / 100


def _percent(share: float) -> str:
    return f"{100 * share:g}"


_NAME: Final = "[a-z][a-z0-9_]{0,39}"
_ANSWER: Final = re.compile(f"{_NAME}:(yes|no|na|[1-5])|{_NAME}(,{_NAME}){{0,99}}:any")


def _answer(text: str) -> str:
    if _ANSWER.fullmatch(text) is None:
        raise ValueError(text)
    return text


def _finding(text: str) -> str:
    if re.fullmatch(r"[a-z][a-z0-9-]{0,39}", text) is None:
        raise ValueError(text)
    return text


def _unknown(word: str) -> str:
    return word or "-"


def _said(flag: bool) -> str:
    return "yes" if flag else "no"


PARAMETERS: Final = (
    Parameter("q", "text", _text, str),
    Parameter("lead", "lead", read_id, str),
    Parameter("phone", "phone", _text, str),
    Parameter("day", "days", _date, date.isoformat, repeats=True),
    Parameter("since", "since", _date, date.isoformat),
    Parameter("until", "until", _date, date.isoformat),
    Parameter("order", "orders", read_id, str, repeats=True),
    Parameter("agent", "agents", read_id, str, repeats=True),
    Parameter("way", "directions", _word, _unknown, repeats=True),
    Parameter("status", "statuses", _word, _unknown, repeats=True),
    Parameter("state", "states", State, str, repeats=True),
    Parameter("tag", "tags", _text, str, repeats=True),
    Parameter("summary", "has_summary", _yes_no, _said),
    Parameter("reviewed", "is_reviewed", _yes_no, _said),
    Parameter("held", "is_held", _yes_no, _said),
    Parameter("min", "min_seconds", _length, clock),
    Parameter("max", "max_seconds", _length, clock),
    Parameter("min-talk", "min_talk", _share, _percent),
    Parameter("max-talk", "max_talk", _share, _percent),
    Parameter("min-silence", "min_silence", _share, _percent),
    Parameter("max-silence", "max_silence", _share, _percent),
    Parameter("finding", "findings", _finding, str, repeats=True),
    Parameter("reviewer", "reviewers", proper_name, str, repeats=True),
    Parameter("card", "cards", _text, str, repeats=True),
    Parameter("answer", "answers", _answer, str, repeats=True, parts=("question", "is")),
    Parameter("min-score", "min_score", _score, "{:g}".format),
    Parameter("max-score", "max_score", _score, "{:g}".format),
    Parameter("failed", "is_failed", _yes_no, _said),
    Parameter("played", "is_played", _yes_no, _said),
    Parameter("words", "words", _text, str),
    Parameter("sort", "sort", Sort, str),
    Parameter("up", "ascending", _yes_no, _said),
    Parameter("after", "cursor", _text, str),
)
_BY_MEMBER: Final = {each.member: each for each in PARAMETERS}
_DEFAULTS: Final = View()
_NO_CHOICES: Final = frozenset({"sort", "ascending", "cursor"})


def read_view(asked: QueryParams) -> tuple[View, list[str]]:
    """The view of an address, and the names of the parameters that made no sense."""
    chosen: dict[str, Any] = {}
    senseless: list[str] = []
    for each in PARAMETERS:
        values = []
        for text in each.texts(asked)[: _MOST_CHOICES if each.repeats else 1]:
            try:
                values.append(each.read(text))
            except (ValueError, KeyError):
                senseless.append(each.name)
        if values:
            chosen[each.member] = tuple(dict.fromkeys(values)) if each.repeats else values[0]
    return View(**chosen), sorted(set(senseless))


def unknown_names(asked: QueryParams, own: Collection[str]) -> list[str]:
    """The parameters of an address that are neither of a view nor the page's own, cut short."""
    known = {name for each in PARAMETERS for name in (each.name, *(each.parts or ()))}
    return sorted({name[:40] for name in asked if name not in known and name not in own})[:10]


def pairs(view: View) -> Iterator[tuple[str, str]]:
    """The parameters of the view; defaults are left out."""
    for each in PARAMETERS:
        value = getattr(view, each.member)
        if value == getattr(_DEFAULTS, each.member):
            continue
        for one in value if each.repeats else (value,):
            yield each.name, each.write(one)


@lru_cache(maxsize=256)
def query(view: View, **more: Hashable) -> str:
    """`?…` of the view, with more parameters after it; empty if there are none."""
    said = [*pairs(view), *((name, str(value)) for name, value in more.items())]
    return f"?{urlencode(said)}" if said else ""


def toggled(view: View, member: str, value: object) -> View:
    """The view with one choice of a facet added, or taken away; it starts from its beginning."""
    if not _BY_MEMBER[member].repeats:
        return changed(view, **{member: None if getattr(view, member) == value else value})
    values = getattr(view, member)
    left = tuple(one for one in values if one != value)
    return changed(view, **{member: left if value in values else (*values, value)})


class Toggles:
    """The queries of a view with one choice added or taken away, as of `toggled`: a list has a
    hundred, so what they share is written once."""

    def __init__(self, view: View) -> None:
        self._view = changed(view)
        self._around: dict[str, tuple[str, str]] = {}

    def query(self, member: str, value: object) -> str:
        """`?…` of the view with this choice added, or taken away."""
        each, chosen = _BY_MEMBER[member], getattr(self._view, member)
        if each.repeats:
            left = [one for one in chosen if one != value]
            values = left if value in chosen else [*chosen, value]
        else:
            values = [] if chosen == value else [value]
        if member not in self._around:
            self._around[member] = self._rest(each)
        before, after = self._around[member]
        own = [f"{each.name}={quote_plus(each.write(one))}" for one in values]
        said = "&".join(filter(None, (before, *own, after)))
        return f"?{said}" if said else ""

    def _rest(self, own: Parameter) -> tuple[str, str]:
        """What stands before and after the parameter."""
        said, places = [*pairs(self._view)], [each.name for each in PARAMETERS]
        place = places.index(own.name)
        return (
            urlencode([pair for pair in said if places.index(pair[0]) < place]),
            urlencode([pair for pair in said if places.index(pair[0]) > place]),
        )


def changed(view: View, **members: Any) -> View:
    """The view with other members, from its beginning."""
    if not members and not view.cursor:
        return view
    return replace(view, **{"cursor": "", **members})


def without(view: View, members: Iterable[str]) -> View:
    """The view with nothing chosen in these members."""
    return changed(view, **{member: getattr(_DEFAULTS, member) for member in members})


def choices(view: View) -> Mapping[str, tuple[Any, ...]]:
    """What was chosen, by member: the order of the list and the page in it are no choices."""
    chosen: dict[str, tuple[Any, ...]] = {}
    for member in (field.name for field in fields(View)):
        value = getattr(view, member)
        if member not in _BY_MEMBER or member in _NO_CHOICES or value == getattr(_DEFAULTS, member):
            continue
        chosen[member] = value if _BY_MEMBER[member].repeats else (value,)
    return chosen
