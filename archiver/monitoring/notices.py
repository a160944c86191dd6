"""Which notices are sent, and when (pure).

For every failed run; for the first successful run after failed ones; and for a day without calls,
once. A run that left something open has not failed, since the next one tries again. It is reported
if something is open for longer than the lookback, or if the source has lost a recording.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from archiver.clock import stamp
from archiver.monitoring.history import Memory
from archiver.monitoring.night import OPEN, Night
from archiver.monitoring.silence import WEEKS, Silence
from archiver.monitoring.verifications import Verification
from archiver.text.measures import say_duration, say_moment


class Kind(StrEnum):
    """Why a notice is sent."""

    FAILURE = "failure"
    RECOVERY = "recovery"
    SILENCE = "silence"
    HEAD = "head"
    DAMAGE = "damage"


class Notice(Struct, frozen=True):
    """A notice. `facts` are the same for machines."""

    kind: Kind
    text: str
    facts: dict[str, Any] = field(default_factory=dict)


def trouble_of(night: Night, oldest_open: datetime | None, patience: timedelta) -> str:
    """Why this run needs a notice; empty if it does not.

    `oldest_open` is since when something is open, `patience` how long that is normal.
    """
    if night.was_interrupted:
        return ""
    if not night.came_to_its_end:
        said = f"{night.error}. {night.hint}" if night.hint else night.error
        return said or "it found damage in the archive: run `archiver verify` for details"
    if night.newly_gone:
        many = "1 recording" if night.newly_gone == 1 else f"{night.newly_gone:,} recordings"
        return f"the source lost {many} before they could be archived: see `archiver status`"
    if night.exit_code == OPEN and oldest_open and night.ended_at - oldest_open > patience:
        age = say_duration((night.ended_at - oldest_open).total_seconds())
        return f"something has been open for {age}: see `archiver status` for the next steps"
    return ""


def notices_of(
    night: Night, trouble: str, before: Memory, silence: Silence | None, zone: tzinfo
) -> Iterator[Notice]:
    """The notices of a run, given its trouble and the history before it."""
    began = say_moment(night.started_at, zone)
    facts = {
        "exitCode": night.exit_code,
        "startedAt": stamp(night.started_at),
        "endedAt": stamp(night.ended_at),
        "runId": (night.report or {}).get("runId"),
    }
    if trouble:
        which = "" if not before.failures else f" (failed run {before.failures + 1} in a row)"
        text = f"the run of {began} ended with exit code {night.exit_code}{which}: {trouble}"
        yield Notice(Kind.FAILURE, text, facts | {"failures": before.failures + 1})
    elif before.failing_since is not None and not night.was_interrupted:
        many = "1 failed run" if before.failures == 1 else f"{before.failures:,} failed runs"
        since = say_moment(before.failing_since, zone)
        text = f"the run of {began} succeeded, after {many} since {since}"
        yield Notice(Kind.RECOVERY, text, facts | {"failures": before.failures})
    if silence is not None and silence.day != before.silent_day:
        yield Notice(Kind.SILENCE, _silence(silence), facts | _silence_facts(silence))


def verify_notice(one: Verification, zone: tzinfo, *, is_replica: bool = False) -> Notice | None:
    """The notice of a verification: what it found, or why it could not be completed."""
    began = say_moment(one.started_at, zone)
    facts = {
        "exitCode": one.exit_code,
        "startedAt": stamp(one.started_at),
        "endedAt": stamp(one.ended_at),
        "scope": one.scope,
        "replica": is_replica,
    }
    what = (
        f"the verification of the replica at {began}"
        if is_replica
        else f"the verification of {began}"
    )
    command = "archiver verify --replica" if is_replica else "archiver verify"
    if one.error:
        text = f"{what} could not be completed: {one.error}"
        return Notice(Kind.FAILURE, text, facts)
    if not one.findings:
        return None
    found = ", ".join(f"{name} {count:,}" for name, count in sorted(one.findings.items()))
    text = f"{what} found {found}: run `{command}` for details"
    return Notice(Kind.DAMAGE, text, facts | {"findings": dict(one.findings)})


def head_notice(night: Night) -> Notice | None:
    """The head after the run, for the recipient as a witness."""
    fields = night.report or {}
    head = fields.get("ledgerHead")
    if head is None:
        return None
    text = f"the ledger's head after the run {fields.get('runId')} is {head}: keep this notice"
    return Notice(Kind.HEAD, text, {"runId": fields.get("runId"), "ledgerHead": head})


def _silence(silence: Silence) -> str:
    weekday = f"{silence.day:%A}"
    return (
        f"not one call on {weekday}, {silence.day.isoformat()}; the median of the {WEEKS} "
        f"{weekday}s before is {silence.usual:,.0f}. Is the source recording?"
    )


def _silence_facts(silence: Silence) -> dict[str, Any]:
    return {"day": silence.day.isoformat(), "calls": 0, "median": silence.usual}
