"""One recording within its call: the player, its details, and notes, tags and scorecard."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.responses import Response

from archiver.desk.accounts.person import Right
from archiver.desk.index.entries import CallEntry, Entry, Leg
from archiver.desk.index.view import State
from archiver.desk.review.calibration import Session
from archiver.desk.review.playlists import Playlist
from archiver.desk.review.queue import Queue
from archiver.desk.waveform import LONG_SECONDS
from archiver.tasks.lanes import answers_to
from archiver.web.asked import asked_view
from archiver.web.calibration_pages import session_of
from archiver.web.context import Visit
from archiver.web.excerpt import marked
from archiver.web.forms import number
from archiver.web.judging import judgement
from archiver.web.notes import REMOVED, call_of, notes_of, tags_of
from archiver.web.redacting import redactions_of
from archiver.web.view_address import changed, query

SPEEDS: Final = (0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.5, 3)


async def show(visit: Visit) -> Response:
    """The page of a recording, in the view that the reader came from."""
    entry = await visit.desk.library.index.recording(visit.id())
    if entry is None:
        return visit.page(
            "unknown.html",
            404,
            section="list",
            progress=visit.desk.library.progress,
            record_id=visit.id(),
        )
    call = await call_of(visit, entry)
    view, _ = await asked_view(visit)
    view = changed(view)
    is_removed = entry.state in REMOVED
    told = await answers_to(
        {
            "queue": partial(_queue, visit),
            "playlists": partial(_playlists, visit),
            "calibration": partial(_calibration, visit, entry),
            "neighbours": partial(visit.desk.library.index.neighbours, view, entry.record_id),
            "notes": partial(notes_of, visit, call),
            "redactions": partial(redactions_of, visit, call),
            "tags": partial(tags_of, visit, entry.record_id),
            "judgement": partial(judgement, visit, entry),
        }
    )
    return visit.page(
        "player.html",
        section="removed" if is_removed else "player",
        is_removed=is_removed,
        entry=entry,
        call=call,
        legs=[leg_data(visit, leg) for leg in call.legs],
        numbers={leg.entry.record_id: n for n, leg in enumerate(call.legs, 1)},
        speeds=SPEEDS,
        queue=told["queue"],
        playlists=told["playlists"],
        calibration=told["calibration"],
        is_kept="kept" in visit.request.query_params,
        view=view,
        address=query(view),
        neighbours=told["neighbours"],
        summaries=_summaries(call, view.text),
        progress=visit.desk.library.progress,
        may_take_away=visit.person.may(Right.TAKE_AWAY),
        **told["notes"],
        **told["redactions"],
        **told["tags"],
        leg_offset=next(
            (leg.offset for leg in call.legs if leg.entry.record_id == entry.record_id), 0.0
        ),
        **told["judgement"],
    )


async def of_call(visit: Visit) -> Response:
    """A call by its id: the first of its recordings."""
    call = await visit.desk.library.index.call(visit.id("call_id"))
    if call is None or not call.legs:
        raise HTTPException(404)
    return visit.go(f"/recordings/{call.legs[0].entry.record_id}")


def leg_data(visit: Visit, leg: Leg, sound_path: str = "recordings") -> Mapping[str, Any]:
    """The data of one part of the call for the player's script."""
    record_id, seconds = leg.entry.record_id, leg.entry.seconds or 0
    path = f"{visit.desk.base}/{sound_path}/{record_id}"
    return {
        "id": record_id,
        "offset": leg.offset,
        "seconds": seconds,
        "plays": leg.entry.state is State.ARCHIVED,
        "audio": f"{path}/audio",
        "peaks": f"{path}/peaks",
        "sketch": f"{path}/peaks?sketch" if seconds > LONG_SECONDS else "",
        "notes": f"{path}/notes",
    }


async def _calibration(visit: Visit, entry: Entry) -> Session | None:
    """The calibration that the recording was opened from, as the address says."""
    return await session_of(visit, entry.record_id) if visit.person.may(Right.JUDGE) else None


async def _playlists(visit: Visit) -> Sequence[Playlist] | None:
    """The playlists that a moment of it can be added to."""
    return await visit.desk.playlists.all() if visit.person.may(Right.JUDGE) else None


async def _queue(visit: Visit) -> Queue | None:
    """The queue that the recording was taken from, according to the address."""
    queue_id = number(visit.request.query_params.get("queue"))
    if queue_id is None or not visit.person.may(Right.JUDGE):
        return None
    return await visit.desk.queues.find(queue_id)


def _summaries(call: CallEntry, search: str) -> list[tuple[Entry, list[tuple[str, bool]]]]:
    return [
        (leg.entry, marked(leg.entry.summary, search)) for leg in call.legs if leg.entry.summary
    ]
