"""Notes at a position and tags: what people write beside a recording while they listen."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response

from archiver.desk.accounts.person import Right
from archiver.desk.index.entries import CallEntry, Entry, Leg
from archiver.desk.index.view import State
from archiver.desk.journal import Act
from archiver.desk.review.notes import Note
from archiver.errors import ChangedMeanwhile, NoSuchThing
from archiver.web.conflicts import Difference, conflict
from archiver.web.context import Visit
from archiver.web.forms import basis, seconds, token

REMOVED: Final = frozenset({State.ERASED, State.PRUNED})
"""States of recordings whose notes were deleted, and that accept no new ones."""


@dataclass(frozen=True, slots=True)
class NoteLine:
    """A note on the timeline of its call. `at` is its place there, in seconds."""

    note: Note
    at: float
    may_change: bool
    may_remove: bool


async def add_note(visit: Visit) -> Response:
    """A note at a position."""
    entry = await recording(visit)
    position, text = seconds(visit.form.get("seconds")), visit.form.get("text", "")
    await visit.desk.notes.add(
        visit.person, entry.record_id, position, text, token=token(visit.form)
    )
    await visit.desk.queues.keep(visit.person, entry.record_id)
    return await _notes_again(visit, entry)


async def change_note(visit: Visit) -> Response:
    """Give one's own note another text."""
    entry, note_id, text = await recording(visit), visit.id("note_id"), visit.form.get("text", "")
    try:
        await visit.desk.notes.change(visit.person, note_id, text, basis=basis(visit.form))
    except ChangedMeanwhile:
        saved = await visit.desk.notes.find(note_id)
        both = [Difference(visit.say("field.text"), text, saved.text)]
        path = f"/recordings/{entry.record_id}"
        return conflict(visit, both, version=saved.version, back=path)
    return await _notes_again(visit, entry)


async def remove_note(visit: Visit) -> Response:
    """Remove a note; another person's only after confirmation."""
    entry, note_id = await recording(visit), visit.id("note_id")
    note = await visit.desk.notes.find(note_id)
    is_own = note.author == visit.person.name
    if not is_own and visit.person.may(Right.OVERSEE) and "sure" not in visit.form:
        return visit.page("remove_note.html", section="list", entry=entry, note=note)
    await visit.desk.notes.remove(visit.person, note_id)
    if not is_own:
        detail = f"note {note_id} by {note.author}"
        await visit.desk.journal.record(
            visit.person.name,
            visit.address,
            Act.REMOVE_NOTE,
            record_id=entry.record_id,
            detail=detail,
        )
    return await _notes_again(visit, entry)


async def change_tags(visit: Visit) -> Response:
    """A tag more, or one less."""
    entry, tags = await recording(visit), visit.desk.tags
    if "remove" in visit.form:
        await tags.remove(visit.person, entry.record_id, visit.form["remove"])
    else:
        await tags.add(visit.person, entry.record_id, visit.form.get("tag", ""))
    visit.desk.library.index.mark_tags(entry.record_id, await tags.of(entry.record_id))
    if not visit.is_live:
        return visit.go(f"/recordings/{entry.record_id}")
    return visit.page("tags.html", **await tags_of(visit, entry.record_id))


async def notes_of(visit: Visit, call: CallEntry) -> Mapping[str, Any]:
    """The notes of every part of the call, in the order of the call."""
    lines, person = [], visit.person
    for leg in call.legs:
        for note in await visit.desk.notes.of(leg.entry.record_id):
            is_mine = note.author == person.name and person.may(Right.JUDGE)
            may_remove = is_mine or person.may(Right.OVERSEE)
            lines.append(NoteLine(note, leg.offset + note.seconds, is_mine, may_remove))
    lines.sort(key=lambda line: (line.at, line.note.note_id))
    removed = [
        one for leg in call.legs for one in await visit.desk.notes.removed(leg.entry.record_id)
    ]
    return {"notes": lines, "removed_notes": removed}


async def tags_of(visit: Visit, record_id: int) -> Mapping[str, Any]:
    """The tags of a recording, and those that are in use."""
    return {
        "tags": await visit.desk.tags.of(record_id),
        "known_tags": [each.tag for each in await visit.desk.tags.known()],
        "record_id": record_id,
    }


async def recording(visit: Visit) -> Entry:
    """The recording in the path. NoSuchThing if it accepts no notes: the archive does not have it,
    or has removed it."""
    entry = await visit.desk.library.index.recording(visit.id())
    if entry is None or entry.state in REMOVED:
        raise NoSuchThing(f"there is no recording {visit.id()}")
    return entry


async def call_of(visit: Visit, entry: Entry) -> CallEntry:
    """The call that the recording is a part of."""
    call = await visit.desk.library.index.call(entry.call_id)
    if call is not None and any(leg.entry.record_id == entry.record_id for leg in call.legs):
        return call
    return CallEntry(entry.call_id, (Leg(entry, 0.0),), entry.seconds or 0.0)


async def _notes_again(visit: Visit, entry: Entry) -> Response:
    if not visit.is_live:
        return visit.go(f"/recordings/{entry.record_id}")
    call = await call_of(visit, entry)
    return visit.page("notes.html", entry=entry, **await notes_of(visit, call))
