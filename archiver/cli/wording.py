"""The phrases and lines that more than one command shows to people (pure)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

CALL_STATES: Final = {
    "archived": "all their recordings are archived",
    "none": "no recording",
    "waiting": "a recording is expected but not available yet",
    "failed": "failed so far; later runs try again",
    "gone": "no longer available at the source",
}
NOT_ARCHIVED: Final = {
    "waiting": "listed, but without an address yet",
    "failed": "failed so far; later runs try again",
    "gone": "no longer available at the source",
}
"""The states of recordings that are not archived."""

_MOST_NAMED: Final = 5


def counted(count: int, one: str, many: str) -> str:
    """`1 call`, `1,234 calls`."""
    return f"{count:,} {one if count == 1 else many}"


def sized(count: int, one: str, many: str) -> str:
    """The same as a line of a balance, the number right-aligned."""
    return f"{count:>11,}  {one if count == 1 else many}"


def listed(things: Sequence[Any]) -> str:
    """The first few, and how many more there are."""
    rest = len(things) - _MOST_NAMED
    shown = ", ".join(map(str, things[:_MOST_NAMED]))
    return f"{shown} and {rest:,} more" if rest > 0 else shown


def who(problem: Mapping[str, Any]) -> str:
    """The call, and the recording where it is about one: `call 123 recording 456`."""
    record = problem.get("recordId")
    return f"call {problem['callId']}" + (f" recording {record}" if record is not None else "")


def sum_line(title: str, count: int) -> str:
    """The total; `part_line` has the parts."""
    return f"{title:<14}{count:>11,}  listed"


def part_line(name: str, count: int, what: str) -> str:
    """How many of one kind, and what kind that is."""
    return f"  {name:<12}{count:>11,}  {what}"


def grouped(
    problems: Sequence[Mapping[str, Any]],
) -> list[tuple[str, str, list[Mapping[str, Any]]]]:
    """State, reason and members: the problems that have both in common, most of them first."""
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for problem in problems:
        groups.setdefault((problem["state"], problem["reason"]), []).append(problem)
    found = [(state, reason, members) for (state, reason), members in groups.items()]
    return sorted(found, key=lambda group: -len(group[2]))
