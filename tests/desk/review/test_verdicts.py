"""Verdicts: of each reviewer apart, with their history, by the questions that were asked."""

from pathlib import Path

import pytest

from archiver.desk.file import DeskFile
from archiver.desk.review.card_file import parse_scorecard
from archiver.desk.review.scorecard import Mark
from archiver.desk.review.verdicts import Verdicts, VerdictState
from archiver.errors import NoSuchThing, NotAllowed, WrongInput
from tests.desk.parts import ADA, LENA, RITA, ROSS, desk_file
from tests.support.world import FIRST_NIGHT, ManualClock

pytestmark = pytest.mark.anyio

TEXT = """
questions:
  - {id: hello, text: Said hello, kind: yes_no}
  - {id: tone, text: Tone, kind: scale, weight: 3}
"""
CARD = parse_scorecard(TEXT, "card.yaml")
NEXT_CARD = parse_scorecard(TEXT.replace("Tone", "Tone of voice"), "card.yaml")
GOOD: dict[str, Mark] = {"hello": True, "tone": 5}
POOR: dict[str, Mark] = {"hello": True, "tone": 1}


def verdicts(file: DeskFile, clock: ManualClock | None = None) -> Verdicts:
    return Verdicts(file, clock or ManualClock())


async def test_a_draft_may_be_unfinished_and_is_changed_in_place(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        desk = verdicts(file)
        assert await desk.mine(RITA, 456, CARD) is None
        await desk.save(RITA, 456, CARD, {"tone": 2}, comment="Hm")
        draft = await desk.save(RITA, 456, CARD, {"tone": None}, agent_id=101)
        assert draft == await desk.mine(RITA, 456, CARD)
        assert (draft.state, draft.revision, draft.score) == (VerdictState.DRAFT, 1, None)
        assert (dict(draft.marks), draft.comment) == ({"tone": None}, "")
        assert await desk.history(RITA, draft.verdict_id) == []


async def test_to_submit_every_question_has_to_be_answered(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        desk = verdicts(file)
        with pytest.raises(WrongInput) as caught:
            await desk.save(RITA, 456, CARD, {"hello": True}, submit=True)
        assert caught.value.field == "tone"
        assert await desk.mine(RITA, 456, CARD) is None
        verdict = await desk.save(RITA, 456, CARD, {"hello": True, "tone": None}, submit=True)
        assert (verdict.state, verdict.score) == (VerdictState.SUBMITTED, 100)
        assert verdict.created_at == FIRST_NIGHT


async def test_what_was_submitted_is_changed_by_submitting_again_and_its_history_is_kept(
    tmp_path: Path,
) -> None:
    clock = ManualClock()
    async with desk_file(tmp_path) as file:
        desk = verdicts(file, clock)
        first = await desk.save(RITA, 456, CARD, POOR, comment="Rude", submit=True, agent_id=101)
        clock.advance(hours=1)
        assert await desk.save(RITA, 456, CARD, POOR, comment="Rude", submit=True) == first
        with pytest.raises(NotAllowed, match="was submitted"):
            await desk.save(RITA, 456, CARD, GOOD)
        second = await desk.save(RITA, 456, CARD, GOOD, comment="I was wrong", submit=True)
        assert (second.revision, second.score, second.agent_id) == (2, 100, 101)
        (former,) = await desk.history(RITA, second.verdict_id)
        assert (former.revision, former.score, former.comment) == (1, 25, "Rude")
        assert former.changed_at == FIRST_NIGHT
        assert dict(former.marks) == POOR


async def test_reviewers_are_kept_apart_and_see_nobody_elses_verdict(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        desk = verdicts(file)
        ritas = await desk.save(RITA, 456, CARD, GOOD, submit=True)
        rosss = await desk.save(ROSS, 456, CARD, POOR, submit=True)
        assert await desk.of(RITA, 456) == [ritas]
        assert await desk.of(ROSS, 456) == [rosss]
        assert await desk.of(LENA, 456) == []
        assert await desk.of(ADA, 456) == [ritas, rosss]
        assert await desk.history(ADA, ritas.verdict_id) == []
        with pytest.raises(NoSuchThing):
            await desk.history(ROSS, ritas.verdict_id)


async def test_an_admin_sees_no_draft_of_another(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        desk = verdicts(file)
        await desk.save(RITA, 456, CARD, POOR)
        own = await desk.save(ADA, 456, CARD, GOOD)
        assert await desk.of(ADA, 456) == [own]
        assert list(await desk.reviewed()) == []
        await desk.save(RITA, 456, CARD, POOR, submit=True)
        await desk.save(ROSS, 456, CARD, POOR, submit=True)
        assert list(await desk.reviewed()) == [456]


async def test_another_scorecard_asks_anew_and_old_verdicts_keep_their_questions(
    tmp_path: Path,
) -> None:
    async with desk_file(tmp_path) as file:
        old = await verdicts(file).save(RITA, 456, CARD, GOOD, submit=True)
        desk = Verdicts(file, ManualClock())
        assert await desk.mine(RITA, 456, NEXT_CARD) is None
        new = await desk.save(RITA, 456, NEXT_CARD, POOR, submit=True)
        assert await desk.of(RITA, 456) == [old, new]
        assert [one.card for one in await desk.of(RITA, 456)] == [CARD, NEXT_CARD]
        assert await desk.cards() == [CARD, NEXT_CARD]


async def test_a_listener_judges_nothing(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        with pytest.raises(NotAllowed):
            await verdicts(file).save(LENA, 456, CARD, GOOD, submit=True)


async def test_what_is_no_answer_is_refused_and_nothing_is_kept(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        desk = verdicts(file)
        for marks in ({"tone": 9}, {"other": True}, {"hello": "yes"}):
            with pytest.raises(WrongInput):
                await desk.save(RITA, 456, CARD, marks)
        with pytest.raises(WrongInput, match="longer than 4,000"):
            await desk.save(RITA, 456, CARD, GOOD, comment="x" * 4001)
        assert await desk.mine(RITA, 456, CARD) is None
