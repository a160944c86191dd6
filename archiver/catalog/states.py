"""The states of calls and recordings, the transitions between them, and what is due when (pure).

An archived recording stays archived, whatever the source says later; `gone` may still turn out to
exist. A call has the worst state of its recordings. A transition that the table does not list is a
bug of ours and raises.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from typing import Final

from msgspec import Struct

from archiver.liner.models import Call


class RecordingState(StrEnum):
    """The state of a recording."""

    ARCHIVED = "archived"
    WAITING = "waiting"
    FAILED = "failed"
    GONE = "gone"


class CallState(StrEnum):
    """The state of a call."""

    ARCHIVED = "archived"
    NONE = "none"
    WAITING = "waiting"
    FAILED = "failed"
    GONE = "gone"


OPEN = frozenset({"waiting", "failed"})
"""The open states, of calls and of recordings."""

IS_OPEN: Final = "IN ({})".format(", ".join(f"'{state}'" for state in sorted(OPEN)))
IS_NONE: Final = f"= '{CallState.NONE}'"
IS_GONE: Final = f"= '{RecordingState.GONE}'"
IS_ARCHIVED: Final = f"= '{RecordingState.ARCHIVED}'"
IS_NOT_ARCHIVED: Final = f"<> '{RecordingState.ARCHIVED}'"
"""Conditions on a state as SQL has them: text and no parameters, so that indexes of some states are
found. `state <> 'archived'` before another condition looks idle, and is what finds one."""

DAYS_UNTIL_GONE = 3
"""A recording is gone if its source said so in runs on this many different days."""

_STEPS: dict[RecordingState | None, frozenset[RecordingState]] = {
    None: frozenset({RecordingState.ARCHIVED, RecordingState.WAITING, RecordingState.FAILED}),
    RecordingState.WAITING: frozenset(RecordingState),
    RecordingState.FAILED: frozenset(RecordingState),
    RecordingState.GONE: frozenset({RecordingState.GONE, RecordingState.ARCHIVED}),
    RecordingState.ARCHIVED: frozenset({RecordingState.ARCHIVED}),
}


def step(before: RecordingState | None, after: RecordingState) -> RecordingState:
    """`after`, when the step is allowed; ValueError when it is not."""
    if after not in _STEPS[before]:
        raise ValueError(f"a recording cannot go from {before} to {after}")
    return after


def worst(states: Iterable[RecordingState]) -> CallState:
    """The state of a call with recordings in these states (at least one)."""
    present = set(states)
    for state in (RecordingState.FAILED, RecordingState.WAITING, RecordingState.GONE):
        if state in present:
            return CallState(state.value)
    return CallState.ARCHIVED


class Decision(Enum):
    """What is done about a call that was listed."""

    ASK = "list its recordings"
    NONE = "it has none; no need to ask"
    SKIP = "nothing is due"


class Standing(Struct, frozen=True):
    """The state of a known call; `due_at` None: it is settled. `flag` is `hasRecords` as last
    returned by the API."""

    state: CallState
    flag: bool | None
    due_at: datetime | None
    attempts: int = 0
    open_since: datetime | None = None
    created_at: datetime | None = None


def decide(call: Call, stands: Standing | None, *, now: datetime, recheck: bool) -> Decision:
    """What to do about a listed call in that state (None: it is new).

    The flag `hasRecords` is trusted if it says yes, and if it says no for a call without talk time;
    if it is absent or doubtful, the API is queried (a flag may lag behind the recording:
    observation).
    """
    silent = call.has_records is False and call.talk_seconds == 0
    if stands is None:
        return Decision.NONE if silent else Decision.ASK
    if stands.due_at is not None and stands.due_at <= now:
        return Decision.ASK
    turned_true = call.has_records is True and stands.flag is not True
    if turned_true or (recheck and not (silent and stands.state is CallState.NONE)):
        return Decision.ASK
    return Decision.SKIP


def is_unrecorded(state: str, talk_seconds: float | None) -> bool:
    """Whether a call in this state should have a recording: there was talk, and it has none."""
    return state == CallState.NONE and bool(talk_seconds)


def next_due(
    created_at: datetime, asked_at: datetime, recheck: Sequence[timedelta]
) -> datetime | None:
    """When a call that is not open is checked again after it was checked; None: never.

    A call that claims to be created later than that counts from then.
    """
    created_at = min(created_at, asked_at)
    return min((created_at + age for age in recheck if created_at + age > asked_at), default=None)
