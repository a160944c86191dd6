"""A calibration is blind for everybody until all have judged all; then it is compared."""

from pathlib import Path

import pytest

from archiver.desk.accounts.person import Person, Role, Way
from archiver.desk.file import DeskFile
from archiver.desk.review.basis import Basis
from archiver.desk.review.calibration import Agreed, Calibrations, Session
from archiver.desk.review.card_file import CardFile
from archiver.desk.review.cards import keep_cards
from archiver.desk.review.judged import Judged, judged_recordings
from archiver.desk.review.responses import Responses
from archiver.desk.review.verdicts import Verdicts
from archiver.errors import ChangedMeanwhile, NoSuchThing, WrongInput
from tests.desk.parts import ADA, RITA, ROSS, desk_file
from tests.desk.review.test_verdicts import CARD, GOOD, POOR
from tests.support.world import ManualClock

pytestmark = pytest.mark.anyio

LEAD = Person("lead", Role.LEAD, Way.PASSWORD)
ROSA = Person("rosa", Role.REVIEWER, Way.PASSWORD)
ANNA = Person("anna", Role.AGENT, Way.PASSWORD, 101)
NEW = Basis(0)


async def begun(file: DeskFile) -> tuple[Verdicts, Calibrations, Session]:
    await file.write(lambda db: keep_cards(db, [CardFile("usual", CARD)]))
    verdicts = Verdicts(file, ManualClock())
    sessions = Calibrations(file, verdicts, ManualClock())
    made = [
        await sessions.make(LEAD, "November", CARD.digest, [1, 2], ["rita", "ross"], token="once")
        for _ in range(3)
    ]
    assert len(set(made)) == 1
    return verdicts, sessions, await sessions.find(RITA, made[0])


async def test_nobody_sees_a_verdict_of_another_until_all_are_done(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        verdicts, sessions, session = await begun(file)
        responses = Responses(file, verdicts, ManualClock())
        for person, record_id in ((RITA, 1), (RITA, 2), (ROSS, 1)):
            await verdicts.save(person, record_id, CARD, GOOD, submit=True, agent_id=101)
            assert await verdicts.of(ADA, record_id) == []
        assert await verdicts.after(LEAD, 0, 10) == []
        assert await responses.own(ANNA) == []
        assert list(await judged_recordings(file, ADA, Judged(min_score=0)) or ()) == []
        session = await sessions.find(LEAD, session.calibration_id)
        assert (session.revealed_at, dict(session.done)) == (None, {"rita": 2, "ross": 1})
        assert await sessions.verdicts(LEAD, session) == {}
        assert set(await sessions.verdicts(RITA, session)) == {(1, "rita"), (2, "rita")}
        await verdicts.save(ROSS, 2, CARD, POOR, submit=True, agent_id=101)
        session = await sessions.find(LEAD, session.calibration_id)
        assert session.revealed_at is not None
        assert len(await sessions.verdicts(ROSS, session)) == 4
        assert len(await verdicts.of(ADA, 2)) == 2
        assert len(await responses.own(ANNA)) == 4


async def test_what_was_agreed_on_is_kept_until_it_is_closed(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        _, sessions, session = await begun(file)
        with pytest.raises(NoSuchThing, match="not complete"):
            await sessions.agree(LEAD, session, 1, GOOD, "", basis=NEW)
        await sessions.close(LEAD, session.calibration_id)
        closed = await sessions.find(RITA, session.calibration_id)
        assert closed.closed_at is not None
        assert closed.revealed_at == closed.closed_at
        with pytest.raises(NoSuchThing, match="closed"):
            await sessions.agree(LEAD, session, 1, GOOD, "", basis=NEW)


async def test_a_session_is_closed_with_an_agreed_verdict(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        verdicts, sessions, session = await begun(file)
        for person, record_id in ((RITA, 1), (RITA, 2), (ROSS, 1), (ROSS, 2)):
            await verdicts.save(person, record_id, CARD, POOR, submit=True)
        with pytest.raises(WrongInput):
            await sessions.agree(LEAD, session, 1, {"hello": True}, "", basis=NEW)
        await sessions.agree(LEAD, session, 1, GOOD, "Calm after all", basis=NEW)
        await sessions.close(LEAD, session.calibration_id)
        session = await sessions.find(ROSS, session.calibration_id)
        assert session.agreed == {1: Agreed(GOOD, "Calm after all", 1)}


async def test_of_two_leads_who_agree_at_once_the_second_is_refused(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        verdicts, sessions, session = await begun(file)
        for person, record_id in ((RITA, 1), (RITA, 2), (ROSS, 1), (ROSS, 2)):
            await verdicts.save(person, record_id, CARD, POOR, submit=True)
        await sessions.agree(LEAD, session, 1, GOOD, "One", basis=Basis(0, "page of the lead"))
        with pytest.raises(ChangedMeanwhile):
            await sessions.agree(ADA, session, 1, POOR, "Two", basis=Basis(0, "page of ada"))
        await sessions.agree(LEAD, session, 1, GOOD, "More", basis=Basis(0, "page of the lead"))
        await sessions.agree(ADA, session, 1, POOR, "Two", basis=Basis(2, "page of ada"))
        await sessions.agree(ADA, session, 2, POOR, "", basis=NEW)
        session = await sessions.find(ROSS, session.calibration_id)
        assert session.agreed == {1: Agreed(POOR, "Two", 3), 2: Agreed(POOR, "", 1)}


async def test_a_session_is_for_its_people_and_for_leads(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        _, sessions, session = await begun(file)
        assert await sessions.all(ROSA) == []
        with pytest.raises(NoSuchThing):
            await sessions.find(ROSA, session.calibration_id)
        assert await sessions.all(ADA) == await sessions.all(ROSS) == [session]


@pytest.mark.parametrize(
    ("calls", "people", "field", "problem"),
    [
        ([], ["rita", "ross"], "view", "nothing"),
        ([1], ["rita"], "people", "too-few"),
        (list(range(1, 52)), ["rita", "ross"], "calls", "too-many"),
    ],
)
async def test_a_session_needs_calls_and_people(
    tmp_path: Path, calls: list[int], people: list[str], field: str, problem: str
) -> None:
    async with desk_file(tmp_path) as file:
        _, sessions, _ = await begun(file)
        with pytest.raises(WrongInput) as caught:
            await sessions.make(LEAD, "x", CARD.digest, calls, people)
        assert (caught.value.field, caught.value.problem) == (field, problem)
