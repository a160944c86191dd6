"""`archiver run --every`: run after run, for years, whatever becomes of each."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import anyio

from archiver.cli.context import Context
from archiver.cli.failing import say_failure
from archiver.cli.running import one_run
from archiver.cli.watch import stopped_by_signal
from archiver.clock import Clock, system_clock
from archiver.config import Config
from archiver.errors import INTERRUPTED, ConfigError
from archiver.monitoring.endpoint import Pulse, endpoint
from archiver.monitoring.history import Memory
from archiver.monitoring.night import Night
from archiver.monitoring.notify import tell
from archiver.monitoring.standing import Standing, last_began, standing
from archiver.run.request import RunRequest
from archiver.schedule.nightly import Nightly
from archiver.schedule.schedule import Schedule
from archiver.schedule.waiting import Sleep


@dataclass(slots=True)
class Nights:
    """Runs over one archive, one after the other. `config` is the newest that could be read."""

    context: Context
    config: Config
    schedule: Schedule
    state_folder: Path
    clock: Clock = system_clock
    sleep: Sleep = anyio.sleep
    pulse: Pulse = field(default_factory=Pulse)
    found: Standing = field(default_factory=lambda: Standing(Memory()))

    async def follow(self) -> int:
        """Run whenever it is due, until a signal ends it: 130."""
        console = self.context.console
        self.found = await standing(self.config, self.state_folder)
        async with stopped_by_signal(console) as stop:
            nightly = Nightly(
                schedule=self.schedule,
                run=partial(self.run, stop),
                clock=self.clock,
                sleep=self.sleep,
                say=console.say,
                stop=stop,
                alive=self.pulse.beat,
            )
            with self._listening():
                await nightly.follow(await last_began(self.config, self.state_folder))
        return INTERRUPTED

    async def run(self, stop: anyio.Event) -> None:
        """One run with the configuration as it is now, told to everybody."""
        began, console = self.clock(), self.context.console
        console.next_answer()
        console.about()
        try:
            self.config = self.context.load_config()
        except Exception as error:  # noqa: BLE001 - no night may end those that follow
            code = say_failure(console, error)
            hint = error.hint if isinstance(error, ConfigError) else ""
            night = Night(began, self.clock(), code, error=str(error), hint=hint)
        else:
            night = await one_run(
                self.config,
                RunRequest(),
                self.context,
                self.state_folder,
                stop,
                clock=self.clock,
                alive=self.pulse.beat,
            )
        state = self.state_folder
        told = tell(self.config, night, state_folder=state, console=console, clock=self.clock)
        self.found = await told or self.found

    @contextmanager
    def _listening(self) -> Iterator[None]:
        address = self.config.metrics.listen
        if address is None:
            yield
            return
        say = self.context.console.say
        with ExitStack() as opened:
            try:
                port = opened.enter_context(endpoint(address, self._metrics, self.pulse))
                say(f"metrics are served on {address.host} port {port}")
            except ConfigError as error:  # a desk on this machine may have it, and no night waits
                self.context.console.warn(f"{error}; the nights go on without metrics")
            yield

    def _metrics(self) -> bytes:
        from archiver.monitoring.metrics import exposition

        return exposition(self.found.memory, self.found.vitals, self.clock())
