"""Calibration: sessions, what is still to be judged, and the verdicts side by side."""

import heapq
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from starlette.responses import Response

from archiver.desk.accounts.person import LOCAL, Right, Role
from archiver.desk.index.entries import Entry
from archiver.desk.journal import Act
from archiver.desk.review.agreement import Level, agreement, alpha
from archiver.desk.review.calibration import MOST_CALLS, NOT_AGREED, Agreed, Session
from archiver.desk.review.sampling import rank
from archiver.desk.review.scorecard import Kind, Mark, Question
from archiver.desk.review.verdicts import Verdict
from archiver.errors import ChangedMeanwhile, WrongInput
from archiver.web.answers import asked, chosen, read_marks
from archiver.web.asked import asked_view
from archiver.web.chips import words_of
from archiver.web.conflicts import Difference, conflict
from archiver.web.context import Visit
from archiver.web.forms import basis, number_within, token
from archiver.web.view_address import query


@dataclass(frozen=True, slots=True)
class Compared:
    """One question of one call: the answer of each person, and whether they differ."""

    question_id: str
    text: str
    answers: list[str | None]
    comments: list[str]
    differs: bool
    choices: tuple[str, ...]
    agreed: str | None


@dataclass(frozen=True, slots=True)
class Measured:
    """How far all agree on a question, over all calls."""

    text: str
    agreement: float | None
    alpha: float | None


async def show(visit: Visit) -> Response:
    """All sessions of the person, and for a lead the form for a new one."""
    view, _ = await asked_view(visit)
    may_make = visit.person.may(Right.LEAD)
    await visit.desk.cards.refresh()
    sample = await visit.desk.library.index.by_agent(view) if may_make else {}
    return visit.page(
        "calibrations.html",
        section="quality",
        sessions=await visit.desk.calibrations.all(visit.person),
        address=query(view),
        selection=await words_of(visit, view) if may_make else [],
        recordings=sum(len(ids) for ids in sample.values()),
        people=await people_who_judge(visit) if may_make else [],
        cards=[
            (one.name, one.card.title.said(visit.say.language)) for one in visit.desk.cards.current
        ],
    )


async def make(visit: Visit) -> Response:
    """A new session: some calls of the view, drawn at random, for the people who are chosen."""
    form = visit.form
    view, _ = await asked_view(visit)
    edition = visit.desk.cards.find(form.get("card", ""))
    if edition is None:
        raise WrongInput("card", "there is no such scorecard")
    count = round(number_within(form, "calls", "5", most=MOST_CALLS))
    sample = await visit.desk.library.index.by_agent(view)
    seed = secrets.token_hex(8)
    ids = [one for group in sample.values() for one in group]
    drawn = heapq.nsmallest(count, ids, key=lambda one: (rank(one, seed), one))
    known = set(await people_who_judge(visit))
    names = sorted({name for name in form.getlist("people") if name in known})
    made = await visit.desk.calibrations.make(
        visit.person, form.get("title", ""), edition.card.digest, drawn, names, token=token(form)
    )
    detail = f"calibration {made}, seed {seed}{query(view)}"
    await visit.desk.journal.record(visit.person.name, visit.address, Act.DRAW, detail=detail)
    return visit.go(f"/calibrations/{made}")


async def one(visit: Visit) -> Response:
    """One session: what is to be judged, or all answers side by side."""
    session = await visit.desk.calibrations.find(visit.person, visit.id("calibration_id"))
    verdicts = await visit.desk.calibrations.verdicts(visit.person, session)
    entries = await visit.desk.library.index.entries(session.record_ids)
    known = {entry.record_id: entry for entry in entries}
    calls = [
        (record_id, known.get(record_id), (record_id, visit.person.name) in verdicts)
        for record_id in session.record_ids
    ]
    is_open = session.revealed_at is None
    return visit.page(
        "calibration.html",
        section="quality",
        session=session,
        people=list(session.done),
        calls=calls,
        is_mine=visit.person.name in session.done,
        compared=[] if is_open else list(_compared(visit, session, verdicts, known)),
        measured=[] if is_open else _measured(visit, session, verdicts),
        overall=None if is_open else _overall(session, verdicts),
    )


async def agree(visit: Visit) -> Response:
    """Keep the verdict that was agreed on for one call."""
    session = await visit.desk.calibrations.find(visit.person, visit.id("calibration_id"))
    marks, comment = read_marks(session.card, visit.form), visit.form.get("comment", "")
    try:
        await visit.desk.calibrations.agree(
            visit.person, session, visit.id(), marks, comment, basis=basis(visit.form)
        )
    except ChangedMeanwhile:
        return await _conflict(visit, session, marks, comment)
    return visit.go(f"/calibrations/{session.calibration_id}#call-{visit.id()}")


async def _conflict(
    visit: Visit, session: Session, marks: Mapping[str, Mark], comment: str
) -> Response:
    """Each question that the form and the saved verdict answer differently, and the comment."""
    session = await visit.desk.calibrations.find(visit.person, session.calibration_id)
    saved, language = session.agreed.get(visit.id(), NOT_AGREED), visit.say.language
    both = []
    for question in session.card.questions:
        answers = [chosen(question, each) for each in (marks, saved.marks)]
        if answers[0] != answers[1]:
            mine, there = (visit.say.named("answer", one) if one else "" for one in answers)
            both.append(Difference(question.text.said(language), mine, there))
    if comment != saved.comment:
        both.append(Difference(visit.say("card.comment"), comment, saved.comment))
    back = f"/calibrations/{session.calibration_id}#call-{visit.id()}"
    return conflict(visit, both, version=saved.version, back=back)


async def close(visit: Visit) -> Response:
    """End a session."""
    session = await visit.desk.calibrations.find(visit.person, visit.id("calibration_id"))
    await visit.desk.calibrations.close(visit.person, session.calibration_id)
    detail = f"calibration {session.calibration_id}: {session.title}"
    await visit.desk.journal.record(visit.person.name, visit.address, Act.CLOSE, detail=detail)
    return visit.go(f"/calibrations/{session.calibration_id}")


async def session_of(visit: Visit, record_id: int) -> Session | None:
    """The session that the address of a recording names, if the recording is a part of it."""
    text = visit.request.query_params.get("calibration", "")
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        return None
    found = await visit.desk.calibrations.find(visit.person, int(text))
    return found if record_id in found.record_ids else None


async def people_who_judge(visit: Visit) -> list[str]:
    """Everyone who may judge."""
    users = await visit.desk.users.look_at_all()
    names = [user.name for user in users.values() if Right.JUDGE in Role(user.role).rights]
    return sorted(names) or [LOCAL.name]


def _compared(
    visit: Visit,
    session: Session,
    verdicts: Mapping[tuple[int, str], Verdict],
    known: Mapping[int, Entry],
) -> Iterator[tuple[int, Entry | None, list[float | None], list[Compared], Agreed]]:
    """For each call: its id, what is known of it, the scores, the questions, what was agreed."""
    for record_id in session.record_ids:
        found = [verdicts.get((record_id, name)) for name in session.done]
        agreed = session.agreed.get(record_id, NOT_AGREED)
        yield (
            record_id,
            known.get(record_id),
            [each.score if each else None for each in found],
            [_question(visit, q, found, agreed.marks) for q in session.card.questions],
            agreed,
        )


def _question(
    visit: Visit,
    question: Question,
    found: list[Verdict | None],
    agreed: Mapping[str, Mark],
) -> Compared:
    answers = [chosen(question, each.marks) if each else None for each in found]
    given = [one for one in answers if one is not None]
    told = asked([question], agreed, {}, visit.say.language)[0]
    # What most said is proposed until something was agreed on.
    usual = max(dict.fromkeys(given), key=given.count) if given else None
    return Compared(
        question.question_id,
        told.text,
        answers,
        [_comment(each, question) for each in found],
        len(set(given)) > 1,
        told.answers,
        told.chosen or usual,
    )


def _comment(verdict: Verdict | None, question: Question) -> str:
    remark = verdict.remarks.get(question.question_id) if verdict else None
    return remark.comment if remark else ""


def _units(
    session: Session, verdicts: Mapping[tuple[int, str], Verdict], question: Question
) -> list[list[float]]:
    """Of each call what all said, "not applicable" being an answer of its own."""
    units = []
    for record_id in session.record_ids:
        found = [verdicts.get((record_id, name)) for name in session.done]
        marks = [one.marks[question.question_id] for one in found if one is not None]
        units.append([-1.0 if mark is None else float(mark) for mark in marks])
    return units


def _measured(
    visit: Visit, session: Session, verdicts: Mapping[tuple[int, str], Verdict]
) -> list[Measured]:
    measured = []
    for question in session.card.questions:
        units = _units(session, verdicts, question)
        applied = [[value for value in unit if value >= 0] for unit in units]
        is_named = question.kind is Kind.YES_NO
        found = alpha(units, Level.NOMINAL) if is_named else alpha(applied, Level.ORDINAL)
        text = question.text.said(visit.say.language)
        measured.append(Measured(text, agreement(units), found))
    return measured


def _overall(session: Session, verdicts: Mapping[tuple[int, str], Verdict]) -> Measured:
    """Agreement over all questions, and alpha of the scores."""
    units = [unit for q in session.card.questions for unit in _units(session, verdicts, q)]
    scores = []
    for record_id in session.record_ids:
        found = [verdicts.get((record_id, name)) for name in session.done]
        scores.append([one.score for one in found if one is not None and one.score is not None])
    return Measured("", agreement(units), alpha(scores, Level.INTERVAL))
