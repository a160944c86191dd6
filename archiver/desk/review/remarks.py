"""What a reviewer says beside one answer: a comment, where it is to be heard, and why (pure)."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from archiver.desk.review.scorecard import Question, Scorecard
from archiver.desk.texts import free_text
from archiver.errors import WrongInput

LONGEST_REMARK: Final = 500
_LATEST: Final = 7 * 86_400


@dataclass(frozen=True, slots=True)
class Remark:
    """Beside one answer. `at` is a position in the recording in seconds, `cause` the id of a cause
    that the question offers; "" and None where nothing is said."""

    comment: str = ""
    at: float | None = None
    cause: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing."""
        return not self.comment and self.at is None and not self.cause


def check_remarks(card: Scorecard, remarks: Mapping[str, Remark]) -> dict[str, Remark]:
    """What is said of questions of this card, as it is kept; WrongInput names the question."""
    known = {question.question_id: question for question in card.questions}
    checked = {}
    for name, remark in remarks.items():
        if name not in known:
            raise WrongInput(name[:40], "the scorecard has no such question", hint="reload")
        kept = _checked(known[name], remark)
        if not kept.is_empty:
            checked[name] = kept
    return checked


def dump_remarks(remarks: Mapping[str, Remark]) -> str:
    """As JSON; a member says nothing where it is missing."""
    told = {}
    for name, one in remarks.items():
        members = {"comment": one.comment, "at": one.at, "cause": one.cause}
        told[name] = {key: each for key, each in members.items() if each not in ("", None)}
    return json.dumps(told, ensure_ascii=False)


def load_remarks(text: str) -> dict[str, Remark]:
    """What `dump_remarks` wrote."""
    return {name: Remark(**members) for name, members in json.loads(text).items()}


def _checked(question: Question, remark: Remark) -> Remark:
    at = remark.at
    if at is not None and not (math.isfinite(at) and 0 <= at <= _LATEST):
        raise WrongInput(question.question_id, "not a position in a recording")
    if remark.cause and remark.cause not in {one.cause_id for one in question.causes}:
        raise WrongInput(question.question_id, "not a cause of this question", hint="reload")
    comment = free_text(remark.comment, question.question_id, LONGEST_REMARK)
    return Remark(comment, None if at is None else round(at, 2), remark.cause)
