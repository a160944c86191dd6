"""A run: everything new since the last one, and a statement that nothing is missing.

This module only puts the parts together; each says for itself what it does: `plan` and `intake`
what is asked for, `courier` the unit of work, `pipeline` how they run side by side, `ending` what
remains of it.
"""

import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import anyio

from archiver import __version__
from archiver.archive.archive import Archive, empty_archive, held_archive, watched_archive
from archiver.catalog.work import Outcome, Task
from archiver.clock import Clock, stamp, system_clock
from archiver.config import Config
from archiver.errors import ArchiverError, NoArchive, RequestError
from archiver.http.origins import OriginPolicy
from archiver.http.transport import GuardedTransport
from archiver.liner.client import LinerClient
from archiver.liner.models import Order
from archiver.liner.names import Directory
from archiver.recordings.deposit import Shelf
from archiver.recordings.fetch import Fetcher
from archiver.recordings.spool import Spool
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
from archiver.run.windows import RunRequest
from archiver.run.work import Courier, Registry
from archiver.storage.base import Storage
from archiver.tasks.failures import one_failure
from archiver.tasks.grace import Grace
from archiver.tasks.retry import RetryPolicy

USER_AGENT = f"liner-archiver/{__version__}"

FETCH_RETRY = RetryPolicy(attempts=4, first_wait=0.5, greatest_wait=10.0)
"""Of one recording within one run. What fails still comes again in the next run, so a night does
not wait minutes for a source that is down."""

_HELD_FOR_A_DISK = 1024 * 1024
"""Bytes of one recording held in memory on the way to a disk; beyond it a part file takes them,
right beside their final place."""

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
) -> RunReport | None:
    """Do one run and account for it. None when `stop` came before there was anything to report.

    `stop` ends it early and in order; its report then says `interrupted`. Catalogs lie in
    `state_folder` unless the configuration names another place. Raises an ArchiverError when the
    run as a whole cannot go on; what was archived until then is recorded.
    """
    began = time.monotonic()
    now = clock()
    run_id = f"{stamp(now).replace('-', '').replace(':', '')}-{secrets.token_hex(3)}"
    report: RunReport | None = None
    on_event(RunStarted(run_id))
    async with _stopped_by(stop) as disarm, _source(config, on_event) as source:
        orders = await _orders(source.liner, config, request)
        directory = Directory(source.liner)
        await directory.load(orders)
        async with _archive(config, request, run_id, state_folder, clock) as archive:
            disarm()
            intake = Intake(
                config=config,
                request=request,
                archive=archive,
                liner=source.liner,
                directory=directory,
                orders=[order.id for order in orders],
                run_id=run_id,
                now=now,
                on_event=on_event,
            )
            await intake.plan()
            report = await _work(source, intake, stop=stop, began=began, clock=clock)
    return report


@dataclass(frozen=True, slots=True)
class _Source:
    """Where calls and recordings come from."""

    liner: LinerClient
    transport: GuardedTransport
    policy: OriginPolicy


async def _orders(liner: LinerClient, config: Config, request: RunRequest) -> list[Order]:
    """The orders that the API lists. A run that does not go by them can do without."""
    try:
        return await liner.orders()
    except RequestError:
        if request.names_scopes or config.scope.leads or config.scope.orders:
            return []
        raise


async def _work(
    source: _Source, intake: Intake, *, stop: anyio.Event, began: float, clock: Clock
) -> RunReport:
    archive = intake.archive
    claims = Claims(archive.catalog.known, archive.catalog.was_erased)
    diary, grace = Diary(), Grace()
    recorder = _recorder(intake, claims, diary, clock)
    if intake.request.dry_run:
        surveyor = Surveyor(source.liner, clock)
        done = await _pipeline(intake, surveyor.bring, recorder, stop, grace)
        return await close_survey(intake, recorder, surveyor, done=done, began=began)
    hold = archive.hold
    orphans = await _look_for_what_was_left(archive, clock) if hold.found_left else {}
    courier = _courier(source, intake, claims, grace, orphans, clock, doubts=hold.found_left)
    hold.leave = True  # until the end turns out to be in order
    try:
        done = await _pipeline(intake, _named(courier.bring), recorder, stop, grace)
    except ArchiverError:
        hold.leave = bool(orphans)
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
    hold.leave = grace.has_ended or (bool(orphans) and not is_settled)
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
    source: _Source,
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
        liner=source.liner,
        fetcher=Fetcher(
            source.transport,
            source.policy,
            api_url=config.liner.url,
            api_key=config.liner.api_key,
            user_agent=USER_AGENT,
            max_bytes=config.download.max_bytes,
            retry=FETCH_RETRY,
            on_bytes=lambda count: on_event(BytesReceived(count)),
            on_retry=on_event,
        ),
        shelf=Shelf(intake.archive.storage, clock, __version__, orphans),
        directory=intake.directory,
        registry=registry,
        spool=_spool(config, intake.archive.storage),
        grace=grace,
        clock=clock,
        recheck=config.window.recheck,
        doubts=doubts,
    )


def _spool(config: Config, storage: Storage) -> Spool:
    """On the way to a disk little is held in memory; on the way to S3 each worker has its share."""
    if storage.spool_folder is not None:
        return Spool(storage.spool_folder, _HELD_FOR_A_DISK)
    download = config.download
    return Spool(download.spool, download.spool_memory // download.workers)


@asynccontextmanager
async def _source(config: Config, on_event: OnEvent) -> AsyncIterator[_Source]:
    policy = OriginPolicy(config.liner.url, config.download.allow_origins)
    limit = config.download.workers + _CONNECTIONS_BESIDE_WORKERS
    transport = GuardedTransport(policy, limit=limit)
    async with LinerClient(config.liner, transport, on_retry=on_event) as liner:
        yield _Source(liner, transport, policy)


@asynccontextmanager
async def _archive(
    config: Config, request: RunRequest, run_id: str, state_folder: Path, clock: Clock
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
    holder = f"run {run_id}"
    async with held_archive(
        config, holder=holder, state_folder=state_folder, clock=clock
    ) as archive:
        with suppress(ArchiverError):  # what cannot be removed yet is no reason to archive nothing
            await finish_removals(archive, clock=clock, act=run_id)
        yield archive


@asynccontextmanager
async def _stopped_by(stop: anyio.Event) -> AsyncIterator[Callable[[], None]]:
    """Cancel the body when `stop` is set, until the body says that it looks after that itself."""

    async def watch(armed: anyio.CancelScope, body: anyio.CancelScope) -> None:
        with armed:
            await stop.wait()
            body.cancel()

    with one_failure():
        async with anyio.create_task_group() as group:
            armed = anyio.CancelScope()
            group.start_soon(watch, armed, group.cancel_scope)
            yield armed.cancel
            armed.cancel()
