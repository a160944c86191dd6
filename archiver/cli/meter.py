"""How far reading back has come, of a known amount: a bar on a terminal, elsewhere a line."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from archiver.console import Console
from archiver.text.measures import say_duration, say_size

_LINE_EVERY: Final = 30.0


@dataclass(slots=True)
class Meter:
    """What there is to do, and what is done, in objects and bytes."""

    objects: int = 0
    bytes: int = 0
    done_objects: int = 0
    done_bytes: int = 0

    def expect(self, objects: int, size: int) -> None:
        """So much is to be done in all."""
        self.objects, self.bytes = objects, size

    def add(self, objects: int, size: int) -> None:
        """So much more is done."""
        self.done_objects += objects
        self.done_bytes += size


class MeterPrinter:
    """Shows a meter: `tick` is called a few times a second, `close` once at the end."""

    def __init__(self, meter: Meter, console: Console, clock: Callable[[], float]) -> None:
        self._meter = meter
        self._console = console
        self._clock = clock
        self._begun = self._last = clock()
        self._bar: Any = _bar(console) if console.is_live else None

    def tick(self) -> None:
        """Show what has changed, if it is time to."""
        if self._bar is not None:
            self._bar.total = self._meter.objects
            self._bar.set_postfix_str(say_size(self._meter.done_bytes), refresh=False)
            self._bar.update(self._meter.done_objects - self._bar.n)
            self._bar.refresh()
        elif self._clock() - self._last >= _LINE_EVERY:
            self._last = self._clock()
            self._console.say(self._line())

    def close(self) -> None:
        """Take the bar away: the result follows."""
        if self._bar is not None:
            self._bar.close()

    def _line(self) -> str:
        meter, seconds = self._meter, self._last - self._begun
        rate = say_size(meter.done_bytes / seconds)
        return (
            f"{say_duration(seconds)}: {meter.done_objects:,} of {meter.objects:,} objects,"
            f" {say_size(meter.done_bytes)} at {rate}/s"
        )


def _bar(console: Console) -> Any:
    from tqdm import tqdm

    tqdm.monitor_interval = 0  # its watching thread has nothing to do: we redraw on every tick
    return tqdm(
        desc="verify",
        unit=" objects",
        total=0,
        file=console.live_stream,
        leave=False,
        dynamic_ncols=True,
        mininterval=0,
    )
