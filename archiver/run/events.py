"""The events of a run, for progress displays and logs (pure)."""

from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Final, TypeAlias

from msgspec import Struct

from archiver.catalog.work import Outcome
from archiver.liner.progress import ListingProgress
from archiver.tasks.retry import RetryScheduled

CURRENT_CALL: Final[ContextVar[int | None]] = ContextVar("call", default=None)
"""The call that the current task works on, for events of retries."""


class RunStarted(Struct, frozen=True):
    """A run begins; later events belong to it."""

    run_id: str


class NotArchived(Struct, frozen=True):
    """A call, or one of its recordings, is open or gone at the end of this run."""

    call_id: int
    record_id: int | None
    state: str
    reason: str
    detail: str


class CallsListed(Struct, frozen=True):
    """The enumeration passed on `count` more calls."""

    count: int


class CallsExpected(Struct, frozen=True):
    """The total number of calls according to the API. An estimate, unless `final`."""

    count: int
    final: bool = False


class ListsRead(Struct, frozen=True):
    """How many of the call lists, which are read in slices of time, have been read."""

    read: int
    slices: int


class CallDone(Struct, frozen=True):
    """`count` calls ended this run in `state`, one of the five states of a call."""

    state: str
    count: int = 1


class BytesReceived(Struct, frozen=True):
    """`count` more bytes of recordings have arrived."""

    count: int


class Note(Struct, frozen=True):
    """A message that should be read now; one sentence."""

    text: str


Event: TypeAlias = (
    RunStarted
    | ListsRead
    | CallsExpected
    | CallsListed
    | CallDone
    | NotArchived
    | BytesReceived
    | RetryScheduled
    | Note
)
OnEvent: TypeAlias = Callable[[Event], None]


def events_of(outcome: Outcome) -> Iterator[CallDone | NotArchived]:
    """The state of a call, and what is not archived: its recordings, or the call itself if it has
    none."""
    judged, details = outcome.judged, dict(outcome.details)
    yield CallDone(judged.state)
    for one in judged.open:
        detail = details.get(one.record_id, "")
        yield NotArchived(judged.call_id, one.record_id, one.state, one.reason, detail)
    if judged.reason is not None and not judged.open:
        detail = details.get(None, "")
        yield NotArchived(judged.call_id, None, judged.state, judged.reason, detail)


def tell_progress(progress: ListingProgress, on_event: OnEvent) -> None:
    """How far the lists were read, and how many calls they have, as events."""
    on_event(ListsRead(progress.read, progress.slices))
    if progress.expected is not None:
        on_event(CallsExpected(progress.expected))
