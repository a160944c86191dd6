"""The end of a run: cursors, its report, the last segment, legal holds, evidence, the balance."""

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import anyio
from msgspec import Struct, field

from archiver.catalog import queries
from archiver.catalog.states import RecordingState
from archiver.catalog.work import Outcome, Problem, Tally
from archiver.clock import Clock
from archiver.ledger.events import Gone, RunEnded
from archiver.reasons import Reason
from archiver.run.dry_run import Surveyor
from archiver.run.enumeration import Intake
from archiver.run.pipeline import Recorder
from archiver.run.report import MOST_PROBLEMS, RunReport
from archiver.storage.base import Body
from archiver.storage.keys import RUNS_PREFIX

_MOST_REMEMBERED = 1000
"""Details and damage kept for the report, so that a run with a million failures stays small."""


class Diary(Struct):
    """Details of a run that are not in the ledger."""

    details: dict[tuple[int, int | None], str] = field(default_factory=dict)
    damaged: list[str] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)

    def note(self, outcome: Outcome) -> None:
        """Keep what the outcome contains beyond its events."""
        for record_id, text in outcome.details:
            if len(self.details) < _MOST_REMEMBERED:
                self.details[outcome.call.id, record_id] = text
        room = _MOST_REMEMBERED - len(self.damaged)
        self.damaged += outcome.damaged[:room]


async def close_run(
    intake: Intake,
    recorder: Recorder,
    diary: Diary,
    *,
    done: bool,
    began: float,
    clock: Clock,
    complete: Callable[[RunReport], Awaitable[None]],
) -> RunReport:
    """Record the cursors, store the run's report in the archive, and return it.

    `complete` may add to the report before it is stored; everything that was archived is in the
    ledger by then. The report is stored before the event with its digest, and that event before the
    returned head is written: so the stored report contains the head before its own.
    """
    archive, run_id = intake.archive, intake.run_id
    if done and intake.listed == (intake.tally.calls + recorder.tally.calls).total():
        await archive.catalog.record(intake.cursors(), at=clock(), run=run_id)
    head = await archive.publish()
    report = await _report(intake, recorder, diary, done=done, began=began)
    report.head = head
    await complete(report)
    data = (json.dumps(report.as_stored(), indent=2) + "\n").encode("ascii")
    body = Body.of(data, "application/json")
    key = f"{RUNS_PREFIX}{run_id}.json"

    async def store() -> None:
        put = await archive.storage.put(key, body)
        ended = RunEnded(
            report_key=key,
            report_sha256=body.sha256,
            complete=report.complete,
            report_version=put.version,
            purpose=report.purpose,
        )
        await archive.catalog.record([ended], at=clock(), run=run_id)

    report.head = await archive.publish_after(store)
    return report


async def set_legal_holds(
    intake: Intake, report: RunReport, *, clock: Clock, stop: anyio.Event
) -> None:
    """Set S3 legal holds on what was archived under a hold. Failures are notes of the report."""
    archive = intake.archive
    if archive.storage.versions is not None:
        from archiver.retention.legal_holds import follow_holds

        followed = await follow_holds(archive, clock=clock, act=intake.run_id, is_over=stop.is_set)
        if followed.trouble:
            report.notes.append(f"S3 legal holds are incomplete: {followed.trouble}")
    report.head = await archive.catalog.head()


async def attest_head(
    intake: Intake, *, clock: Clock, stop: anyio.Event
) -> Mapping[str, Any] | None:
    """Have the last head of the run signed, witnessed and time-stamped, as the report has it.

    None if nothing is configured. Failures are part of the result, and never fail the run.
    """
    archive, config = intake.archive, intake.config
    if not config.evidence.is_configured:
        return None

    from archiver.evidence.attest import attest

    done = await attest(
        archive.storage,
        archive.archive_id,
        await archive.catalog.head(),
        config.evidence,
        clock=clock,
        proxies=config.http.proxy,
        stop=stop,
    )
    return None if done is None else done.as_json()


async def close_survey(
    intake: Intake, recorder: Recorder, surveyor: Surveyor, *, done: bool, began: float
) -> RunReport:
    """The report of a dry run: the estimate, and what could not be listed.

    Nothing is recorded. Open calls would be tried again, so they are no problem yet.
    """
    report = await _report(intake, recorder, Diary(), done=done, began=began)
    report.head = await intake.archive.catalog.head()
    report.problems, report.open_in_all = intake.unread_calls, len(intake.unread_calls)
    report.estimate = surveyor.estimate(
        rate=await intake.archive.catalog.ask(queries.rate),
        requests=intake.liner.requests,
        requests_per_second=intake.config.api.requests_per_second,
    )
    return report


async def _report(
    intake: Intake, recorder: Recorder, diary: Diary, *, done: bool, began: float
) -> RunReport:
    catalog = intake.archive.catalog
    tally = Tally()
    tally.add(intake.tally)
    tally.add(recorder.tally)
    problems, open_in_all = await catalog.ask(lambda db: queries.open_problems(db, MOST_PROBLEMS))
    gone = [_newly_gone(one) for one in recorder.newly_gone]
    since, until = intake.bounds
    starts = [stretch.window.since for stretch in intake.stretches]
    return RunReport(
        run_id=intake.run_id,
        purpose=intake.request.purpose,
        since=since or min(starts, default=None),
        until=until,
        tally=tally,
        listed=intake.listed,
        problems=[*intake.unread_calls, *gone, *problems],
        open_in_all=open_in_all + len(intake.unread_calls),
        newly_gone=len(gone),
        shortfalls=tuple(intake.shortfalls),
        details=diary.details,
        damaged=diary.damaged,
        strays=diary.strays[:_MOST_REMEMBERED],
        pending_summaries=await catalog.ask(queries.pending_summaries),
        gone_in_all=await catalog.ask(queries.gone),
        orders_no_longer_listed=intake.orders_no_longer_listed,
        notes=[*intake.directory.notes, *intake.liner.oddities.notes],
        requests=intake.liner.requests,
        throttled=intake.liner.throttled,
        seconds=time.monotonic() - began,
        interrupted=not done,
    )


def _newly_gone(event: Gone) -> Problem:
    reason = Reason(event.reason or Reason.SOURCE_MISSING)
    state = RecordingState.GONE
    return Problem(event.call_id, event.record_id, state, reason, attempts=0, open_since=None)
