"""The scorecard: its questions as a form, a draft at every change, and the verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from starlette.responses import Response

from archiver.desk.accounts.person import Right
from archiver.desk.index.entries import Entry
from archiver.desk.review.attention import Attention
from archiver.desk.review.cards import Edition
from archiver.desk.review.remarks import Remark
from archiver.desk.review.responses import Step
from archiver.desk.review.scorecard import Mark, Scorecard
from archiver.desk.review.verdicts import FormerVerdict, Verdict, VerdictState
from archiver.errors import ChangedMeanwhile
from archiver.web.answers import Asked, asked, chosen, read_marks, read_remarks, sections
from archiver.web.calibration_pages import session_of
from archiver.web.conflicts import Difference, conflict
from archiver.web.context import Visit
from archiver.web.forms import basis, share
from archiver.web.notes import recording

_LONGEST_SPENT: Final = 86_400
_LONGEST_NAME: Final = 60
_NAME: Final = "scorecard"
"""The parameter of an address that names the scorecard to be shown; `card` is a filter."""
_NOTHING: Final[Mapping[str, Any]] = {
    "card": None, "sections": [], "verdict": None, "verdicts": [], "is_final": False,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """Another reviewer's verdict, and its earlier revisions, newest first: the answers that the
    next revision changed."""

    verdict: Verdict
    title: str
    answers: list[Asked]
    former: list[tuple[FormerVerdict, list[Asked]]]
    steps: Sequence[Step]
    questions: Mapping[str, str]


async def judge(visit: Visit) -> Response:
    """Answers to the scorecard: a draft, saved at every change, or the verdict."""
    entry, form = await recording(visit), visit.form
    is_submitted = form.get("act") == "submit"
    card = await _card_of_form(visit, entry)
    marks, remarks, comment = read_marks(card, form), read_remarks(card, form), form.get("comment")
    try:
        verdict = await visit.desk.verdicts.save(
            visit.person,
            entry.record_id,
            card,
            marks,
            comment=comment or "",
            remarks=remarks,
            agent_id=entry.user_id,
            submit=is_submitted,
            basis=basis(form),
            attention=Attention(
                heard=share(form.get("heard")),
                spent=round(share(form.get("spent"), most=_LONGEST_SPENT)),
            ),
        )
    except ChangedMeanwhile:
        return await _conflict(visit, entry, card, _Said(marks, remarks, comment or ""))
    if is_submitted:
        visit.desk.library.index.mark_reviewed(entry.record_id, True)
    else:
        await visit.desk.queues.keep(visit.person, entry.record_id)
    if not visit.is_live:
        return visit.go(f"/recordings/{entry.record_id}?{urlencode({_NAME: verdict.card_name})}")
    if is_submitted:
        told = await judgement(visit, entry, shown=verdict)
        return visit.page("judge.html", entry=entry, **told)
    return visit.page("draft.html", verdict=verdict, missing=card.unanswered(verdict.marks))


async def _card_of_form(visit: Visit, entry: Entry) -> Scorecard:
    """The scorecard that the form showed, which may be another one by now."""
    digest = visit.form.get("card")
    if digest:
        return await visit.desk.verdicts.card(digest)
    return (await _proposed(visit, entry)).card


@dataclass(frozen=True, slots=True)
class _Said:
    marks: Mapping[str, Mark]
    remarks: Mapping[str, Remark]
    comment: str


async def _conflict(visit: Visit, entry: Entry, card: Scorecard, mine: _Said) -> Response:
    """Each question that the form and the saved verdict answer differently, and the comment."""
    saved = await visit.desk.verdicts.mine(visit.person, entry.record_id, card)
    there = _Said(saved.marks, saved.remarks, saved.comment) if saved else _Said({}, {}, "")
    both = []
    for question in card.questions:
        words = [_words(visit, asked([question], s.marks, s.remarks, visit.say.language)[0])
                 for s in (mine, there)]  # fmt: skip
        if words[0] != words[1]:
            both.append(Difference(question.text.said(visit.say.language), words[0], words[1]))
    if mine.comment != there.comment:
        both.append(Difference(visit.say("card.comment"), mine.comment, there.comment))
    path = f"/recordings/{entry.record_id}"
    return conflict(visit, both, version=saved.version if saved else 0, back=path)


def _words(visit: Visit, one: Asked) -> str:
    answer = visit.say.named("answer", one.chosen) if one.chosen else ""
    return " · ".join(each for each in (answer, one.comment, one.at, one.cause_text) if each)


async def judgement(
    visit: Visit, entry: Entry, *, shown: Verdict | None = None
) -> Mapping[str, Any]:
    """The scorecard as this person sees it; nothing of it for those who may not judge.

    The one that the address names, or that one's own verdict is on, or that is for the recording.
    A verdict that was begun on a former version stays on it, unless the address says `anew`.
    """
    if not visit.person.may(Right.JUDGE):
        return _NOTHING
    named = visit.request.query_params.get(_NAME, "")
    found = await visit.desk.verdicts.of(visit.person, entry.record_id)
    own = sorted(
        (one for one in found if one.reviewer == visit.person.name), key=lambda one: one.changed_at
    )
    edition = await _chosen(visit, entry, shown or (own[-1] if own else None))
    of_name = [one for one in own if one.card_name == edition.name]
    is_exact = {"anew", "calibration"} & visit.request.query_params.keys()
    if is_exact and shown is None:
        of_name = [one for one in of_name if one.card == edition.card]
    mine = next((one for one in of_name if shown and one.verdict_id == shown.verdict_id), None)
    mine = mine or (of_name[-1] if of_name else None)
    others = [one for one in found if mine is None or one.verdict_id != mine.verdict_id]
    card, language = mine.card if mine else edition.card, visit.say.language
    return {
        "card": card,
        "card_title": card.title.said(language),
        "card_name": edition.name,
        "card_version": mine.card_version if mine else edition.version,
        "newest_version": edition.version,
        "cards": [(one.name, one.card.title.said(language)) for one in visit.desk.cards.current],
        "sections": sections(card, mine.marks if mine else {}, mine.remarks if mine else {},
                             language),
        "verdict": mine,
        "mine": await _told(visit, mine) if mine else None,
        "verdicts": [await _told(visit, each) for each in others],
        "unknown_card": "" if visit.desk.cards.find(named) else named[:_LONGEST_NAME],
        "missing": card.unanswered(mine.marks if mine else {}),
        "is_final": mine is not None and mine.state is VerdictState.SUBMITTED,
    }  # fmt: skip


async def _chosen(visit: Visit, entry: Entry, own: Verdict | None) -> Edition:
    await visit.desk.cards.refresh()
    session = await session_of(visit, entry.record_id)
    if session is not None:
        return Edition(session.card_name, session.card_version, session.card)
    named = visit.desk.cards.find(visit.request.query_params.get(_NAME, ""))
    if named is not None:
        return named
    kept = visit.desk.cards.find(own.card_name) if own else None
    return kept or await _proposed(visit, entry)


async def _proposed(visit: Visit, entry: Entry) -> Edition:
    tags = await visit.desk.tags.of(entry.record_id)
    return visit.desk.cards.proposed(entry.order_id, entry.direction, tags)


async def _told(visit: Visit, verdict: Verdict) -> Told:
    """A verdict as answers to the questions of its own scorecard, which may be a former one."""
    history = await visit.desk.verdicts.history(visit.person, verdict.verdict_id)
    (answered,) = await visit.desk.responses.to([verdict])
    language = visit.say.language
    questions, former = verdict.card.questions, []
    later: tuple[Mapping[str, Mark], Mapping[str, Remark]] = (verdict.marks, verdict.remarks)
    for before in history:
        changed = [
            q
            for q in questions
            if chosen(q, before.marks) != chosen(q, later[0])
            or before.remarks.get(q.question_id) != later[1].get(q.question_id)
        ]
        former.append((before, asked(changed, before.marks, before.remarks, language)))
        later = (before.marks, before.remarks)
    answers = asked(questions, verdict.marks, verdict.remarks, language)
    texts = {one.question_id: one.text.said(language) for one in questions}
    title = verdict.card.title.said(language)
    return Told(verdict, title, answers, former, answered.steps, texts)
