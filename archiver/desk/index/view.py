"""A view: all filters of a list of recordings, as a frozen value (pure).

Every filter is a member, so a view can be an address, and an address a view. An empty member means
no filter. Values of one facet are alternatives; facets narrow each other.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Sort(StrEnum):
    """What a list is ordered by; equals are ordered by the moment, then by the id."""

    CREATED = "created"
    SECONDS = "seconds"
    AGENT = "agent"
    ORDER = "order"


class State(StrEnum):
    """What the archive has of a recording. The first is the only one that plays.

    `gone`, `waiting` and `failed` are those of a run. `pruned` (its time of retention was over) and
    `erased` (on request) count from the moment that the ledger announces the removal.
    """

    ARCHIVED = "archived"
    WAITING = "waiting"
    FAILED = "failed"
    GONE = "gone"
    PRUNED = "pruned"
    ERASED = "erased"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a list is asked for.

    `text` is searched in summaries: all words, in any order, `"a phrase"` in quotes, `wor*` by its
    beginning; case and accents do not count, and nothing in it is an error. A text of digits alone
    also finds the recording, call, lead or phone number of that number. `lead` is a lead's id.
    `phone` is a number in any spelling, or its last digits (three at least).

    `days`, `since` and `until` are local dates of `window.timezone`; `until` belongs to the period.
    `orders` and `agents` are ids, 0 standing for "none known"; `directions` and `statuses` are
    words of the API, "" standing for "none known"; `tags` are as the desk keeps them.
    `min_seconds` and `max_seconds` are inclusive; so are the shares, 0 to 1: `silence` that of the
    length in pauses, `talk` that of the agent in what both sides of a stereo recording say.
    `findings` are names of what the archive or its sound check found.
    `reviewers`, `cards`, `answers`, the scores, `is_failed`, `is_played` and `words` select by
    verdicts and notes (see `review.judged`), which are not in the index: the caller passes the
    matching ids in `among`, and the agents' channel in `agent_channel`.
    `cursor` is a `Page.next` of the same view: the list continues after it.
    """

    text: str = ""
    lead: int | None = None
    phone: str = ""
    days: tuple[date, ...] = ()
    since: date | None = None
    until: date | None = None
    orders: tuple[int, ...] = ()
    agents: tuple[int, ...] = ()
    directions: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    states: tuple[State, ...] = ()
    tags: tuple[str, ...] = ()
    has_summary: bool | None = None
    is_reviewed: bool | None = None
    is_held: bool | None = None
    min_seconds: float | None = None
    max_seconds: float | None = None
    min_talk: float | None = None
    max_talk: float | None = None
    min_silence: float | None = None
    max_silence: float | None = None
    findings: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    cards: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    min_score: float | None = None
    max_score: float | None = None
    is_failed: bool | None = None
    is_played: bool | None = None
    words: str = ""
    among: tuple[int, ...] | None = None
    agent_channel: str = "left"
    sort: Sort = Sort.CREATED
    ascending: bool = False
    cursor: str = ""
