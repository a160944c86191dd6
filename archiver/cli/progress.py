"""The display of progress: bars on a terminal, otherwise a line every 30 seconds.

Events are counted when they come, which costs a microsecond, and shown when `tick` is called, which
happens a few times a second. So nothing is drawn per call or per chunk, and a run that makes no
progress is shown as such.
"""

from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct, field

from archiver.cli.watch import Printer
from archiver.console import Console
from archiver.run.events import (
    BytesReceived,
    CallDone,
    CallsExpected,
    CallsListed,
    Event,
    ListsRead,
    Note,
)
from archiver.tasks.retry import RetryScheduled
from archiver.text.measures import say_duration, say_size

LINE_EVERY: Final = 30.0
"""Seconds between two lines of progress, without a terminal."""

_OPEN: Final = frozenset({"waiting", "failed"})


class Tally(Struct):
    """The sums of all events. Calling it with an event counts the event."""

    listed: int = 0
    expected: int | None = None
    slices: int = 0
    slices_read: int = 0
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
        elif isinstance(event, CallsExpected):
            self.expected = event.count
        elif isinstance(event, ListsRead):
            self.slices, self.slices_read = event.slices, event.read
        elif isinstance(event, RetryScheduled):
            self.retries += 1
        elif isinstance(event, Note):
            self.notes.append(event.text)

    @property
    def total(self) -> int | None:
        """The total number of calls; None if it is unknown, or was wrong."""
        if self.expected is None or self.expected < self.listed:
            return None
        return self.expected

    @property
    def listing(self) -> str:
        """The progress of reading call lists, if this takes several steps; otherwise empty."""
        if self.slices < 2 or self.slices_read == self.slices:
            return ""
        return f"{self.slices_read:,} of {self.slices:,} lists read"

    def take_notes(self) -> list[str]:
        """The notes since the last call of this."""
        notes, self.notes = self.notes, []
        return notes

    def troubles(self) -> dict[str, int]:
        """Counts of retries, failures and so on, by name, without zeros."""
        counts = {"open": self.open, "gone": self.gone, "retries": self.retries}
        return {name: count for name, count in counts.items() if count}


class Lines:
    """A line of progress every 30 s, without a terminal; notes at once."""

    def __init__(
        self,
        tally: Tally,
        console: Console,
        clock: Callable[[], float],
        *,
        every: float = LINE_EVERY,
    ) -> None:
        self._tally = tally
        self._console = console
        self._clock = clock
        self._every = every
        self._begun = self._last = clock()
        self._received_then = 0

    def tick(self) -> None:
        """Print the notes, and the progress line when it is due."""
        for note in self._tally.take_notes():
            self._console.say(note)
        now = self._clock()
        if now - self._last >= self._every:
            self._console.say(self._line(now))
            self._last, self._received_then = now, self._tally.received

    def close(self) -> None:
        """Print the last notes."""
        for note in self._tally.take_notes():
            self._console.say(note)

    def _line(self, now: float) -> str:
        tally = self._tally
        rate = (tally.received - self._received_then) / (now - self._last)
        parts = [
            f"{tally.done:,} {_of(tally)}calls",
            *([tally.listing] if tally.listing else []),
            f"{say_size(tally.received)} at {say_size(rate)}/s",
            *(f"{count:,} {name}" for name, count in tally.troubles().items()),
        ]
        return f"{say_duration(now - self._begun)}: {', '.join(parts)}"


def _of(tally: Tally) -> str:
    return "" if tally.total is None else f"of {tally.total:,} "


class Bars:
    """Two bars on a terminal, calls and bytes; notes are printed above.

    While the number of calls is unknown, the first one counts and shows no percentage.
    """

    def __init__(self, tally: Tally, console: Console) -> None:
        from tqdm import tqdm

        tqdm.monitor_interval = 0  # its watching thread has nothing to do: we redraw on every tick
        common: dict[str, Any] = {
            "file": console.live_stream,
            "leave": False,
            "dynamic_ncols": True,
            "mininterval": 0,
            "smoothing": 0,  # time left by the average pace: calls come in bursts
        }
        self._tally = tally
        self._console = console
        self._calls: tqdm[Any] = tqdm(desc="calls", unit=" calls", total=None, position=0, **common)
        self._bytes: tqdm[Any] = tqdm(
            desc="bytes", unit="B", unit_scale=True, unit_divisor=1024, position=1, **common
        )

    def tick(self) -> None:
        """Print the notes above the bars, then redraw them."""
        self._say_notes()
        self._calls.total = self._tally.total
        troubles = [f"{name}={count:,}" for name, count in self._tally.troubles().items()]
        said = [*filter(None, [self._tally.listing]), *troubles]
        self._calls.set_postfix_str(", ".join(said), refresh=False)
        for bar, reached in (
            (self._calls, self._tally.done),
            (self._bytes, self._tally.received),
        ):
            if reached > bar.n:
                bar.update(reached - bar.n)
            else:
                bar.refresh()

    def close(self) -> None:
        """Print the last notes and remove the bars: the balance follows."""
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
    """Bars on a terminal, otherwise lines."""
    return Bars(tally, console) if console.is_live else Lines(tally, console, clock)


class Meter(Struct):
    """The work to do and the work done, in objects and bytes."""

    objects: int = 0
    bytes: int = 0
    done_objects: int = 0
    done_bytes: int = 0

    def expect(self, objects: int, size: int) -> None:
        """Set the total."""
        self.objects, self.bytes = objects, size

    def add(self, objects: int, size: int) -> None:
        """Count work that was done."""
        self.done_objects += objects
        self.done_bytes += size


class MeterPrinter:
    """Shows a meter: `tick` is called a few times a second, `close` once at the end."""

    def __init__(
        self,
        meter: Meter,
        console: Console,
        clock: Callable[[], float],
        title: str = "verify",
    ) -> None:
        self._meter = meter
        self._console = console
        self._clock = clock
        self._begun = self._last = clock()
        self._bar: Any = _bar(console, title) if console.is_live else None

    def tick(self) -> None:
        """Update the display, if it is time to."""
        if self._bar is not None:
            self._bar.total = self._meter.objects
            self._bar.set_postfix_str(say_size(self._meter.done_bytes), refresh=False)
            self._bar.update(self._meter.done_objects - self._bar.n)
            self._bar.refresh()
        elif self._clock() - self._last >= LINE_EVERY:
            self._last = self._clock()
            self._console.say(self._line())

    def close(self) -> None:
        """Remove the bar: the result follows."""
        if self._bar is not None:
            self._bar.close()

    def _line(self) -> str:
        meter, seconds = self._meter, self._last - self._begun
        rate = say_size(meter.done_bytes / seconds)
        return (
            f"{say_duration(seconds)}: {meter.done_objects:,} of {meter.objects:,} objects,"
            f" {say_size(meter.done_bytes)} at {rate}/s"
        )


def _bar(console: Console, title: str) -> Any:
    from tqdm import tqdm

    tqdm.monitor_interval = 0  # its watching thread has nothing to do: we redraw on every tick
    return tqdm(
        desc=title,
        unit=" objects",
        total=0,
        file=console.live_stream,
        leave=False,
        dynamic_ncols=True,
        mininterval=0,
    )
