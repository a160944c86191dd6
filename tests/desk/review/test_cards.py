"""Scorecards in use: several, each with its versions, and never none because a file is wrong."""

from pathlib import Path

import pytest

from archiver.desk.review.cards import Cards
from archiver.desk.review.remarks import Remark
from archiver.desk.review.verdicts import Verdicts
from archiver.errors import ConfigError, NoSuchThing, WrongInput
from tests.desk.parts import ADA, RITA, desk_file
from tests.support.world import ManualClock

pytestmark = pytest.mark.anyio

SALES = """
title: Sales
for: {orders: [7], directions: [outgoing]}
questions: [{id: offer, text: Made an offer, kind: yes_no, auto_fail: card,
             causes: [{id: script, text: The script}]}]
"""
SUPPORT = "title: Support\nquestions: [{id: help, text: Helped, kind: scale}]"


def folder(tmp_path: Path) -> Path:
    made = tmp_path / "cards"
    made.mkdir()
    (made / "1-sales.yaml").write_text(SALES)
    (made / "2-support.yaml").write_text(SUPPORT)
    (made / "notes.txt").write_text("no scorecard")
    return made


async def test_the_first_that_is_for_a_recording_is_proposed(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        cards = Cards(file, folder(tmp_path))
        await cards.refresh()
        assert [one.name for one in cards.current] == ["1-sales", "2-support"]
        assert cards.proposed(7, "outgoing", []).name == "1-sales"
        assert cards.proposed(8, "outgoing", []).name == "2-support"
        assert cards.find("2-support") == cards.current[1]
        assert cards.find("unknown") is None
        question = cards.question("help")
        assert question is not None
        assert question.text.said("en") == "Helped"


async def test_a_changed_file_is_the_next_version_and_the_same_text_the_same_one(
    tmp_path: Path,
) -> None:
    async with desk_file(tmp_path) as file:
        made = folder(tmp_path)
        cards = Cards(file, made)
        await cards.refresh()
        for text, version in ((SUPPORT.replace("Helped", "Was helpful"), 2), (SUPPORT, 1)):
            (made / "2-support.yaml").write_text(text + "\n# changed")
            await cards.refresh()
            assert [one.version for one in cards.current] == [1, version]
        again = Cards(file, made)
        await again.refresh()
        assert again.current == cards.current


async def test_a_wrong_file_is_named_by_its_line_and_the_last_good_one_stays(
    tmp_path: Path,
) -> None:
    async with desk_file(tmp_path) as file:
        made = folder(tmp_path)
        cards = Cards(file, made)
        await cards.refresh()
        before = cards.current
        (made / "2-support.yaml").write_text(SUPPORT.replace("scale", "stars"))
        await cards.refresh()
        assert cards.current == before
        assert "2-support.yaml, line 2: questions.kind" in cards.trouble
        restarted = Cards(file, made)
        await restarted.refresh()
        assert [one.card for one in restarted.current] == [one.card for one in before]
        assert restarted.trouble == cards.trouble
        (made / "2-support.yaml").write_text(SUPPORT)
        await restarted.refresh()
        assert (restarted.trouble, restarted.current) == ("", before)


@pytest.mark.parametrize("name", ["missing.yaml", "empty"])
async def test_a_desk_that_never_had_a_scorecard_does_not_start_without(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "empty").mkdir()
    async with desk_file(tmp_path) as file:
        with pytest.raises(ConfigError, match=r"desk\.scorecard"):
            await Cards(file, tmp_path / name).refresh()


async def test_what_is_said_beside_an_answer_is_kept_with_its_history(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        cards = Cards(file, folder(tmp_path))
        await cards.refresh()
        card = cards.current[0].card
        desk = Verdicts(file, ManualClock())
        remark = Remark("Never asked", 12.345, "script")
        first = await desk.save(
            RITA, 456, card, {"offer": False}, remarks={"offer": remark}, submit=True
        )
        assert dict(first.remarks) == {"offer": Remark("Never asked", 12.35, "script")}
        assert (first.score, first.is_failed) == (0.0, True)
        assert (first.card_name, first.card_version) == ("1-sales", 1)
        second = await desk.save(RITA, 456, card, {"offer": True}, submit=True)
        assert (dict(second.remarks), second.is_failed, second.revision) == ({}, False, 2)
        (former,) = await desk.history(ADA, second.verdict_id)
        assert former.remarks["offer"].comment == "Never asked"


@pytest.mark.parametrize(
    ("remarks", "field"),
    [
        ({"offer": Remark("x" * 501)}, "offer"),
        ({"offer": Remark(at=float("nan"))}, "offer"),
        ({"offer": Remark(at=-1)}, "offer"),
        ({"offer": Remark(cause="weather")}, "offer"),
        ({"other": Remark("x")}, "other"),
    ],
)
async def test_what_cannot_be_said_beside_an_answer_is_refused_by_its_question(
    tmp_path: Path, remarks: dict[str, Remark], field: str
) -> None:
    async with desk_file(tmp_path) as file:
        cards = Cards(file, folder(tmp_path))
        await cards.refresh()
        with pytest.raises(WrongInput) as caught:
            await Verdicts(file, ManualClock()).save(
                RITA, 456, cards.current[0].card, {"offer": True}, remarks=remarks
            )
        assert caught.value.field == field


async def test_a_scorecard_that_never_was_is_not_found(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        with pytest.raises(NoSuchThing):
            await Verdicts(file, ManualClock()).card("0" * 64)
