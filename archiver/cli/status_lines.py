"""How an archive stands, for people, from exactly the object that `--json` prints (pure)."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any, Final, TypeAlias

from archiver.cli.sound_lines import sound_lines
from archiver.cli.wording import (
    CALL_STATES,
    NOT_ARCHIVED,
    counted,
    grouped,
    part_line,
    sum_line,
    who,
)
from archiver.text.measures import say_duration, say_moment, say_size

Told: TypeAlias = Mapping[str, Any]

_CALLS: Final = {
    name: CALL_STATES.get(name, "of these: with talk time, so a recording is missing")
    for name in ("archived", "none", "unrecordedCalls", "waiting", "failed", "gone")
}
_RECORDINGS: Final = {"archived": "archived", **NOT_ARCHIVED}
_NAMES: Final = {"unrecordedCalls": "unrecorded"}
_COLUMNS: Final = ("listed", "archived", "none", "waiting", "failed", "gone", "unrecordedCalls")
_TABLES: Final = {
    "day": ("Day", "day", "earlier days"),
    "order": ("Order", "orderId", "orders with fewer calls"),
    "agent": ("Agent", "userId", "agents with fewer calls"),
}
"""The title of each table, the member that identifies the row, and what is left out."""
_FIRST_COLUMN: Final = 19
"""Characters; the last of them is blank."""
_MOST_DAYS: Final = 14
_MOST_ROWS: Final = 10
_MOST_UNRECORDED: Final = 5
_MOST_NAMED: Final = 5
_LONGEST_NAMES: Final = 80


def status_lines(told: Told, zone: tzinfo, *, by: str | None = None) -> list[str]:
    """The sums, the tables (`by` names one, which is then shown in full), and all that is open."""
    return [
        *_head(told, zone),
        *_sums(told),
        *_tables(told, by),
        *_open(told["problems"]),
        *_unrecorded(told, zone),
        *_gone(told["gone"]),
        *_sound(told["sound"]),
        *_quiet(told["daysWithoutCalls"]),
        *_runs(told["runs"], zone),
        *_failed(told["failedRuns"], zone),
        *_verified(told["lastVerify"], "the archive", "archiver verify", zone),
        *_verified(told["lastReplicaVerify"], "the replica", "archiver verify --replica", zone),
        *_end(told),
    ]


def _head(told: Told, zone: tzinfo) -> list[str]:
    lines = [f"Archive {told['archiveId']}, {_moment(told['at'], zone)}"]
    since, until = told["window"]["since"], told["window"]["until"]
    if since or until:
        bounds = [f"from {_moment(since, zone)}"] if since else []
        bounds += [f"before {_moment(until, zone)}"] if until else []
        lines.append(f"Only calls {' and '.join(bounds)}")
    if told["oldestCall"]:
        oldest, newest = _moment(told["oldestCall"], zone), _moment(told["newestCall"], zone)
        lines.append(f"The oldest call is from {oldest}, the newest from {newest}")
    return [*lines, ""]


def _sums(told: Told) -> list[str]:
    calls, recordings = told["calls"], told["recordings"]
    lines = [sum_line("Calls", calls["listed"]), *_parts(calls, _CALLS)]
    lines += ["", sum_line("Recordings", recordings["listed"])]
    lines += _parts(recordings, _RECORDINGS)
    if pending := told["pendingSummaries"]:
        lines.append(
            part_line("summaries", pending, "not available yet; checked again by later runs")
        )
    lines += [
        part_line("removed", count, f"for {why}; never fetched again")
        for why, count in told["removed"].items()
    ]
    if removing := told["removing"]:
        lines.append(
            part_line("removing", removing, "removal interrupted; the next one completes it")
        )
    held = counted(told["holds"], "legal hold", "legal holds")
    kept = f", {held} in force" if told["holds"] else ""
    return [*lines, "", f"{say_size(told['bytes'])} of audio{kept}"]


def _parts(counts: Mapping[str, int], kinds: Mapping[str, str]) -> list[str]:
    return [
        part_line(_NAMES.get(name, name), counts[name], what)
        for name, what in kinds.items()
        if counts[name]
    ]


def _tables(told: Told, by: str | None) -> list[str]:
    lines: list[str] = []
    for name in _TABLES if by is None else (by,):
        if rows := told["by"][name]:
            lines += ["", *(_short(name, rows) if by is None else _table(name, rows))]
    return lines


def _short(name: str, rows: Sequence[Told]) -> Iterator[str]:
    """The newest days; the orders and agents with the most calls."""
    if name == "day":
        shown = rows[-_MOST_DAYS:]
    else:
        shown = sorted(rows, key=lambda row: -row["listed"])[:_MOST_ROWS]
    yield from _table(name, shown)
    if rest := len(rows) - len(shown):
        yield f"  and {rest:,} {_TABLES[name][2]}: list them with `archiver status --by {name}`"


def _table(name: str, rows: Sequence[Told]) -> Iterator[str]:
    title, key, _ = _TABLES[name]
    yield _line(title, [_NAMES.get(name, name) for name in _COLUMNS])
    for row in rows:
        yield _line(_which(row, key), [f"{row[name]:,}" if row[name] else "-" for name in _COLUMNS])


def _which(row: Told, key: str) -> str:
    """The day, or the id with as much of the name as there is room for."""
    if row[key] is None:
        return "unknown"
    name = row.get("orderTitle") or row.get("userName") or ""
    which = f"{row[key]} {name}".rstrip()
    return which if len(which) < _FIRST_COLUMN else which[: _FIRST_COLUMN - 2] + "…"


def _line(first: str, cells: Sequence[str]) -> str:
    return f"{first:<{_FIRST_COLUMN}}" + "".join(f"{cell:>11}" for cell in cells)


def _open(problems: Sequence[Told]) -> list[str]:
    """What is open by state and reason: how old, how often tried, which calls, and the next
    step."""
    lines = ["", f"{len(problems):,} open"] if problems else []
    for state, _, members in grouped(problems):
        ages = [one["ageSeconds"] for one in members if one["ageSeconds"] is not None]
        attempts = max(one["attempts"] for one in members)
        tried = counted(attempts, "attempt", "attempts")
        since = f"for {say_duration(max(ages))}, " if ages else ""
        lines.append(f"  {len(members):,} {state}: {members[0]['detail']}")
        lines.append(f"    {_named(members)}")
        lines.append(f"    open {since}{tried}" + (" at most" if len(members) > 1 else ""))
        lines.append(f"    next: {members[0]['nextStep']}")
    return lines


def _unrecorded(told: Told, zone: tzinfo) -> list[str]:
    calls: Sequence[Told] = told["unrecordedCalls"]
    if not calls:
        return []
    who_has = counted(len(calls), "call is unrecorded", "calls are unrecorded")
    lines = ["", f"{who_has}: talk time, but no recording listed by the API"]
    for call in calls[:_MOST_UNRECORDED]:
        when = f" of {_moment(call['createdAt'], zone)}" if call["createdAt"] else ""
        lines.append(
            f"  call {call['callId']}{when}, order {_known(told, 'order', call['orderId'])}, "
            f"agent {_known(told, 'agent', call['userId'])}: {say_duration(call['talkSeconds'])}"
        )
    if (rest := len(calls) - _MOST_UNRECORDED) > 0:
        lines.append(f"  and {rest:,} more: `archiver status --json` lists all")
    steps: dict[str, int] = {}
    for call in calls:
        steps[call["nextStep"]] = steps.get(call["nextStep"], 0) + 1
    return [*lines, *(f"  next for {count:,}: {step}" for step, count in steps.items())]


def _gone(gone: Sequence[Told]) -> list[str]:
    if not gone:
        return []
    said = counted(len(gone), "recording is gone", "recordings are gone")
    return ["", f"{said} from the source", f"  {_named(gone)}", f"  next: {gone[0]['nextStep']}"]


def _sound(sound: Told) -> list[str]:
    lines = sound_lines(sound)
    if left := sound["notExamined"]:
        recordings = counted(left, "recording", "recordings")
        lines += [] if lines else ["", "Sound check"]
        lines.append(f"  {recordings} not examined yet: the next run or `archiver inspect` does")
    return lines


def _runs(runs: Sequence[Told], zone: tzinfo) -> list[str]:
    if not runs:
        return []
    return ["", "Last runs"] + [
        f"  {_moment(one['endedAt'], zone)}  {_verdict(one):<12}  {one['report']}" for one in runs
    ]


def _failed(failed: Told | None, zone: tzinfo) -> list[str]:
    if failed is None:
        return []
    said = counted(failed["count"], "run has failed", "runs have failed")
    since, last = _moment(failed["since"], zone), _moment(failed["lastEndedAt"], zone)
    return [
        "",
        f"{said} since {since}; the last ended {last} with exit code {failed['exitCode']}",
        "  next: check its output, or run `archiver doctor`",
    ]


def _verified(told: Told | None, what: str, command: str, zone: tzinfo) -> list[str]:
    """What the last verification found, or why it has no result; nothing if all was well."""
    if told is None or not (told["findings"] or told["error"]):
        return []
    said = f"The last verification of {what}, {_moment(told['startedAt'], zone)}"
    if told["error"]:
        return ["", f"{said}, could not be completed: {told['error']}", f"  next: run `{command}`"]
    found = ", ".join(f"{name} {count:,}" for name, count in sorted(told["findings"].items()))
    return ["", f"{said}, found {found}", f"  next: run `{command}` for details and the next steps"]


def _quiet(days: Sequence[str]) -> list[str]:
    """The newest days without any call between days with calls."""
    if not days:
        return []
    said = counted(len(days), "day", "days")
    shown = ", ".join(days[-_MOST_NAMED:])
    rest = len(days) - _MOST_NAMED
    more = f" and {rest:,} more before" if rest > 0 else ""
    return ["", f"{said} without calls between days with calls", f"  {shown}{more}"]


def _verdict(run: Told) -> str:
    return "complete" if run["complete"] else "NOT COMPLETE"


def _end(told: Told) -> list[str]:
    lines = [""]
    if told["ledgerHead"]:
        lines.append(f"Ledger head  {told['ledgerHead']}")
    if told["open"]:
        verdict = "OPEN: see above for what is waiting or failed, and the next steps."
    elif told["window"]["since"] or told["window"]["until"]:
        verdict = "NOTHING OPEN in this period."
    elif told["failedRuns"]:
        runs = "run" if told["failedRuns"]["count"] == 1 else "runs"
        verdict = f"NOTHING KNOWN TO BE OPEN, but the last {runs} failed: nothing new was archived."
    elif told["runs"] and not told["runs"][0]["complete"]:
        verdict = "NOTHING OPEN, but the last run was not complete: see its report."
    elif any(one and one["findings"] for one in (told["lastVerify"], told["lastReplicaVerify"])):
        verdict = "NOTHING OPEN, but the last verification has findings: see above."
    elif not told["calls"]["listed"]:
        verdict = "NOTHING OPEN: the archive has no calls yet."
    else:
        verdict = "NOTHING OPEN: every known call and recording is accounted for."
    return [*lines, verdict]


def _named(members: Sequence[Told]) -> str:
    """As many as fit on one line, at least one, and how many more there are."""
    shown = who(members[0])
    for count, one in enumerate(members[1:_MOST_NAMED], start=1):
        longer = f"{shown}, {who(one)}"
        if len(longer) > _LONGEST_NAMES:
            return f"{shown} and {len(members) - count:,} more"
        shown = longer
    rest = len(members) - _MOST_NAMED
    return f"{shown} and {rest:,} more" if rest > 0 else shown


def _known(told: Told, by: str, one: int | None) -> str:
    """The id with its name in brackets, if the tables have one."""
    if one is None:
        return "unknown"
    key, name = {"order": ("orderId", "orderTitle"), "agent": ("userId", "userName")}[by]
    names = (row.get(name) for row in told["by"][by] if row[key] == one)
    called = next(names, None)
    return f"{one} ({called})" if called else str(one)


def _moment(stamped: str, zone: tzinfo) -> str:
    return say_moment(datetime.fromisoformat(stamped), zone)
