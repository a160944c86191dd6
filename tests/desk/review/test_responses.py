"""The agent's side: own verdicts alone, acknowledged or disputed, and a lead's decision kept."""

from pathlib import Path

import pytest

from archiver.desk.accounts.person import Person, Role, Way
from archiver.desk.file import DeskFile
from archiver.desk.review.basis import Basis
from archiver.desk.review.responses import Responses, StepAct
from archiver.desk.review.verdicts import Verdict, Verdicts
from archiver.errors import ChangedMeanwhile, NoSuchThing, NotAllowed, WrongInput
from tests.desk.parts import ADA, LENA, RITA, desk_file
from tests.desk.review.test_verdicts import CARD, GOOD, POOR
from tests.support.world import ManualClock

pytestmark = pytest.mark.anyio

ANNA = Person("anna", Role.AGENT, Way.PASSWORD, 101)
BORIS = Person("boris", Role.AGENT, Way.PASSWORD, 102)
LEAD = Person("lead", Role.LEAD, Way.PASSWORD)


async def judged(file: DeskFile) -> tuple[Verdicts, Responses, Verdict]:
    clock = ManualClock()
    verdicts = Verdicts(file, clock)
    verdict = await verdicts.save(RITA, 456, CARD, POOR, submit=True, agent_id=101)
    return verdicts, Responses(file, verdicts, clock), verdict


def basis(verdict: Verdict) -> Basis:
    return Basis(verdict.version)


async def test_an_agent_sees_submitted_verdicts_on_own_calls_and_nothing_else(
    tmp_path: Path,
) -> None:
    async with desk_file(tmp_path) as file:
        verdicts, responses, verdict = await judged(file)
        await verdicts.save(RITA, 457, CARD, GOOD, agent_id=101)
        assert [one.verdict for one in await responses.own(ANNA)] == [verdict]
        assert await responses.own(ANNA, 457) == await responses.own(BORIS) == []
        for somebody in (RITA, LENA, ADA):
            with pytest.raises(NotAllowed):
                await responses.own(somebody)
        with pytest.raises(NoSuchThing):
            await responses.acknowledge(BORIS, verdict.verdict_id, basis(verdict), "")


async def test_a_verdict_is_acknowledged_once_however_often_it_is_clicked(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        _, responses, verdict = await judged(file)
        for _ in range(3):
            told = await responses.acknowledge(ANNA, verdict.verdict_id, basis(verdict), "once")
        assert [one.act for one in told.steps] == [StepAct.ACKNOWLEDGED]
        assert told.is_acknowledged
        with pytest.raises(WrongInput):
            await responses.acknowledge(ANNA, verdict.verdict_id, basis(verdict), "again")


async def test_a_decision_that_changes_an_answer_is_a_new_revision(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        verdicts, responses, verdict = await judged(file)
        told = await responses.dispute(
            ANNA, verdict.verdict_id, "tone", "I was calm", basis(verdict), "a"
        )
        ((found, step),) = await responses.open_disputes(LEAD)
        assert (found, step.text) == (verdict, "I was calm")
        with pytest.raises(WrongInput):
            await responses.acknowledge(ANNA, verdict.verdict_id, basis(verdict), "b")
        with pytest.raises(WrongInput, match="cannot be disputed"):
            await responses.dispute(ANNA, verdict.verdict_id, "tone", "Again", basis(verdict), "c")
        told = await responses.decide(LEAD, step.step_id, 4, "Right you are", basis(verdict))
        assert [one.act for one in told.steps] == [StepAct.DISPUTED, StepAct.CHANGED]
        assert (told.verdict.revision, told.verdict.marks["tone"]) == (2, 4)
        assert told.verdict.score == 81.2
        (former,) = await verdicts.history(ADA, verdict.verdict_id)
        assert (former.score, dict(former.marks)) == (25, POOR)
        assert await responses.open_disputes(LEAD) == []
        with pytest.raises(NoSuchThing):
            await responses.decide(LEAD, step.step_id, 5, "Twice", basis(told.verdict))
        with pytest.raises(ChangedMeanwhile):
            await responses.acknowledge(ANNA, verdict.verdict_id, basis(verdict), "d")
        told = await responses.acknowledge(ANNA, verdict.verdict_id, basis(told.verdict), "e")
        assert told.is_acknowledged
        assert [one.revision for one in told.steps] == [1, 2, 2]


async def test_an_answer_that_is_kept_makes_no_revision_and_is_not_disputed_again(
    tmp_path: Path,
) -> None:
    async with desk_file(tmp_path) as file:
        _, responses, verdict = await judged(file)
        await responses.dispute(ANNA, verdict.verdict_id, "tone", "No", basis(verdict), "")
        ((_, step),) = await responses.open_disputes(LEAD)
        told = await responses.decide(LEAD, step.step_id, 1, "Listen at 0:40", basis(verdict))
        assert (told.verdict, told.steps[-1].act) == (verdict, StepAct.UPHELD)
        assert told.disputable == ["hello"]


@pytest.mark.parametrize(
    ("question", "reason", "field"),
    [("tone", " ", "reason"), ("tone", "x" * 1001, "reason"), ("other", "Why", "question")],
)
async def test_what_is_no_dispute_is_refused_by_its_field(
    tmp_path: Path, question: str, reason: str, field: str
) -> None:
    async with desk_file(tmp_path) as file:
        _, responses, verdict = await judged(file)
        with pytest.raises(WrongInput) as caught:
            await responses.dispute(ANNA, verdict.verdict_id, question, reason, basis(verdict), "")
        assert caught.value.field == field
        assert await responses.open_disputes(LEAD) == []


async def test_a_verdict_that_changed_meanwhile_is_not_responded_to(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        verdicts, responses, verdict = await judged(file)
        await verdicts.save(RITA, 456, CARD, GOOD, submit=True)
        with pytest.raises(ChangedMeanwhile):
            await responses.dispute(ANNA, verdict.verdict_id, "tone", "No", basis(verdict), "")
