"""What agents dispute, and a lead's decision on it."""

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.responses import Response

from archiver.desk.journal import Act
from archiver.desk.review.scorecard import Mark
from archiver.desk.review.verdicts import Verdict
from archiver.errors import ChangedMeanwhile
from archiver.web.answers import QUESTION, asked, read_marks
from archiver.web.conflicts import Difference, conflict
from archiver.web.context import Visit
from archiver.web.forms import basis


async def show(visit: Visit) -> Response:
    """Every open dispute, the oldest first."""
    found = await visit.desk.responses.open_disputes(visit.person)
    entries = await visit.desk.library.index.entries([one.record_id for one, _ in found])
    known = {entry.record_id: entry for entry in entries}
    lines = []
    for verdict, step in found:
        questions = [one for one in verdict.card.questions if one.question_id == step.question]
        told = asked(questions, verdict.marks, verdict.remarks, visit.say.language)
        if told:
            lines.append((verdict, step, told[0], known.get(verdict.record_id)))
    return visit.page("disputes.html", section="quality", lines=lines)


async def decide(visit: Visit) -> Response:
    """The answer as it stands from now on, and why."""
    step_id = visit.id("step_id")
    found = await visit.desk.responses.open_disputes(visit.person)
    verdict = next((one for one, step in found if step.step_id == step_id), None)
    step = next((step for _, step in found if step.step_id == step_id), None)
    if verdict is None or step is None:
        raise HTTPException(404)
    marks = read_marks(verdict.card, visit.form)
    if step.question not in marks:
        raise HTTPException(400)
    reason = visit.form.get("decision", "")
    try:
        await visit.desk.responses.decide(
            visit.person, step_id, marks[step.question], reason, basis(visit.form)
        )
    except ChangedMeanwhile:
        both = _both(visit, verdict, step.question, marks)
        return conflict(visit, both, version=verdict.version, back="/disputes")
    detail = f"{step.question}: {visit.form.get(QUESTION + step.question)}"
    await visit.desk.journal.record(
        visit.person.name, visit.address, Act.DECIDE, record_id=verdict.record_id, detail=detail
    )
    return visit.go("/disputes")


def _both(
    visit: Visit, verdict: Verdict, question_id: str, marks: Mapping[str, Mark]
) -> list[Difference]:
    """The answer in the form, and the one that stands now."""
    language = visit.say.language
    (question,) = (one for one in verdict.card.questions if one.question_id == question_id)
    mine, saved = (asked([question], some, {}, language)[0] for some in (marks, verdict.marks))
    words = [visit.say.named("answer", one.chosen) if one.chosen else "–" for one in (mine, saved)]
    return [Difference(question.text.said(language), *words)]
