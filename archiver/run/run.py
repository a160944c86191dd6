"""A run: everything new since the last one, and a statement that nothing is missing.

This module only puts the parts together; each says for itself what it does: `plan` and `intake`
what is asked for, `courier` the unit of work, `pipeline` how they run side by side, `ending` what
remains of it.
"""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import anyio

from archiver import __version__
from archiver.archive.archive import Archive, empty_archive, locked_archive, watched_archive
from archiver.archive.pace import REAL_PACE, Pace
from archiver.catalog.work import Outcome, Task
from archiver.clock import Clock, system_clock
from archiver.config import Config
from archiver.errors import ArchiverError, NoArchive, RequestError
from archiver.liner.client import LinerClient
from archiver.liner.models import Order
from archiver.liner.names import Directory
from archiver.recordings.deposit import Shelf
from archiver.retention.acts import name_of_act
from archiver.retention.removal import finish_removals
from archiver.run.dry_run import Surveyor
from archiver.run.enumeration import Intake
from archiver.run.events import (
    CURRENT_CALL,
    BytesReceived,
    CallDone,
    NotArchived,
    OnEvent,
    RunStarted,
)
from archiver.run.finalize import Diary, close_run, close_survey
from archiver.run.pipeline import Bring, Claims, Recorder, run_pipeline
from archiver.run.recovery import find_orphans, find_untold_reports
from archiver.run.report import RunReport
from archiver.run.source import Source, source, spool_on_the_way_to
from archiver.run.windows import RunRequest
from archiver.run.work import Courier, Registry
from archiver.tasks.grace import Grace
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
    """Do one run and account for it. None when `stop` came before there was anything to report.

    `stop` ends it early and in order; its report then says `interrupted`. Catalogs lie in
    `state_folder` unless the configuration names another place. Raises an ArchiverError when the
    run as a whole cannot go on; what was archived until then is recorded.
    """
    began = time.monotonic()
    now = clock()
    run_id = name_of_act(now)
    report: RunReport | None = None
    on_event(RunStarted(run_id))
    connections = config.download.workers + _CONNECTIONS_BESIDE_WORKERS
    reached = source(config, connections=connections, pace=pace, on_retry=on_event)
    async with cancelled_by(stop) as disarm, reached as origin:
        orders = await _orders(origin.liner, config, request)
        directory = Directory(origin.liner)
        await directory.load(orders)
        async with _archive(config, request, run_id, state_folder, clock, pace) as archive:
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
            report = await _work(origin, intake, stop=stop, began=began, clock=clock)
    return report


async def _orders(liner: LinerClient, config: Config, request: RunRequest) -> list[Order]:
    """The orders that the API lists. A run that does not go by them can do without."""
    try:
        return await liner.orders()
    except RequestError:
        if request.names_scopes or config.scope.leads or config.scope.orders:
            return []
        raise


async def _work(
    origin: Source, intake: Intake, *, stop: anyio.Event, began: float, clock: Clock
) -> RunReport:
    archive = intake.archive
    claims = Claims(archive.catalog.known, archive.catalog.was_erased)
    diary, grace = Diary(), Grace()
    recorder = _recorder(intake, claims, diary, clock)
    if intake.request.dry_run:
        surveyor = Surveyor(origin.liner, clock)
        done = await _pipeline(intake, surveyor.bring, recorder, stop, grace)
        return await close_survey(intake, recorder, surveyor, done=done, began=began)
    lock = archive.lock
    orphans = await _look_for_what_was_left(archive, clock) if lock.found_left else {}
    courier = _courier(origin, intake, claims, grace, orphans, clock, doubts=lock.found_left)
    lock.leave = True  # until the end turns out to be in order
    try:
        done = await _pipeline(intake, _named(courier.bring), recorder, stop, grace)
    except ArchiverError:
        lock.leave = bool(orphans)
        # What was archived until now belongs into the ledger; the next run would see to it, too.
        with suppress(ArchiverError):
            await archive.catalog.record(courier.unfinished, at=clock(), run=intake.run_id)
            await archive.publish()
        raise
    await archive.catalog.record(courier.unfinished, at=clock(), run=intake.run_id)
    diary.strays = sorted(orphans.values())
    report = await close_run(intake, recorder, diary, done=done, began=began, clock=clock)
    # What nobody has claimed when all is complete is nobody's; until then it may be claimed yet.
    is_settled = report.complete and intake.request.is_whole
    lock.leave = grace.has_ended or (bool(orphans) and not is_settled)
    return report


async def _look_for_what_was_left(archive: Archive, clock: Clock) -> dict[int, str]:
    """After an end that was out of order: the recordings that nothing tells of, by id.

    Reports that nothing tells of are told here.
    """
    for report in await find_untold_reports(archive.storage, archive.catalog):
        await archive.catalog.record([report.event], at=clock(), run=report.run_id)
    return await find_orphans(archive.storage, archive.catalog)


def _recorder(intake: Intake, claims: Claims, diary: Diary, clock: Clock) -> Recorder:
    def settled(outcome: Outcome) -> None:
        diary.note(outcome)
        intake.on_event(CallDone(outcome.judged.state))
        for event in _not_archived(outcome):
            intake.on_event(event)

    return Recorder(intake.archive, intake.run_id, clock, claims, settled)


def _not_archived(outcome: Outcome) -> Iterator[NotArchived]:
    """What of a call is not as it should be: its recordings, or the call where it has none."""
    judged, details = outcome.judged, dict(outcome.details)
    for one in judged.open:
        detail = details.get(one.record_id, "")
        yield NotArchived(judged.call_id, one.record_id, one.state, one.reason, detail)
    if judged.reason is not None and not judged.open:
        detail = details.get(None, "")
        yield NotArchived(judged.call_id, None, judged.state, judged.reason, detail)


def _named(bring: Bring) -> Bring:
    """The same unit of work; whoever listens to its events can tell which call they are about."""

    async def named(task: Task) -> Outcome:
        CURRENT_CALL.set(task.call.id)
        return await bring(task)

    return named


async def _pipeline(
    intake: Intake, bring: Bring, recorder: Recorder, stop: anyio.Event, grace: Grace
) -> bool:
    return await run_pipeline(
        intake.produce,
        bring,
        recorder.run,
        workers=intake.config.download.workers,
        stop=stop,
        grace=grace,
    )


def _courier(
    origin: Source,
    intake: Intake,
    registry: Registry,
    grace: Grace,
    orphans: dict[int, str],
    clock: Clock,
    *,
    doubts: bool,
) -> Courier:
    config, on_event = intake.config, intake.on_event
    return Courier(
        liner=origin.liner,
        fetcher=origin.fetcher(on_bytes=lambda count: on_event(BytesReceived(count))),
        shelf=Shelf(intake.archive.storage, clock, __version__, orphans),
        directory=intake.directory,
        registry=registry,
        spool=spool_on_the_way_to(intake.archive.storage, config),
        grace=grace,
        clock=clock,
        recheck=config.window.recheck,
        doubts=doubts,
    )


@asynccontextmanager
async def _archive(
    config: Config,
    request: RunRequest,
    run_id: str,
    state_folder: Path,
    clock: Clock,
    pace: Pace,
) -> AsyncIterator[Archive]:
    if request.dry_run:
        async with AsyncExitStack() as stack:
            watched = watched_archive(config, state_folder=state_folder)
            try:
                archive = await stack.enter_async_context(watched)
            except NoArchive:
                archive = await stack.enter_async_context(empty_archive())
            yield archive
        return
    owner = f"run {run_id}"
    async with locked_archive(
        config, owner=owner, state_folder=state_folder, clock=clock, pace=pace
    ) as archive:
        with suppress(ArchiverError):  # what cannot be removed yet is no reason to archive nothing
            await finish_removals(archive, clock=clock, act=run_id)
        yield archive
