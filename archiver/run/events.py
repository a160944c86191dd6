"""The events of a run, and how people see them: bars on a terminal, a line now and then elsewhere.

Events are counted when they come, which costs a microsecond, and shown when `tick` is called, which
happens a few times a second. So nothing is drawn per call or per chunk, and a run that stands still
is still seen to stand still.
"""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeAlias

from archiver.console import Console
from archiver.tasks.retry import RetryScheduled
from archiver.text.measures import say_duration, say_size

CURRENT_CALL: Final[ContextVar[int | None]] = ContextVar("call", default=None)
"""The call that the work of the current task is about; events of retries happen within it."""


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run begins; what follows is of it."""

    run_id: str


@dataclass(frozen=True, slots=True)
class NotArchived:
    """A call, or one recording of it, ended this run in a state that is not the one wanted."""

    call_id: int
    record_id: int | None
    state: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class CallsListed:
    """The enumeration handed over `count` more calls."""

    count: int


@dataclass(frozen=True, slots=True)
class CallDone:
    """`count` calls ended this run in `state`, one of the five states of a call."""

    state: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class BytesReceived:
    """`count` more bytes of recordings have arrived."""

    count: int


@dataclass(frozen=True, slots=True)
class Note:
    """Something a person should read now; one sentence."""

    text: str


Event: TypeAlias = (
    RunStarted | CallsListed | CallDone | NotArchived | BytesReceived | RetryScheduled | Note
)
OnEvent: TypeAlias = Callable[[Event], None]

_OPEN: Final = frozenset({"waiting", "failed"})


@dataclass(slots=True)
class Tally:
    """What the events add up to. Calling it with an event counts the event."""

    listed: int = 0
    done: int = 0
    open: int = 0
    gone: int = 0
    received: int = 0
    retries: int = 0
    notes: list[str] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        """Count one event."""
        if isinstance(event, BytesReceived):
            self.received += event.count
        elif isinstance(event, CallDone):
            self.done += event.count
            if event.state in _OPEN:
                self.open += event.count
            elif event.state == "gone":
                self.gone += event.count
        elif isinstance(event, CallsListed):
            self.listed += event.count
        elif isinstance(event, RetryScheduled):
            self.retries += 1
        elif isinstance(event, Note):
            self.notes.append(event.text)

    def take_notes(self) -> list[str]:
        """The notes since the last call of this."""
        notes, self.notes = self.notes, []
        return notes

    def troubles(self) -> dict[str, int]:
        """What did not go smoothly so far, by name; without what never happened."""
        counts = {"open": self.open, "gone": self.gone, "retries": self.retries}
        return {name: count for name, count in counts.items() if count}


class Printer(Protocol):
    """Shows a tally. `tick` is called a few times a second, `close` once at the end."""

    def tick(self) -> None:
        """Show what has changed, if it is time to."""

    def close(self) -> None:
        """Show the last notes and leave the terminal clean."""


class Lines:
    """A line of progress every 30 s, where no terminal is watching; notes at once."""

    def __init__(
        self, tally: Tally, console: Console, clock: Callable[[], float], *, every: float = 30.0
    ) -> None:
        self._tally = tally
        self._console = console
        self._clock = clock
        self._every = every
        self._begun = self._last = clock()
        self._received_then = 0

    def tick(self) -> None:
        """Say the notes, and the line when its time has come."""
        for note in self._tally.take_notes():
            self._console.say(note)
        now = self._clock()
        if now - self._last >= self._every:
            self._console.say(self._line(now))
            self._last, self._received_then = now, self._tally.received

    def close(self) -> None:
        """Say the last notes."""
        for note in self._tally.take_notes():
            self._console.say(note)

    def _line(self, now: float) -> str:
        tally = self._tally
        rate = (tally.received - self._received_then) / (now - self._last)
        parts = [
            f"{tally.done:,} of {tally.listed:,} calls",
            f"{say_size(tally.received)} at {say_size(rate)}/s",
            *(f"{count:,} {name}" for name, count in tally.troubles().items()),
        ]
        return f"{say_duration(now - self._begun)}: {', '.join(parts)}"


class Bars:
    """Two bars on a terminal: calls (done of those listed so far) and bytes; notes go above."""

    def __init__(self, tally: Tally, console: Console) -> None:
        from tqdm import tqdm

        tqdm.monitor_interval = 0  # its watching thread has nothing to do: we redraw on every tick
        common: dict[str, Any] = {
            "file": console.live_stream,
            "leave": False,
            "dynamic_ncols": True,
            "mininterval": 0,
        }
        self._tally = tally
        self._console = console
        self._calls: tqdm[Any] = tqdm(desc="calls", unit=" calls", total=0, position=0, **common)
        self._bytes: tqdm[Any] = tqdm(
            desc="bytes", unit="B", unit_scale=True, unit_divisor=1024, position=1, **common
        )

    def tick(self) -> None:
        """Say the notes above the bars, then redraw them."""
        self._say_notes()
        self._calls.total = self._tally.listed
        self._calls.set_postfix(self._tally.troubles(), refresh=False)
        for bar, reached in (
            (self._calls, self._tally.done),
            (self._bytes, self._tally.received),
        ):
            if reached > bar.n:
                bar.update(reached - bar.n)
            else:
                bar.refresh()

    def close(self) -> None:
        """Say the last notes and take the bars away: the balance follows."""
        self._say_notes()
        self._bytes.close()
        self._calls.close()

    def _say_notes(self) -> None:
        notes = self._tally.take_notes()
        if notes:
            self._bytes.clear()
            self._calls.clear()
        for note in notes:
            self._console.say(note)


def printer_for(tally: Tally, console: Console, clock: Callable[[], float]) -> Printer:
    """Bars where a person watches, else lines."""
    return Bars(tally, console) if console.is_live else Lines(tally, console, clock)
