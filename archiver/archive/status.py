"""The status of an archive, as `archiver status` prints it, read without a lock.

It comes from ledger and catalog, without requests to the API and without reading recordings (that
is `verify`). They have no names; these come from a few sidecars (`names.py`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias

from archiver.archive.failed_runs import FailedRuns
from archiver.archive.names import ArchivedNames, archived_names
from archiver.archive.opening import watched_archive
from archiver.catalog.inspections import SoundCheck, take_sound_check
from archiver.catalog.overview import (
    CallFacts,
    GoneItem,
    OpenItem,
    Overview,
    PastRun,
    Period,
    Sums,
    UnrecordedCall,
    take_stock,
)
from archiver.catalog.states import CallState, RecordingState
from archiver.clock import Clock, stamp, stamp_or_none, system_clock
from archiver.config import Config
from archiver.ledger.segments import Head
from archiver.reasons import Reason, next_step

_Row: TypeAlias = dict[str, Any]

KEYS: Final[Mapping[str, str]] = {"day": "day", "order": "orderId", "agent": "userId"}
"""The tables of calls, and the member that identifies the day, order or agent."""

NAMES: Final[Mapping[str, str]] = {"order": "orderTitle", "agent": "userName"}
"""The member with the name of the order or agent, as in a sidecar; null if unknown."""

_LOOKED_AT_AGAIN: Final = "a later run checks it again"
_SETTLED: Final = (
    "ask the operator of the source why; `archiver run --call ID --recheck` checks it again"
)


_MOST_QUIET_DAYS: Final = 3653
"""Ten years: a call whose clock was wrong by decades must not produce a list of every day since."""


@dataclass(frozen=True, slots=True)
class Status:
    """The balance of the archive and everything that needs attention, at one moment."""

    archive_id: str
    at: datetime
    period: Period
    overview: Overview
    sound: SoundCheck
    names: ArchivedNames
    head: Head
    remembered: FailedRuns | None = None

    @property
    def exit_code(self) -> int:
        """3 while anything of the period is open, else 0.

        Without a period it is also 3 if the last run failed or was not complete, since what it did
        not check is unknown.
        """
        runs = self.overview.runs
        is_incomplete = bool(runs) and not runs[0].complete
        is_unseen = self.period.is_all_time and (is_incomplete or self.failed is not None)
        return 3 if self.overview.open or is_unseen else 0

    @property
    def failed(self) -> FailedRuns | None:
        """The runs that failed since the last one that left its report in the archive."""
        failed, runs = self.remembered, self.overview.runs
        is_over = failed and runs and runs[0].ended_at and runs[0].ended_at > failed.ended_at
        return None if is_over else failed

    @property
    def days_without_calls(self) -> list[date]:
        """The days without any call between the first and the last with calls, of ten years."""
        known = sorted(day for day in self.overview.by_day if day is not None)
        if not known:
            return []
        span = min((known[-1] - known[0]).days, _MOST_QUIET_DAYS)
        days = (known[-1] - timedelta(days=ago) for ago in range(span, 0, -1))
        return sorted(set(days) - set(known))

    def as_json(self) -> dict[str, Any]:
        """Everything as one JSON object, nothing cut."""
        found, period = self.overview, self.period
        unrecorded = [_unrecorded(item) for item in found.unrecorded]
        return {
            "archiveId": self.archive_id,
            "at": stamp(self.at),
            "window": {"since": stamp_or_none(period.since), "until": stamp_or_none(period.until)},
            "open": len(found.open),
            "calls": _calls(found.in_all),
            "recordings": {
                "listed": found.recordings.total(),
                **{state.value: found.recordings[state] for state in RecordingState},
            },
            "bytes": found.bytes,
            "pendingSummaries": found.pending_summaries,
            "removed": dict(found.removed),
            "removing": found.removing,
            "holds": found.holds,
            "oldestCall": stamp_or_none(found.oldest),
            "newestCall": stamp_or_none(found.newest),
            "by": {by: list(self.table(by)) for by in KEYS},
            "problems": [self._problem(item) for item in found.open],
            "unrecordedCalls": unrecorded,
            "shouldHaveOne": unrecorded,
            "gone": [_gone(item) for item in found.gone],
            "sound": _sound(self.sound),
            "runs": [_run(one) for one in found.runs],
            "failedRuns": None if self.failed is None else _failed(self.failed),
            "daysWithoutCalls": [day.isoformat() for day in self.days_without_calls],
            "ledgerHead": self.head.digest,
        }

    def table(self, by: str) -> Iterator[_Row]:
        """The calls by `day`, `order` or `agent`, in order, the unknown one last."""
        tables: Mapping[str, Mapping[Any, Sums]] = {
            "day": self.overview.by_day,
            "order": self.overview.by_order,
            "agent": self.overview.by_agent,
        }
        for key, sums in sorted(tables[by].items(), key=lambda item: (item[0] is None, item[0])):
            which = key.isoformat() if isinstance(key, date) else key
            yield {KEYS[by]: which, **self._name(by, key), **_calls(sums)}

    def _name(self, by: str, key: Any) -> _Row:
        if by == "day":
            return {}
        names = self.names.orders if by == "order" else self.names.agents
        return {NAMES[by]: names.get(key)}

    def _problem(self, item: OpenItem) -> _Row:
        reason = _REASONS.get(item.reason)
        age = None if item.open_since is None else int((self.at - item.open_since).total_seconds())
        return {
            **_facts(item.call),
            "recordId": item.record_id,
            "state": item.state,
            "reason": item.reason,
            "detail": item.reason if reason is None else reason.sentence,
            "retryable": reason is None or reason.retryable,
            "attempts": item.attempts,
            "openSince": stamp_or_none(item.open_since),
            "ageSeconds": age,
            "nextStep": next_step(item.state, reason),
        }


async def look(
    config: Config,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    state_folder: Path,
    failed: FailedRuns | None = None,
    clock: Clock = system_clock,
) -> Status:
    """The status for calls created in `[since, until)`, even during a run.

    `failed` are the runs in this machine's history that failed since the last successful one.
    Raises NoArchive if there is none, ArchiveDamaged if its ledger is damaged.
    """
    period = Period(config.window.timezone, since, until)
    async with watched_archive(config, state_folder=state_folder) as archive:
        found = await archive.catalog.ask(partial(take_stock, period=period))
        sound = await archive.catalog.ask(take_sound_check)
        names = await archived_names(archive)
        head = await archive.catalog.head()
        return Status(archive.archive_id, clock(), period, found, sound, names, head, failed)


_REASONS: Final[Mapping[str, Reason]] = {reason.value: reason for reason in Reason}
"""Reasons of a later version are shown unchanged."""


def _calls(sums: Sums) -> dict[str, int]:
    """`shouldHaveOne` is the former name of `unrecordedCalls`, to be removed in version 0.3."""
    states = {state.value: sums.calls[state] for state in CallState}
    unrecorded = {"shouldHaveOne": sums.unrecorded, "unrecordedCalls": sums.unrecorded}
    return {"listed": sums.calls.total(), **states, **unrecorded}


def _sound(check: SoundCheck) -> _Row:
    """For the whole archive, regardless of the period."""
    return {
        "examined": check.examined,
        "notExamined": check.not_examined,
        "undecoded": check.undecoded,
        "whyUndecoded": check.why_undecoded,
        "findings": dict(check.findings),
        "found": [
            {"recordId": record_id, "callId": call_id, "findings": [*findings]}
            for record_id, call_id, findings in check.found
        ],
    }


def _facts(call: CallFacts) -> _Row:
    return {
        "callId": call.call_id,
        "leadId": call.lead_id,
        "orderId": call.order_id,
        "userId": call.user_id,
        "createdAt": stamp_or_none(call.created_at),
    }


def _unrecorded(item: UnrecordedCall) -> _Row:
    return {
        **_facts(item.call),
        "talkSeconds": item.talk_seconds,
        "dueAt": stamp_or_none(item.due_at),
        "nextStep": _SETTLED if item.due_at is None else _LOOKED_AT_AGAIN,
    }


def _gone(item: GoneItem) -> _Row:
    return {
        **_facts(item.call),
        "recordId": item.record_id,
        "missingDays": list(item.missing_days),
        "reason": item.reason,
        "nextStep": next_step(RecordingState.GONE, None),
    }


def _failed(runs: FailedRuns) -> _Row:
    return {
        "count": runs.count,
        "since": stamp(runs.since),
        "lastEndedAt": stamp(runs.ended_at),
        "exitCode": runs.exit_code,
    }


def _run(one: PastRun) -> _Row:
    return {
        "runId": one.run_id,
        "endedAt": stamp(one.ended_at),
        "complete": one.complete,
        "report": one.report_key,
    }
