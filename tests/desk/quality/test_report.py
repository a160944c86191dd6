"""A report adds up what is there: no verdict and no second twice, each in the week of its call."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from archiver.desk.index.calls import Calls
from archiver.desk.index.columns import day_number
from archiver.desk.quality.report import Report, report_of
from archiver.desk.review.card_file import parse_scorecard
from archiver.desk.review.remarks import Remark
from archiver.desk.review.verdicts import Verdicts
from tests.desk.parts import ADA, RITA, ROSS, desk_file
from tests.support.world import ManualClock

pytestmark = pytest.mark.anyio

CARD = parse_scorecard(
    """
questions:
  - {id: hello, text: Hello, kind: yes_no, section: Start, auto_fail: card,
     causes: [{id: forgot, text: Forgot}]}
  - {id: tone, text: Tone, kind: scale, section: Talk}
""",
    "card.yaml",
)
FIRST, SECOND = date(2026, 11, 2), date(2026, 11, 9)


def calls() -> Calls:
    weeks = [day_number(one) for one in (FIRST, FIRST, SECOND, SECOND)]
    return Calls(
        record_id=np.array([1, 2, 3, 4]),
        agent=np.array([101, 101, 102, 0]),
        order=np.array([7, 7, 7, 0]),
        week=np.array(weeks),
        seconds=np.array([60, 40, 100, -1], np.float32),
        agent_talk=np.array([30, -1, 50, -1], np.float32),
        other_talk=np.array([20, -1, 40, -1], np.float32),
        silence=np.array([0.1, -1, 0.2, -1], np.float32),
        overtalk=np.array([6, -1, 10, -1], np.float32),
        direction=np.zeros(4, np.int32),
    )


async def report(tmp_path: Path) -> Report:
    async with desk_file(tmp_path) as file:
        desk = Verdicts(file, ManualClock())
        remark = {"hello": Remark(cause="forgot")}
        await desk.save(RITA, 1, CARD, {"hello": True, "tone": 5}, submit=True)
        await desk.save(
            ROSS, 1, CARD, {"hello": False, "tone": 3}, remarks=remark, submit=True, agent_id=101
        )
        await desk.save(RITA, 3, CARD, {"hello": True, "tone": None}, submit=True)
        await desk.save(RITA, 4, CARD, {"hello": True, "tone": 1})
        await desk.save(RITA, 99, CARD, {"hello": True, "tone": 1}, submit=True)
        verdicts = await desk.after(ADA, 0, 100)
    return report_of(calls(), verdicts, "en", {("agent", 101): "Anna"})


async def test_scores_are_those_of_the_submitted_verdicts_of_the_view(tmp_path: Path) -> None:
    told = await report(tmp_path)
    assert (told.verdicts, told.failed) == (3, 1)
    assert told.whole is not None
    assert told.whole.mean == pytest.approx(200 / 3)
    agents = [(one.key, one.label, one.figures.mean, one.failed) for one in told.scores["agent"]]
    assert agents == [(101, "Anna", 50, 1), (102, "", 100, 0)]
    questions = [(one.key, one.figures.count, one.failed) for one in told.scores["question"]]
    assert questions == [("hello", 3, 1), ("tone", 2, 0)]
    sections = [(one.key, one.questions) for one in told.scores["section"]]
    assert sections == [("Start", ("hello",)), ("Talk", ("tone",))]
    assert [one.key for one in told.scores["reviewer"]] == ["rita", "ross"]
    assert [one.trend for one in told.scores["order"]] == pytest.approx([50])
    assert told.causes == [("hello", "Hello", "Forgot", 1)]


async def test_coverage_counts_recordings_and_time_by_agent_and_week(tmp_path: Path) -> None:
    told = await report(tmp_path)
    assert (told.coverage.share, told.coverage.time_share) == (0.5, 0.8)
    assert [(one.key, one.reviewed, one.recordings) for one in told.by_agent] == [
        (0, 0, 1),
        (101, 1, 2),
        (102, 1, 1),
    ]
    assert told.weeks == [FIRST, SECOND]
    assert told.by_both[101, FIRST].time_share == pytest.approx(0.6)
    assert (101, SECOND) not in told.by_both


async def test_talk_is_that_of_stereo_recordings_which_were_examined(tmp_path: Path) -> None:
    anna, david = (await report(tmp_path)).talk
    assert (anna.key, anna.recordings) == (101, 1)
    shares = [anna.agent, anna.other, anna.silence, anna.overtalk]
    assert shares == pytest.approx([0.5, 1 / 3, 0.1, 0.1])
    assert david.silence == pytest.approx(0.2)


def test_of_nothing_a_report_says_nothing() -> None:
    none = np.empty(0, np.int64)
    lengths = np.empty(0, np.float32)
    empty = Calls(
        none, none, none, none, lengths, lengths, lengths, lengths, lengths, np.empty(0, np.int32)
    )
    told = report_of(empty, [], "en", {})
    assert (told.whole, told.verdicts, told.weeks, told.talk) == (None, 0, [], [])
    assert told.coverage.share == told.coverage.time_share == 0
