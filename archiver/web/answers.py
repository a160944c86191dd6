"""A scorecard as a form: its questions with their answers, and what a form says of them (pure)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from starlette.exceptions import HTTPException

from archiver.desk.review.remarks import Remark
from archiver.desk.review.scorecard import Mark, Question, Scorecard
from archiver.text.wording import clock
from archiver.web.forms import Form
from archiver.web.wording import read_clock

QUESTION: Final = "q."
COMMENT: Final = "c."
EVIDENCE: Final = "e."
CAUSE: Final = "r."
_NOT_APPLICABLE: Final = "na"
_ANSWERS: Final[Mapping[str, tuple[str, ...]]] = {
    "yes_no": ("yes", "no", _NOT_APPLICABLE),
    "scale": ("1", "2", "3", "4", "5", _NOT_APPLICABLE),
}
_NOTHING: Final = Remark()


@dataclass(frozen=True, slots=True)
class Asked:
    """One question as it stands in the form. `causes` are ids and texts; `at` is a position as
    players show it, `seconds` the same; `auto_fail` names what a failure brings to 0."""

    question_id: str
    text: str
    kind: str
    answers: tuple[str, ...]
    chosen: str | None
    help: str
    auto_fail: str
    causes: tuple[tuple[str, str], ...]
    comment: str
    at: str
    seconds: float | None
    cause: str
    cause_text: str
    is_failed: bool

    @property
    def has_remark(self) -> bool:
        """Whether something is said beside the answer."""
        return bool(self.comment or self.at or self.cause)


def sections(
    card: Scorecard, marks: Mapping[str, Mark], remarks: Mapping[str, Remark], language: str
) -> list[tuple[str, list[Asked]]]:
    """The questions under their headings, with what was answered so far."""
    return [
        (heading.said(language) if heading else "", asked(questions, marks, remarks, language))
        for heading, questions in card.sections
    ]


def asked(
    questions: Iterable[Question],
    marks: Mapping[str, Mark],
    remarks: Mapping[str, Remark],
    language: str,
) -> list[Asked]:
    """Questions with what was answered and said beside it."""
    return [_asked(q, marks, remarks.get(q.question_id, _NOTHING), language) for q in questions]


def read_marks(card: Scorecard, form: Form) -> dict[str, Mark]:
    """The answers in a form; 400 for one that its question does not have."""
    marks: dict[str, Mark] = {}
    for question in card.questions:
        answer = form.get(f"{QUESTION}{question.question_id}", "")
        if not answer:
            continue
        if answer not in _ANSWERS[question.kind]:
            raise HTTPException(400)
        if answer == _NOT_APPLICABLE:
            marks[question.question_id] = None
        else:
            marks[question.question_id] = int(answer) if answer.isdigit() else answer == "yes"
    return marks


def read_remarks(card: Scorecard, form: Form) -> dict[str, Remark]:
    """What a form says beside the answers; positions are written as players show them."""
    remarks = {}
    for question in card.questions:
        name = question.question_id
        at = form.get(f"{EVIDENCE}{name}", "").strip()
        position = read_clock(at) if at else None
        if at and position is None:
            position = float("nan")  # refused by name where remarks are checked
        remarks[name] = Remark(
            form.get(f"{COMMENT}{name}", ""), position, form.get(f"{CAUSE}{name}", "")
        )
    return remarks


def chosen(question: Question, marks: Mapping[str, Mark]) -> str | None:
    """The answer as the form has it; None where there is none."""
    if question.question_id not in marks:
        return None
    mark = marks[question.question_id]
    if mark is None:
        return _NOT_APPLICABLE
    if isinstance(mark, bool):
        return "yes" if mark else "no"
    return str(mark)


def _asked(question: Question, marks: Mapping[str, Mark], remark: Remark, language: str) -> Asked:
    causes = tuple((one.cause_id, one.text.said(language)) for one in question.causes)
    return Asked(
        question.question_id,
        question.text.said(language),
        str(question.kind),
        _ANSWERS[str(question.kind)],
        chosen(question, marks),
        question.advice.said(language) if question.advice else "",
        str(question.auto_fail or ""),
        causes,
        remark.comment,
        "" if remark.at is None else clock(remark.at),
        remark.at,
        remark.cause,
        dict(causes).get(remark.cause, ""),
        question.fails(marks.get(question.question_id)),
    )
