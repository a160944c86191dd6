"""The balance of a run for people, from exactly the object that `--json` prints (pure)."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any, Final, TypeAlias

from archiver.cli.sound_lines import sound_lines
from archiver.cli.wording import (
    CALL_STATES,
    NOT_ARCHIVED,
    counted,
    grouped,
    listed,
    part_line,
    sum_line,
    who,
)
from archiver.reasons import Reason, next_step
from archiver.text.measures import say_duration, say_moment, say_size

Report: TypeAlias = Mapping[str, Any]

_RECORDING_STATES: Final = {
    "archived": "fetched, verified and stored by this run",
    "already": "archived before this run",
    **NOT_ARCHIVED,
}
_ESTIMATED: Final[Mapping[str, Callable[[Any], str]]] = {
    "calls": lambda count: counted(count, "call", "calls") + " whose recordings would be listed",
    "recordings": lambda count: counted(count, "recording", "recordings") + " to be fetched",
    "bytes": lambda size: f"about {say_size(size)}",
    "requests": lambda count: counted(count, "API request", "API requests"),
    "seconds": lambda seconds: f"about {say_duration(seconds)}",
}


def balance_lines(report: Report, zone: tzinfo) -> list[str]:
    """What was listed, its final state, what is open and why, and the next steps."""
    return [
        *_head(report, zone),
        *_counts(report),
        *_open(report.get("problems", ()), cut=bool(report.get("problemsCut"))),
        *sound_lines(report.get("sound")),
        *_beyond(report),
        *_end(report),
    ]


def _head(report: Report, zone: tzinfo) -> list[str]:
    window = report["window"]
    until = say_moment(datetime.fromisoformat(window["until"]), zone)
    if window["since"] is None:
        period = f"Calls since the last run (or window.since) up to {until}"
    else:
        since = say_moment(datetime.fromisoformat(window["since"]), zone)
        period = f"Calls from {since} up to {until}"
    return [f"Run {report['runId']}", period, ""]


def _counts(report: Report) -> list[str]:
    if "estimate" in report:
        return _estimate(report["estimate"], report["calls"]["listed"])
    size, seconds = report["bytes"], report["seconds"]
    rate = f" ({say_size(size / seconds)}/s)" if seconds > 0 and size else ""
    lines = [
        *_calls(report),
        "",
        *_table("Recordings", report["recordings"], _RECORDING_STATES),
    ]
    if refreshed := report["recordings"]["refreshed"]:
        lines.append(part_line("refreshed", refreshed, "of these: the sidecar was updated"))
    if pending := report["pendingSummaries"]:
        lines.append(
            part_line("summaries", pending, "not available yet; checked again by later runs")
        )
    return [*lines, "", f"{say_size(size)} in {say_duration(seconds)}{rate}"]


def _calls(report: Report) -> list[str]:
    """The calls by state, and details of those without recordings.

    An erased call has nothing in the archive: it counts as `none`.
    """
    erased = report.get("erasedCalls", 0)
    states = CALL_STATES | ({"none": "no recording, or it was erased"} if erased else {})
    lines = _table("Calls", report["calls"], states, unfinished=report.get("unfinished", 0))
    said = {
        "unrecorded": "of these: with talk time; listed by `archiver status`",
        "erased": "of these: skipped, the person was erased",
    }
    counts = {name: report.get(f"{name}Calls", 0) for name in said}
    return lines + [part_line(name, count, said[name]) for name, count in counts.items() if count]


def _table(
    title: str, counts: Mapping[str, int], states: Mapping[str, str], *, unfinished: int = 0
) -> list[str]:
    lines = [sum_line(title, counts["listed"])]
    lines += [part_line(name, counts[name], what) for name, what in states.items() if counts[name]]
    if unfinished:
        lines.append(
            part_line("unprocessed", unfinished, "listed, but not processed before the run ended")
        )
    return lines


def _estimate(estimate: Mapping[str, Any], calls_listed: int) -> list[str]:
    """The estimate of a dry run; unknown figures are left out.

    A run lists the same calls, and requests only those that are new or due.
    """
    known = {name: estimate[name] for name in _ESTIMATED if estimate.get(name) is not None}
    listed = counted(calls_listed, "call", "calls")
    return [
        f"A run would list {listed}. Estimate:",
        *(f"  {_ESTIMATED[name](known[name])}" for name in known),
    ]


def _open(problems: Sequence[Report], *, cut: bool) -> list[str]:
    """The problems by state and reason, each with its next step and the first few ids."""
    if not problems:
        return []
    more = ", and more: `archiver status` lists them all" if cut else ""
    lines = ["", f"{counted(len(problems), 'problem', 'problems')}{more}"]
    for state, word, members in grouped(problems):
        reason = Reason(word)
        lines.append(f"  {len(members):,} {state}: {reason.sentence}")
        lines.append(f"    {listed([_who(each) for each in members])}")
        detail = members[0].get("detail")
        if detail and detail != reason.sentence:
            lines.append(f"    the first: {detail}")
        lines.append(f"    next: {next_step(state, reason)}")
    return lines


def _who(problem: Report) -> str:
    if problem.get("callId") is None:
        return listed(problem.get("scopes", ["a list of calls"]))
    return who(problem)


def _beyond(report: Report) -> list[str]:
    """Damage, what the API does not offer, and notes."""
    unreachable = report.get("unreachable") or {}
    beyond = []
    if orders := unreachable.get("ordersNoLongerListed"):
        beyond.append(f"orders that the API no longer lists: {listed(orders)}")
    if gone := unreachable.get("recordingsGone"):
        beyond.append(f"{counted(gone, 'recording', 'recordings')} gone in total")
    if note := unreachable.get("note"):
        beyond.append(note)
    sections = {
        "Damage in the archive": report.get("damaged", ()),
        "Evidence is missing": (report.get("evidence") or {}).get("troubles", ()),
        "Not available through the API": beyond,
        "Notes": report.get("notes", ()),
    }
    lines: list[str] = []
    for title, said in sections.items():
        if said:
            lines += ["", title, *(f"  {line}" for line in said)]
    return lines


def _evidence(evidence: Report) -> str:
    """The signature, time stamp and witnesses of the head, in one line."""
    parts = [
        f"{word} {evidence[name]}"
        for word, name in (("signed", "signedAt"), ("time stamp of", "stampedAt"))
        if evidence[name]
    ]
    parts += [f"witnessed by {one['url']}" for one in evidence["witnesses"] if one["has"]]
    return ", ".join(parts) or "neither signed, stamped nor witnessed"


def _end(report: Report) -> list[str]:
    lines = [""]
    if report.get("ledgerHead"):
        lines.append(f"Ledger head  {report['ledgerHead']}")
    if report.get("evidence"):
        lines.append(f"{'':13}{_evidence(report['evidence'])}")
    if report.get("interrupted"):
        verdict = "INTERRUPTED: archived recordings are safe; run the same command to continue."
    elif "estimate" in report:
        verdict = "DRY RUN: nothing was changed."
        verdict += "" if report["complete"] else " See above for what could not be listed."
    elif report["complete"]:
        verdict = "COMPLETE: every listed call and recording is accounted for; nothing is open."
    elif report.get("damaged"):
        verdict = "DAMAGED: the archive does not match its ledger; see above."
    else:
        verdict = "NOT COMPLETE: see above for what is open or missing, and the next steps."
    return [*lines, verdict]
