"""The scorecard: its questions as a form, a draft at every change, and the verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.responses import Response

from archiver.desk.accounts.person import Right
from archiver.desk.index.entries import Entry
from archiver.desk.review.scorecard import Mark, Question, Scorecard
from archiver.desk.review.verdicts import FormerVerdict, Verdict, VerdictState
from archiver.errors import ChangedMeanwhile
from archiver.web.conflicts import Difference, conflict
from archiver.web.context import Visit
from archiver.web.forms import Form, basis
from archiver.web.notes import recording

_QUESTION: Final = "q."
_NOT_APPLICABLE: Final = "na"
_ANSWERS: Final[Mapping[str, tuple[str, ...]]] = {
    "yes_no": ("yes", "no", _NOT_APPLICABLE),
    "scale": ("1", "2", "3", "4", "5", _NOT_APPLICABLE),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One question as it stands in the form."""

    question_id: str
    text: str
    kind: str
    answers: tuple[str, ...]
    chosen: str | None


@dataclass(frozen=True, slots=True)
class Told:
    """Another reviewer's verdict, and its earlier revisions, newest first: the answers that the
    next revision changed."""

    verdict: Verdict
    answers: list[Asked]
    former: list[tuple[FormerVerdict, list[Asked]]]


async def judge(visit: Visit) -> Response:
    """Answers to the scorecard: a draft, saved at every change, or the verdict."""
    entry, form = await recording(visit), visit.form
    is_submitted = form.get("act") == "submit"
    marks, comment = read_marks(visit.desk.card, form), form.get("comment", "")
    try:
        verdict = await visit.desk.verdicts.save(
            visit.person,
            entry.record_id,
            marks,
            comment=comment,
            agent_id=entry.user_id,
            submit=is_submitted,
            basis=basis(form),
        )
    except ChangedMeanwhile:
        return await _conflict(visit, entry, marks, comment)
    if is_submitted:
        visit.desk.library.index.mark_reviewed(entry.record_id, True)
    else:
        await visit.desk.queues.keep(visit.person, entry.record_id)
    if not visit.is_live:
        return visit.go(f"/recordings/{entry.record_id}")
    if is_submitted:
        return visit.page("judge.html", entry=entry, **await judgement(visit, entry))
    return visit.page("draft.html", verdict=verdict, missing=_missing(visit.desk.card, verdict))


async def _conflict(
    visit: Visit, entry: Entry, marks: Mapping[str, Mark], comment: str
) -> Response:
    """Each question that the form and the saved verdict answer differently, and the comment."""
    saved = await visit.desk.verdicts.mine(visit.person, entry.record_id)
    kept = saved.marks if saved else {}
    both = [
        Difference(question.text.said(visit.say.language), *answers)
        for question in visit.desk.card.questions
        if len(set(answers := _words(visit, question, (marks, kept)))) > 1
    ]
    former = saved.comment if saved else ""
    if comment != former:
        both.append(Difference(visit.say("card.comment"), comment, former))
    path = f"/recordings/{entry.record_id}"
    return conflict(visit, both, version=saved.version if saved else 0, back=path)


def _words(
    visit: Visit, question: Question, both: tuple[Mapping[str, Mark], Mapping[str, Mark]]
) -> tuple[str, str]:
    chosen = (_asked(question, marks, visit.say.language).chosen for marks in both)
    mine, saved = (visit.say.named("answer", one) if one else "" for one in chosen)
    return mine, saved


async def judgement(visit: Visit, entry: Entry) -> Mapping[str, Any]:
    """The scorecard as this person sees it; nothing of it for those who may not judge."""
    if not visit.person.may(Right.JUDGE):
        return {"card": None, "sections": [], "verdict": None, "verdicts": [], "is_final": False}
    mine = await visit.desk.verdicts.mine(visit.person, entry.record_id)
    all_ = await visit.desk.verdicts.of(visit.person, entry.record_id)
    others = [each for each in all_ if mine is None or each.verdict_id != mine.verdict_id]
    card, language = visit.desk.card, visit.say.language
    return {
        "card": card,
        "card_title": card.title.said(language),
        "sections": sections(card, mine.marks if mine else {}, language),
        "verdict": mine,
        "verdicts": [
            told(each, await visit.desk.verdicts.history(visit.person, each.verdict_id), language)
            for each in others
        ],
        "missing": _missing(card, mine),
        "is_final": mine is not None and mine.state is VerdictState.SUBMITTED,
    }


def sections(
    card: Scorecard, marks: Mapping[str, Mark], language: str
) -> list[tuple[str, list[Asked]]]:
    """The questions under their headings, with what was answered so far."""
    return [
        (heading.said(language) if heading else "", [_asked(q, marks, language) for q in questions])
        for heading, questions in card.sections
    ]


def told(verdict: Verdict, history: Sequence[FormerVerdict], language: str) -> Told:
    """A verdict as answers to the questions of its own scorecard, which may be a former one."""
    questions, later, former = verdict.card.questions, verdict.marks, []
    for before in history:
        changed = [q for q in questions if before.marks[q.question_id] != later[q.question_id]]
        former.append((before, [_asked(q, before.marks, language) for q in changed]))
        later = before.marks
    return Told(verdict, [_asked(q, verdict.marks, language) for q in questions], former)


def read_marks(card: Scorecard, form: Form) -> dict[str, Mark]:
    """The answers in a form; 400 for one that its question does not have."""
    marks: dict[str, Mark] = {}
    for question in card.questions:
        answer = form.get(f"{_QUESTION}{question.question_id}", "")
        if not answer:
            continue
        if answer not in _ANSWERS[question.kind]:
            raise HTTPException(400)
        if answer == _NOT_APPLICABLE:
            marks[question.question_id] = None
        else:
            marks[question.question_id] = int(answer) if answer.isdigit() else answer == "yes"
    return marks


def _asked(question: Question, marks: Mapping[str, Mark], language: str) -> Asked:
    chosen: str | None = None
    if question.question_id in marks:
        mark = marks[question.question_id]
        if mark is None:
            chosen = _NOT_APPLICABLE
        elif isinstance(mark, bool):
            chosen = "yes" if mark else "no"
        else:
            chosen = str(mark)
    kind = str(question.kind)
    text = question.text.said(language)
    return Asked(question.question_id, text, kind, _ANSWERS[kind], chosen)


def _missing(card: Scorecard, verdict: Verdict | None) -> int:
    return len(card.unanswered(verdict.marks if verdict else {}))
