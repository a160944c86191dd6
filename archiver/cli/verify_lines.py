"""The results of `archiver verify`: findings with their next steps, for people and as JSON."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from archiver.archive.unrecorded import Left, Unrecorded
from archiver.cli.wording import counted
from archiver.text.measures import say_duration, say_size
from archiver.verify.findings import Finding, TailCut
from archiver.verify.verify import Verified

_MOST_SHOWN = 10


def as_json(verified: Verified, *, is_stopped: bool) -> dict[str, Any]:
    """The answer of `--json`. `complete`: everything requested was checked.

    `sound` and `unrecorded` are the former names of `intact` and `unrecordedObjects`.
    """
    found, sample = verified.found, verified.sample
    intact = not found.remaining
    unrecorded = [
        {"key": one.key, "what": one.what, "detail": one.what.sentence} for one in found.unrecorded
    ]
    told: dict[str, Any] = {
        "complete": found.is_whole,
        "intact": intact,
        "sound": intact,
        "archiveId": found.archive_id,
        "head": found.head,
        "checked": {
            "segments": found.segments,
            "objects": found.checked.listed,
            "read": found.checked.read,
            "bytes": found.checked.bytes,
        },
        "findings": [one.as_json() for one in found.findings],
        "setAside": list(found.set_aside),
        "unrecordedObjects": unrecorded,
        "unrecorded": unrecorded,
        "remaining": len(found.remaining),
        "repaired": len(found.findings) - len(found.remaining),
        "seconds": round(found.seconds, 3),
    }
    if sample is not None:
        told["sample"] = {"part": sample.part + 1, "parts": sample.parts}
    if verified.proofs:
        told["proofs"] = [
            {"proof": one.kind, "text": one.text, **one.facts} for one in verified.proofs
        ]
    if verified.notes:
        told["notes"] = list(verified.notes)
    return told | ({"interrupted": True} if is_stopped else {})


def verify_lines(verified: Verified, *, head: str | None, is_stopped: bool) -> list[str]:
    """The result for people: each finding in two lines, then what it comes to.

    `head` is the digest that was given, to be found in the ledger.
    """
    found = verified.found
    lines = [line for one in found.findings for line in _finding_lines(one)]
    lines += _unrecorded_lines(found.unrecorded)
    if lines:
        lines.append("")
    checked = found.checked
    rate = say_size(checked.bytes / found.seconds) if found.seconds else "0 B"
    lines += [
        f"checked   {counted(found.segments, 'segment', 'segments')} of the ledger,"
        f" {counted(checked.listed, 'object', 'objects')} listed,"
        f" {checked.read:,} read back: {say_size(checked.bytes)}"
        f" in {say_duration(found.seconds)} ({rate}/s)",
        f"head      {found.head or 'none: the ledger is empty'}",
    ]
    if head is not None and not any(isinstance(one, TailCut) for one in found.findings):
        lines.append(f"given     {head}: found in the ledger, so nothing up to it was truncated")
    if verified.sample is not None:
        part = verified.sample
        lines.append(
            f"sample    part {part.part + 1} of {part.parts}; the next part follows next time"
        )
    lines += [f"{one.kind:<9} {one.text}" for one in verified.proofs]
    lines += [f"note      {note}" for note in verified.notes]
    return [*lines, _verdict(verified, is_stopped=is_stopped)]


def _finding_lines(one: Finding) -> list[str]:
    mark = "repaired" if one.repaired else one.name.upper()
    return [
        f"{mark:<18} {one.key}",
        f"{'':<18} expected {one.expected}; found {one.found}",
        f"{'':<18} next: {one.next}",
    ]


def _unrecorded_lines(unrecorded: Sequence[Unrecorded]) -> list[str]:
    """What was left behind, by kind: after a kill it may be much, and one answer fits all."""
    by_kind = {what: [one.key for one in unrecorded if one.what is what] for what in Left}
    lines = []
    for what, keys in by_kind.items():
        if keys:
            lines.append(f"{'UNRECORDED':<18} {counted(len(keys), 'object', 'objects')}")
            lines[-1] += f": {what.sentence}"
            lines += [f"{'':<18} {key}" for key in keys[:_MOST_SHOWN]]
            rest = len(keys) - _MOST_SHOWN
            lines += [f"{'':<18} and {rest:,} more"] if rest > 0 else []
    return lines


def _verdict(verified: Verified, *, is_stopped: bool) -> str:
    found = verified.found
    kinds = Counter(one.name for one in found.remaining)
    mended = len(found.findings) - len(found.remaining)
    parts = [f"{name} {count:,}" for name, count in sorted(kinds.items())]
    if mended:
        parts.append(f"repaired {mended:,}")
    told = ", ".join(parts)
    if is_stopped:
        return f"INTERRUPTED: not everything was checked. {told}".rstrip()
    if any(one.is_damage for one in found.remaining):
        return f"DAMAGE: {told}."
    if found.remaining:
        return f"NOT ALL COULD BE READ, but the rest is not damaged: {told}."
    if found.waits:
        said = (
            "what the ledger has is not damaged; whether the archive has the rest is unknown"
            if any(one.what is Left.ONLY_IN_REPLICA for one in found.unrecorded)
            else "nothing is damaged, but an interrupted command left objects that are not in the "
            "ledger yet"
        )
        return f"UNRECORDED: {said}; see above. {told}".rstrip()
    return f"INTACT: everything that was checked matches the ledger{f'; {told}' if told else ''}."
