"""The report of a run: the balance that accounts for every call and every recording (pure)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from archiver.catalog.states import CallState, RecordingState
from archiver.catalog.work import Problem, Tally
from archiver.clock import stamp_or_none
from archiver.errors import INTERRUPTED
from archiver.ledger.segments import Head
from archiver.liner.enumerate import Shortfall
from archiver.reasons import Reason

if TYPE_CHECKING:
    from archiver.inspection.inspect import Inspection

MOST_PROBLEMS = 1000
"""How many problems a report lists; `archiver status` lists all."""

_UNREACHABLE = "calls without an order and a lead: the API lists calls only by order or lead"


class RunReport(Struct):
    """The results of a run. The members are those of `--json`."""

    run_id: str
    since: datetime | None
    until: datetime
    purpose: str | None = None
    tally: Tally = field(default_factory=Tally)
    listed: int = 0
    problems: list[Problem] = field(default_factory=list)
    open_in_all: int = 0
    newly_gone: int = 0
    shortfalls: Sequence[Shortfall] = ()
    details: Mapping[tuple[int, int | None], str] = field(default_factory=dict)
    damaged: list[str] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)
    pending_summaries: int = 0
    gone_in_all: int = 0
    orders_no_longer_listed: Sequence[int] = ()
    notes: list[str] = field(default_factory=list)
    estimate: Mapping[str, Any] | None = None
    requests: int = 0
    throttled: int = 0
    seconds: float = 0.0
    head: Head = field(default_factory=Head)
    interrupted: bool = False
    sound: "Inspection | None" = None
    evidence: Mapping[str, Any] | None = None

    @property
    def is_balanced(self) -> bool:
        """Whether every listed call is accounted for."""
        return self.listed == self.tally.calls.total()

    @property
    def complete(self) -> bool:
        """All lists read, nothing open, nothing newly gone."""
        return (
            self.is_balanced
            and not self.interrupted
            and not self.shortfalls
            and not self.open_in_all
            and not self.newly_gone
            and not self.damaged
        )

    @property
    def exit_code(self) -> int:
        """0 complete, 3 something is open or missing, 4 damage was found, 130 interrupted."""
        if self.interrupted:
            return INTERRUPTED
        if self.damaged:
            return 4
        return 0 if self.complete else 3

    def as_json(self) -> dict[str, Any]:
        """The report as one JSON object."""
        problems = self._problems()
        report: dict[str, Any] = {
            "runId": self.run_id,
            "complete": self.complete,
            "window": {"since": stamp_or_none(self.since), "until": stamp_or_none(self.until)},
            "calls": _counts(self.listed, self.tally.calls, CallState),
            "recordings": {
                **_counts(
                    self.tally.recordings.total(),
                    self.tally.recordings,
                    ("already", *RecordingState),
                ),
                "refreshed": self.tally.refreshed,
            },
            "pendingSummaries": self.pending_summaries,
            "bytes": self.tally.bytes,
            "seconds": round(self.seconds, 3),
            "requests": self.requests,
            "throttled": self.throttled,
            "ledgerHead": self.head.digest,
            "problems": problems[:MOST_PROBLEMS],
            "unreachable": {
                "note": _UNREACHABLE,
                "ordersNoLongerListed": list(self.orders_no_longer_listed),
                "recordingsGone": self.gone_in_all,
            },
        }
        if self.open_in_all + self.newly_gone + len(self.shortfalls) > MOST_PROBLEMS:
            report["problemsCut"] = True
        if not self.is_balanced:
            report["unfinished"] = self.listed - self.tally.calls.total()
        more = {
            "purpose": self.purpose,
            "interrupted": self.interrupted,
            "unrecordedCalls": self.tally.unrecorded,
            "erasedCalls": self.tally.erased,
            "damaged": self.damaged,
            "strays": self.strays,
            "notes": self.notes,
            "estimate": self.estimate,
            "sound": None if self.sound is None else self.sound.as_json(),
            "evidence": self.evidence,
        }
        return report | {name: value for name, value in more.items() if value}

    def as_stored(self) -> dict[str, Any]:
        """The report as the archive keeps it: of the sound check its numbers alone. The ledger and
        the sidecars name the recordings, and there they are erased with the person."""
        told = self.as_json()
        if "sound" in told:
            sound = told["sound"].items()
            told["sound"] = {name: one for name, one in sound if not isinstance(one, list)}
        return told

    def _problems(self) -> list[dict[str, Any]]:
        return [_shortfall(one) for one in self.shortfalls] + [
            self._problem(one) for one in self.problems
        ]

    def _problem(self, problem: Problem) -> dict[str, Any]:
        reason = Reason(problem.reason)
        detail = self.details.get((problem.call_id, problem.record_id))
        return {
            "callId": problem.call_id,
            "recordId": problem.record_id,
            "state": problem.state,
            "reason": reason.value,
            "detail": detail or reason.sentence,
            "retryable": reason.retryable and problem.state != RecordingState.GONE,
            "attempts": problem.attempts,
            "openSince": stamp_or_none(problem.open_since),
        }


def _counts(listed: int, counts: Mapping[str, int], names: Any) -> dict[str, int]:
    return {"listed": listed, **{str(name): counts.get(name, 0) for name in names}}


def _shortfall(shortfall: Shortfall) -> dict[str, Any]:
    return {
        "callId": None,
        "recordId": None,
        "state": RecordingState.FAILED.value,
        "reason": Reason.CALLS_NOT_LISTED.value,
        "detail": shortfall.error,
        "retryable": shortfall.retryable,
        "scopes": [f"{scope.kind} {scope.id}" for scope in shortfall.scopes],
        "window": {
            "since": stamp_or_none(shortfall.window.since),
            "until": stamp_or_none(shortfall.window.until),
        },
    }
