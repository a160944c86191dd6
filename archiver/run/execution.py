"""The work of a run: units go to a crew, their results to the ledger.

`work` is the unit, `pipeline` has many of them in progress, `recovery` handles what a killed run
left behind, `finalize` ends this one.
"""

from contextlib import AbstractAsyncContextManager, suppress
from typing import Final

import anyio
from msgspec import Struct, field

from archiver import __version__
from archiver.catalog.work import Outcome
from archiver.clock import Clock
from archiver.crew.choosing import crew_of
from archiver.crew.crew import Crew, Listener
from archiver.errors import ArchiverError
from archiver.recordings.deposit import Shelf
from archiver.run.dry_run import Surveyor
from archiver.run.enumeration import Intake
from archiver.run.events import CURRENT_CALL, BytesReceived, events_of
from archiver.run.finalize import Diary, attest_head, close_run, close_survey, set_legal_holds
from archiver.run.pipeline import Bring, Claims, Recorder, run_pipeline
from archiver.run.recovery import Recovery, recovering
from archiver.run.report import RunReport
from archiver.run.source import Source
from archiver.run.work import Courier
from archiver.tasks.grace import Grace
from archiver.tasks.retry import RetryScheduled
from archiver.tasks.turns import Turns

_LISTING: Final = 16
"""Calls whose recordings are listed while the crew is busy, so that it never waits for the API."""


class Execution(Struct):
    """A planned run; call `survey` or `archive`, once."""

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

    async def archive(self) -> RunReport:
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
            await set_legal_holds(self.intake, report, clock=self.clock, stop=self.stop)
            self._settle(recovery, is_complete=report.complete)
            report.evidence = await attest_head(self.intake, clock=self.clock, stop=self.stop)
            return report

    async def _bring_all(self, claims: Claims, recovery: Recovery, recorder: Recorder) -> bool:
        """Have a crew do the work; whether it was done to the end."""
        async with self._crew() as crew:
            courier = self._courier(claims, recovery, crew)
            try:
                couriers = crew.couriers + _LISTING
                done = await self._pipeline(courier.bring, recorder, couriers=couriers)
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

        from archiver.run.sound import check_sound

        await check_sound(
            intake.archive,
            intake.config.inspect,
            report,
            stop=self.stop,
            on_event=intake.on_event,
            clock=self.clock,
        )

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
            turns=Turns(lambda: crew.unfetched + _LISTING),
            doubts=recovery.doubts,
        )
