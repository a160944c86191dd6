"""Redactions on the page of a recording: marked, approved and removed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from archiver.desk.accounts.person import Right
from archiver.desk.index.entries import CallEntry, Entry
from archiver.desk.journal import Act
from archiver.desk.review.redactions import Redaction
from archiver.sound.spans import SIDES, Side, Span
from archiver.web.context import Visit
from archiver.web.forms import position, token
from archiver.web.notes import call_of, recording


@dataclass(frozen=True, slots=True)
class RedactionLine:
    """A redaction on the timeline of its call. `at` is its beginning there, in seconds."""

    redaction: Redaction
    at: float
    may_approve: bool
    may_remove: bool


async def mark(visit: Visit) -> Response:
    """Mark a span of the recording."""
    entry, fields = await recording(visit), visit.form
    asked = fields.get("side", "both")
    side: Side = next((one for one in SIDES if one == asked), "both")
    span = Span(position(fields, "start"), position(fields, "end"), side)
    await visit.desk.redactions.mark(
        visit.person,
        entry.record_id,
        span,
        fields.get("why", ""),
        length=entry.seconds,
        token=token(fields),
    )
    await _log(visit, entry, f"marked {span.start:g} to {span.end:g} s, {span.side}")
    return await _again(visit, entry)


async def approve(visit: Visit) -> Response:
    """Approve another user's span."""
    entry = await recording(visit)
    done = await visit.desk.redactions.approve(visit.person, visit.id("redaction_id"))
    await _log(visit, entry, f"approved {done.span.start:g} to {done.span.end:g} s")
    return await _again(visit, entry)


async def remove(visit: Visit) -> Response:
    """Remove a marked span."""
    entry = await recording(visit)
    done = await visit.desk.redactions.remove(visit.person, visit.id("redaction_id"))
    await _log(visit, entry, f"removed {done.span.start:g} to {done.span.end:g} s")
    return await _again(visit, entry)


async def redactions_of(visit: Visit, call: CallEntry) -> Mapping[str, Any]:
    """The redactions of every part of the call, in the order of the call."""
    person, offsets = visit.person, {leg.entry.record_id: leg.offset for leg in call.legs}
    found = await visit.desk.redactions.of(list(offsets))
    needs_approval = visit.desk.redactions.needs_approval
    lines = [
        RedactionLine(
            one,
            offsets[one.record_id] + one.span.start,
            needs_approval
            and one.approved_by is None
            and person.may(Right.OVERSEE)
            and one.marked_by != person.name,
            person.may(Right.OVERSEE) or (one.marked_by == person.name and one.approved_by is None),
        )
        for one in found
    ]
    lines.sort(key=lambda line: line.at)
    redacted = await visit.desk.redactions.plans(person, list(offsets))
    told = {"redactions": lines, "redacted": redacted, "redaction_sides": SIDES}
    return {**told, "needs_approval": needs_approval}


async def _log(visit: Visit, entry: Entry, what: str) -> None:
    await visit.desk.journal.record(
        visit.person.name, visit.address, Act.REDACT, record_id=entry.record_id, detail=what
    )


async def _again(visit: Visit, entry: Entry) -> Response:
    if not visit.is_live:
        return visit.go(f"/recordings/{entry.record_id}")
    call = await call_of(visit, entry)
    return visit.page("redactions.html", entry=entry, **await redactions_of(visit, call))
