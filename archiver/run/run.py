"""A run: archives everything new since the last one, and accounts for everything.

This module only combines the parts: `request`, `windows` and `enumeration` say what is requested,
`work` is the unit of work, `pipeline` runs units in parallel, `recovery` handles what a killed run
left behind, `finalize` ends this one.
"""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio

from archiver import __version__
from archiver.archive.archive import Archive
from archiver.archive.opening import locked_archive
from archiver.archive.pace import REAL_PACE, Pace
from archiver.archive.right_clock import OtherClocks
from archiver.catalog.work import Outcome
from archiver.clock import Clock, system_clock
from archiver.config import Config
from archiver.crew.choosing import crew_of
from archiver.crew.crew import Crew, Listener
from archiver.errors import ArchiverError
from archiver.evidence.attest import attest
from archiver.liner.names import Directory
from archiver.recordings.deposit import Shelf
from archiver.retention.acts import finish_acts, name_of_act
from archiver.retention.legal_holds import follow_holds
from archiver.retention.removal import finish_removals
from archiver.run.dry_run import Surveyor, surveyed_archive
from archiver.run.enumeration import Intake, listed_orders
from archiver.run.events import CURRENT_CALL, BytesReceived, OnEvent, RunStarted, events_of
from archiver.run.finalize import Diary, close_run, close_survey
from archiver.run.pipeline import Bring, Claims, Recorder, run_pipeline
from archiver.run.recovery import Recovery, recovering
from archiver.run.report import RunReport
from archiver.run.request import RunRequest
from archiver.run.sound import check_sound
from archiver.run.source import Source, source
from archiver.run.work import Courier
from archiver.tasks.grace import Grace
from archiver.tasks.retry import RetryScheduled
from archiver.tasks.stopping import cancelled_by

_CONNECTIONS_BESIDE_WORKERS = 16
"""The enumerator reads pages while the workers are busy."""


async def run(
    config: Config,
    request: RunRequest,
    *,
    on_event: OnEvent,
    stop: anyio.Event,
    state_folder: Path,
    clock: Clock = system_clock,
    pace: Pace = REAL_PACE,
) -> RunReport | None:
    """Do one run and report on it. None if `stop` came before there was anything to report.

    `stop` ends it early and cleanly; its report then has `interrupted`. Catalogs are in
    `state_folder` unless the configuration says otherwise. Raises an ArchiverError if the run as a
    whole cannot continue; what was archived until then is recorded.
    """
    began = time.monotonic()
    now = clock()
    run_id = name_of_act(now)
    report: RunReport | None = None
    on_event(RunStarted(run_id))
    connections = config.download.workers + _CONNECTIONS_BESIDE_WORKERS
    reached = source(config, connections=connections, pace=pace, on_retry=on_event)
    async with cancelled_by(stop) as disarm, reached as origin:
        orders = await listed_orders(origin.liner, config, request)
        directory = Directory(origin.liner)
        await directory.load(orders)
        if request.dry_run:
            opened = surveyed_archive(config, state_folder)
        else:
            others = OtherClocks(origin.liner.server_time, request.today)
            opened = _locked(config, run_id, state_folder, clock, pace, others)
        async with opened as archive:
            disarm()
            intake = Intake(
                config=config,
                request=request,
                archive=archive,
                liner=origin.liner,
                directory=directory,
                orders=[order.id for order in orders],
                run_id=run_id,
                now=now,
                on_event=on_event,
            )
            await intake.plan()
            running = _Run(origin, intake, stop, began, clock)
            report = await (running.survey() if request.dry_run else running.bring_home())
    return report


@asynccontextmanager
async def _locked(
    config: Config,
    run_id: str,
    state_folder: Path,
    clock: Clock,
    pace: Pace,
    others: OtherClocks,
) -> AsyncIterator[Archive]:
    """The archive, locked, after completing interrupted removals."""
    owner = f"run {run_id}"
    locked = locked_archive(
        config, owner=owner, state_folder=state_folder, clock=clock, pace=pace, others=others
    )
    async with locked as archive:
        with suppress(ArchiverError):  # a removal that fails must not prevent archiving
            await finish_acts(archive, clock=clock)
            await finish_removals(archive, clock=clock, act=run_id)
        yield archive


@dataclass(slots=True)
class _Run:
    """The parts of a planned run."""

    origin: Source
    intake: Intake
    stop: anyio.Event
    began: float
    clock: Clock
    grace: Grace = field(default_factory=Grace)
    diary: Diary = field(default_factory=Diary)

    async def survey(self) -> RunReport:
        """List what would be done, and change nothing."""
        surveyor = Surveyor(self.origin.liner, self.clock)
        recorder = self._recorder(self._claims())
        workers = self.intake.config.download.workers
        done = await self._pipeline(surveyor.bring, recorder, couriers=workers)
        return await close_survey(self.intake, recorder, surveyor, done=done, began=self.began)

    async def bring_home(self) -> RunReport:
        """Do all the work, and report on it."""
        claims = self._claims()
        recorder = self._recorder(claims)
        archive, run_id = self.intake.archive, self.intake.run_id
        async with recovering(archive, self.clock, run_id) as recovery:
            done = await self._bring_all(claims, recovery, recorder)
            self.diary.strays = sorted(recovery.orphans.values())
            report = await close_run(
                self.intake,
                recorder,
                self.diary,
                done=done,
                began=self.began,
                clock=self.clock,
                complete=self._check_sound,
            )
            await self._follow_holds(report)
            self._settle(recovery, is_complete=report.complete)
            report.evidence = await self._attest()
            return report

    async def _bring_all(self, claims: Claims, recovery: Recovery, recorder: Recorder) -> bool:
        """Have a crew do the work; whether it was done to the end."""
        async with self._crew() as crew:
            courier = self._courier(claims, recovery, crew)
            try:
                done = await self._pipeline(courier.bring, recorder, couriers=crew.couriers)
            except ArchiverError:
                # What was archived until now belongs into the ledger; else the next run looks.
                with suppress(ArchiverError):
                    await self._tell_unfinished(courier)
                    self._settle(recovery, is_complete=False)
                    await self.intake.archive.publish()
                raise
            await self._tell_unfinished(courier)
        if crew.has_lost_any:
            with suppress(ArchiverError):
                await self.intake.archive.storage.clear_parts()
        return done

    async def _check_sound(self, report: RunReport) -> None:
        """Examine what is due, unless the run was interrupted."""
        intake = self.intake
        if report.interrupted or not intake.config.inspect.after_run:
            return
        await check_sound(
            intake.archive,
            intake.config.inspect,
            report,
            stop=self.stop,
            on_event=intake.on_event,
            clock=self.clock,
        )

    async def _attest(self) -> Mapping[str, Any] | None:
        """Have the last head of the run signed, witnessed and time-stamped; failures never fail the
        run."""
        archive, config = self.intake.archive, self.intake.config
        head = await archive.catalog.head()
        done = await attest(
            archive.storage,
            archive.archive_id,
            head,
            config.evidence,
            clock=self.clock,
            proxies=config.http.proxy,
            stop=self.stop,
        )
        return None if done is None else done.as_json()

    async def _follow_holds(self, report: RunReport) -> None:
        """Set the legal holds of the storage on what was archived under a hold."""
        archive = self.intake.archive
        followed = await follow_holds(
            archive, clock=self.clock, act=self.intake.run_id, is_over=self.stop.is_set
        )
        if followed.trouble:
            report.notes.append(f"S3 legal holds are incomplete: {followed.trouble}")
        report.head = await archive.catalog.head()

    async def _tell_unfinished(self, courier: Courier) -> None:
        """Record what units had stored before they were cancelled."""
        await courier.drain()
        catalog, run_id = self.intake.archive.catalog, self.intake.run_id
        await catalog.record(courier.unfinished, at=self.clock(), run=run_id)

    def _settle(self, recovery: Recovery, *, is_complete: bool) -> None:
        """Mark the end as clean, unless storing something was interrupted.

        Orphans that are unclaimed when everything is complete belong to no call; until then they
        may still be claimed.
        """
        if not self.grace.has_ended:
            recovery.settled(nobody_claims_orphans=is_complete and self.intake.request.is_whole)

    def _claims(self) -> Claims:
        catalog = self.intake.archive.catalog
        return Claims(catalog.known, catalog.was_erased)

    def _recorder(self, claims: Claims) -> Recorder:
        def settled(outcome: Outcome) -> None:
            self.diary.note(outcome)
            for event in events_of(outcome):
                self.intake.on_event(event)

        return Recorder(self.intake.archive, self.intake.run_id, self.clock, claims, settled)

    async def _pipeline(self, bring: Bring, recorder: Recorder, *, couriers: int) -> bool:
        return await run_pipeline(
            self.intake.produce,
            bring,
            recorder.run,
            workers=couriers,
            stop=self.stop,
            grace=self.grace,
        )

    def _crew(self) -> AbstractAsyncContextManager[Crew]:
        on_event = self.intake.on_event

        def on_bytes(count: int) -> None:
            on_event(BytesReceived(count))

        def on_retry(call_id: int | None, scheduled: RetryScheduled) -> None:
            CURRENT_CALL.set(call_id)
            on_event(scheduled)

        return crew_of(
            self.intake.config,
            self.intake.archive,
            self.intake.run_id,
            fetcher=lambda: self.origin.fetcher(on_bytes=on_bytes),
            grace=self.grace,
            clock=self.clock,
            listener=Listener(on_bytes, on_retry),
        )

    def _courier(self, claims: Claims, recovery: Recovery, crew: Crew) -> Courier:
        intake = self.intake
        return Courier(
            liner=self.origin.liner,
            crew=crew,
            shelf=Shelf(intake.archive.storage, self.clock, __version__, recovery.orphans),
            directory=intake.directory,
            registry=claims,
            grace=self.grace,
            clock=self.clock,
            recheck=intake.config.window.recheck,
            doubts=recovery.doubts,
        )
