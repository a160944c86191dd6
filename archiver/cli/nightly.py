"""`archiver run --every`: run after run, for years, whether or not each succeeds."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final

import anyio

from archiver.cli.context import Context
from archiver.cli.failures import say_failure
from archiver.cli.running import one_run
from archiver.cli.watch import stopped_by_signal
from archiver.clock import Clock, system_clock
from archiver.config import Config
from archiver.errors import INTERRUPTED, ArchiverError, ConfigError
from archiver.monitoring.endpoint import Pulse, endpoint
from archiver.monitoring.history import Memory
from archiver.monitoring.night import Night
from archiver.monitoring.notify import tell
from archiver.monitoring.standing import Standing, last_began, standing
from archiver.monitoring.verifications import (
    health_of,
    recall_verifications,
    verifications_path,
)
from archiver.run.request import RunRequest
from archiver.schedule.nightly import Nightly
from archiver.schedule.schedule import Schedule
from archiver.schedule.waiting import STEP, Sleep

_EARLY: Final = timedelta(hours=1)
"""Tolerance for `verify.every`: runs do not end at the same minute each time."""


@dataclass(slots=True)
class Nights:
    """Runs of one archive, one after another. `config` is the last valid configuration."""

    context: Context
    config: Config
    schedule: Schedule
    state_folder: Path
    clock: Clock = system_clock
    sleep: Sleep = anyio.sleep
    step: float = STEP
    pulse: Pulse = field(default_factory=Pulse)
    found: Standing = field(default_factory=lambda: Standing(Memory()))

    async def follow(self) -> int:
        """Run whenever it is due, until a signal; returns 130."""
        console = self.context.console
        self.found = await standing(self.config, self.state_folder)
        async with stopped_by_signal(console) as stop:
            nightly = Nightly(
                schedule=self.schedule,
                run=partial(self.run, stop),
                clock=self.clock,
                sleep=self.sleep,
                step=self.step,
                say=console.say,
                stop=stop,
                alive=self.pulse.beat,
            )
            with self._listening():
                await nightly.follow(await last_began(self.config, self.state_folder))
        return INTERRUPTED

    async def run(self, stop: anyio.Event) -> None:
        """One run with the current configuration, with notices and metrics."""
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
        if not stop.is_set() and self._verify_is_due():
            await self._verify(stop)

    def _verify_is_due(self) -> bool:
        """Whether the last verification began about `verify.every` ago, or earlier."""
        every, known = self.config.verify.every, self.found.memory.verifications
        if every is None or known is None:
            return every is not None
        return self.clock() - known.last.started_at >= every - min(every / 4, _EARLY)

    async def _verify(self, stop: anyio.Event) -> None:
        """Verify the share that is due; the schedule continues whatever the result."""
        from archiver.cli.verify_lines import as_json, verify_lines
        from archiver.cli.verifying import (
            exit_code_of,
            one_verification,
            report_verification,
        )
        from archiver.verify.verify import Wanted

        began, console, config = self.clock(), self.context.console, self.config
        wanted = Wanted(config.verify.sample)
        tell = partial(report_verification, config, self.context, wanted, began)
        console.next_answer()
        console.about()
        try:
            verified = await one_verification(
                config, wanted, console, self.state_folder, stop, alive=self.pulse.beat
            )
        except ArchiverError as error:
            code = say_failure(console, error)
            self.found = await tell(None, code, error, clock=self.clock) or self.found
            return
        is_stopped = stop.is_set()
        code = exit_code_of(verified, is_stopped=is_stopped)
        console.result(*verify_lines(verified, head=None, is_stopped=is_stopped))
        console.json(as_json(verified, is_stopped=is_stopped))
        if (note := verified.remember()) is not None:
            console.say(f"note: {note}")
        self.found = await tell(verified, code, None, clock=self.clock) or self.found

    @contextmanager
    def _listening(self) -> Iterator[None]:
        address = self.config.metrics.listen
        if address is None:
            yield
            return
        say = self.context.console.say
        with ExitStack() as opened:
            try:
                port = opened.enter_context(
                    endpoint(address, self._metrics, self.pulse, health=self._health)
                )
                say(f"metrics are served on {address.host} port {port}")
            except ConfigError as error:  # a desk on this machine may use it; runs must not wait
                self.context.console.warn(f"{error}; runs continue without metrics")
            yield

    def _health(self) -> str:
        """The last verifications, including those started by a system timer."""
        url, state = self.config.storage.url, self.state_folder
        return "".join(
            health_of(
                recall_verifications(verifications_path(url, state, is_replica=is_replica)),
                is_replica=is_replica,
            )
            for is_replica in (False, True)
        )

    def _metrics(self) -> bytes:
        from archiver.monitoring.metrics import exposition

        return exposition(self.found.memory, self.found.vitals, self.clock())
