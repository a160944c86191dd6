"""Remarks on single answers: a comment, a position in the recording, and a root cause (pure)."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from archiver.desk.review.scorecard import Question, Scorecard
from archiver.desk.texts import free_text
from archiver.errors import WrongAnswer, WrongInput

LONGEST_REMARK: Final = 500
_LATEST: Final = 7 * 86_400


@dataclass(frozen=True, slots=True)
class Remark:
    """A remark on one answer. `at` is a position in the recording in seconds, `cause` the id of one
    of the question's root causes; None and "" if not given."""

    comment: str = ""
    at: float | None = None
    cause: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is given."""
        return not self.comment and self.at is None and not self.cause


def check_remarks(card: Scorecard, remarks: Mapping[str, Remark]) -> dict[str, Remark]:
    """The remarks on questions of this card, as they are stored; WrongInput names the question."""
    known = {question.question_id: question for question in card.questions}
    checked = {}
    for name, remark in remarks.items():
        if name not in known:
            raise WrongAnswer(name[:40], "the scorecard has no such question", hint="reload")
        kept = _checked(known[name], remark)
        if not kept.is_empty:
            checked[name] = kept
    return checked


def dump_remarks(remarks: Mapping[str, Remark]) -> str:
    """As JSON; empty members are left out."""
    told = {}
    for name, one in remarks.items():
        members = {"comment": one.comment, "at": one.at, "cause": one.cause}
        told[name] = {key: each for key, each in members.items() if each not in ("", None)}
    return json.dumps(told, ensure_ascii=False)


def load_remarks(text: str) -> dict[str, Remark]:
    """The remarks written by `dump_remarks`."""
    return {name: Remark(**members) for name, members in json.loads(text).items()}


def _checked(question: Question, remark: Remark) -> Remark:
    at = remark.at
    if at is not None and not (math.isfinite(at) and 0 <= at <= _LATEST):
        raise WrongAnswer(question.question_id, "not a position in a recording")
    if remark.cause and remark.cause not in {one.cause_id for one in question.causes}:
        raise WrongAnswer(question.question_id, "not a cause of this question", hint="reload")
    try:
        comment = free_text(remark.comment, question.question_id, LONGEST_REMARK)
    except WrongInput as error:
        raise WrongAnswer(
            error.field, str(error), problem=error.problem, limit=error.limit, hint=error.hint
        ) from None
    return Remark(comment, None if at is None else round(at, 2), remark.cause)
