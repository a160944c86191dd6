"""Recordings are found by what verdicts and notes say of them, as far as the person may know."""

from pathlib import Path

import pytest

from archiver.desk.review.card_file import parse_scorecard
from archiver.desk.review.judged import Judged, judged_recordings
from archiver.desk.review.notes import Notes
from archiver.desk.review.remarks import Remark
from archiver.desk.review.verdicts import Verdicts
from tests.desk.parts import ADA, RITA, ROSS, desk_file
from tests.support.world import ManualClock

pytestmark = pytest.mark.anyio

CARD = parse_scorecard(
    "questions: [{id: hello, text: Hello, kind: yes_no, auto_fail: card},"
    " {id: tone, text: Tone, kind: scale}]",
    "card.yaml",
)


@pytest.mark.parametrize(
    ("asked", "adas", "ritas"),
    [
        (Judged(), None, None),
        (Judged(reviewers=("rita",)), [1, 2], [1, 2]),
        (Judged(reviewers=("ross",)), [2, 3], []),
        (Judged(min_score=90), [1], [1]),
        (Judged(max_score=0), [2], [2]),
        (Judged(is_failed=True), [2], [2]),
        (Judged(answers=("hello:no",)), [2], [2]),
        (Judged(answers=("tone:na",)), [3], []),
        (Judged(answers=("tone:1", "hello:yes")), [2], []),
        (Judged(answers=("tone,hello:any",)), [1, 2], [1, 2]),
        (Judged(cards=("scorecard",)), [1, 2, 3], [1, 2]),
        (Judged(cards=("other",)), [], []),
        (Judged(words="вежлив КЛИЕНТ"), [1], [1]),
        (Judged(words="late"), [3], []),
        (Judged(words="refund"), [9], [9]),
        (Judged(words="comment"), [], []),
    ],
)
async def test_what_is_asked_for_is_found(
    tmp_path: Path, asked: Judged, adas: list[int] | None, ritas: list[int] | None
) -> None:
    async with desk_file(tmp_path) as file:
        desk = Verdicts(file, ManualClock())
        comment = "Вежлив, клиент доволен"
        await desk.save(RITA, 1, CARD, {"hello": True, "tone": 5}, comment=comment, submit=True)
        await desk.save(RITA, 2, CARD, {"hello": False, "tone": 5}, submit=True)
        await desk.save(ROSS, 2, CARD, {"hello": True, "tone": 1}, submit=True)
        late = {"hello": Remark("Far too late")}
        await desk.save(ROSS, 3, CARD, {"hello": None, "tone": None}, remarks=late, submit=True)
        await desk.save(RITA, 4, CARD, {"hello": True})
        await Notes(file, ManualClock()).add(ROSS, 9, 1.0, "Asks for a Refund")
        found = [await judged_recordings(file, by, asked) for by in (ADA, RITA)]
    assert [None if one is None else list(one) for one in found] == [adas, ritas]
