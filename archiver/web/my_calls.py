"""What an agent sees: own calls that were reviewed, the verdict, and how to respond to it.

Everything else is not there: 404 for any other recording, as for one that does not exist.
"""

from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response

from archiver.desk.index.entries import CallEntry, Entry, Leg
from archiver.desk.journal import Act
from archiver.desk.review.responses import Answered
from archiver.web import audio
from archiver.web.answers import sections
from archiver.web.context import Visit
from archiver.web.forms import basis, number, token
from archiver.web.player_page import SPEEDS, leg_data

_SOUND_PATH: Final = "my/recordings"


async def show(visit: Visit) -> Response:
    """The list, the newest verdict first."""
    found = await visit.desk.responses.own(visit.person)
    ids = [one.verdict.record_id for one in found]
    entries = {one.record_id: one for one in await visit.desk.library.index.entries(ids)}
    lines = [(one, entries.get(one.verdict.record_id)) for one in found]
    return visit.page("my_calls.html", section="my", lines=lines)


async def call(visit: Visit) -> Response:
    """One call: its sound and every verdict on it."""
    entry, found = await _own(visit)
    language = visit.say.language
    return visit.page(
        "my_call.html",
        section="player",
        entry=entry,
        call=CallEntry(entry.call_id, (Leg(entry, 0.0),), entry.seconds or 0.0),
        sound_path=_SOUND_PATH,
        may_take_away=False,
        queue=None,
        address="",
        numbers={entry.record_id: 1},
        legs=[{**leg_data(visit, Leg(entry, 0.0), _SOUND_PATH), "notes": ""}],
        speeds=SPEEDS,
        leg_offset=0.0,
        redacted=await visit.desk.redactions.plans(visit.person, [entry.record_id]),
        verdicts=[
            (
                one,
                one.verdict.card.title.said(language),
                sections(one.verdict.card, one.verdict.marks, one.verdict.remarks, language),
                {q.question_id: q.text.said(language) for q in one.verdict.card.questions},
            )
            for one in found
        ],
    )


async def listen(visit: Visit) -> Response:
    """The sound of an own call."""
    await _own(visit)
    return await audio.listen(visit)


async def shape(visit: Visit) -> Response:
    """The waveform of an own call."""
    await _own(visit)
    return await audio.shape(visit)


async def acknowledge(visit: Visit) -> Response:
    """The agent has read the verdict."""
    entry, _ = await _own(visit)
    form = visit.form
    await visit.desk.responses.acknowledge(
        visit.person, _verdict_id(visit), basis(form), token(form)
    )
    await _log(visit, Act.ACKNOWLEDGE, entry)
    return visit.go(f"/my/recordings/{entry.record_id}")


async def dispute(visit: Visit) -> Response:
    """The agent disputes one answer, with a reason."""
    entry, _ = await _own(visit)
    form = visit.form
    question = form.get("question", "")
    await visit.desk.responses.dispute(
        visit.person, _verdict_id(visit), question, form.get("reason", ""), basis(form), token(form)
    )
    await _log(visit, Act.DISPUTE, entry, question)
    return visit.go(f"/my/recordings/{entry.record_id}")


async def _own(visit: Visit) -> tuple[Entry, list[Answered]]:
    found = await visit.desk.responses.own(visit.person, visit.id())
    entry = await visit.desk.library.index.recording(visit.id())
    if not found or entry is None:
        raise HTTPException(404)
    return entry, found


async def _log(visit: Visit, act: Act, entry: Entry, detail: str = "") -> None:
    await visit.desk.journal.record(
        visit.person.name, visit.address, act, record_id=entry.record_id, detail=detail
    )


def _verdict_id(visit: Visit) -> int:
    verdict_id = number(visit.form.get("verdict"))
    if verdict_id is None:
        raise HTTPException(400)
    return verdict_id
