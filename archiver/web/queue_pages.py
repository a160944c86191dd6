"""The review queue: a fair sample to listen to, and the next of it with one key."""

from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response

from archiver.desk.accounts.person import Right
from archiver.desk.journal import Act
from archiver.web.asked import asked_view
from archiver.web.chips import words_of
from archiver.web.context import Visit
from archiver.web.forms import number, number_within, token
from archiver.web.view_address import query

PLACES: Final = 200
"""Of one page."""


async def show(visit: Visit) -> Response:
    """All queues, and for leads the form for a new one."""
    view, _ = await asked_view(visit)
    may_make = visit.person.may(Right.LEAD)
    await visit.desk.cards.refresh()
    sample = await visit.desk.library.index.by_agent(view) if may_make else {}
    return visit.page(
        "queues.html",
        section="queue",
        queues=await visit.desk.queues.all(),
        address=query(view),
        selection=await words_of(visit, view) if may_make else [],
        agents=len(sample),
        recordings=sum(len(ids) for ids in sample.values()),
        is_done="done" in visit.request.query_params,
        card_trouble=visit.desk.cards.trouble if may_make else "",
    )


async def places(visit: Visit) -> Response:
    """What became of each place of a queue: who has judged it, or why it was skipped."""
    queue = await visit.desk.queues.find(visit.id("queue_id"))
    if queue is None:
        raise HTTPException(404)
    found = await visit.desk.queues.places(
        visit.person,
        queue.queue_id,
        after=number(visit.request.query_params.get("after")) or 0,
        limit=PLACES,
    )
    entries = await visit.desk.library.index.entries([place.record_id for place in found])
    known = {entry.record_id: entry for entry in entries}
    return visit.page(
        "places.html",
        section="queue",
        drawn=queue,
        places=[(place, known.get(place.record_id)) for place in found],
        is_full=len(found) == PLACES,
    )


async def take_next(visit: Visit) -> Response:
    """The next recording of a queue, or of any; back to the queues if nothing is left.

    A recording that was neither reviewed nor skipped is kept, with a message.
    """
    place = await visit.desk.queues.next(visit.person, number(visit.form.get("queue")))
    if place is None:
        return visit.go("/queue?done=1")
    kept = "&kept=1" if visit.form.get("at") == str(place.record_id) else ""
    return visit.go(f"/recordings/{place.record_id}?queue={place.queue_id}{kept}")


async def skip(visit: Visit) -> Response:
    """Leave a recording out, with the reason, and take the next one."""
    reason = visit.form.get("reason", "")
    await visit.desk.queues.skip(visit.person, _queue_id(visit), visit.id(), reason)
    return await take_next(visit)


async def put_back(visit: Visit) -> Response:
    """Release a recording, and claim the next one."""
    await visit.desk.queues.release(visit.person, _queue_id(visit), visit.id())
    return await take_next(visit)


async def make(visit: Visit) -> Response:
    """A new queue: a share of each agent's recordings in a view, drawn at random."""
    form = visit.form
    view, _ = await asked_view(visit)
    share = number_within(form, "share", "5", most=100) / 100
    least = round(number_within(form, "least", "1", most=1000))
    await visit.desk.cards.refresh()
    sample = await visit.desk.library.index.by_agent(view)
    made = await visit.desk.queues.make(
        visit.person, form.get("title", ""), sample, share=share, least=least, token=token(form)
    )
    detail = f"queue {made.queue_id}, seed {made.seed}{query(view)}"
    await visit.desk.journal.record(visit.person.name, visit.address, Act.DRAW, detail=detail)
    return visit.go("/queue")


async def close(visit: Visit) -> Response:
    """End a queue; what was judged stays."""
    queue_id = visit.id("queue_id")
    await visit.desk.queues.close(visit.person, queue_id)
    detail = f"queue {queue_id}"
    await visit.desk.journal.record(visit.person.name, visit.address, Act.CLOSE, detail=detail)
    return visit.go("/queue")


def _queue_id(visit: Visit) -> int:
    queue_id = number(visit.form.get("queue"))
    if queue_id is None:
        raise HTTPException(400)
    return queue_id
