"""The view that a request asks for, with what the desk's own file says of verdicts and notes."""

from dataclasses import replace

from archiver.desk.accounts.person import Person
from archiver.desk.index.view import View
from archiver.desk.review.judged import Judged, judged_recordings
from archiver.web.context import Visit
from archiver.web.desk import Desk
from archiver.web.view_address import read_view


async def asked_view(visit: Visit) -> tuple[View, list[str]]:
    """The view of the address, ready to be asked of the index, and what made no sense in it."""
    view, senseless = read_view(visit.request.query_params)
    return await resolved(visit.desk, visit.person, view), senseless


async def resolved(desk: Desk, person: Person, view: View) -> View:
    """The view with the recordings whose verdicts and notes fit, as far as the person may know."""
    judged = Judged(
        reviewers=view.reviewers,
        cards=view.cards,
        min_score=view.min_score,
        max_score=view.max_score,
        is_failed=view.is_failed,
        is_played=view.is_played,
        answers=view.answers,
        words=view.words,
    )
    ids = await judged_recordings(desk.file, person, judged)
    return replace(
        view,
        among=None if ids is None else tuple(ids),
        agent_channel=desk.config.desk.agent_channel,
    )
