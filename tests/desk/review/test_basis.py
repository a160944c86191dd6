"""Nothing is overwritten that a form did not show, and nothing is made twice by one form."""

from pathlib import Path

import pytest

from archiver.desk.review.basis import Basis
from archiver.desk.review.notes import Notes
from archiver.desk.review.playlists import Playlists
from archiver.desk.review.queue import Queues
from archiver.errors import ChangedMeanwhile, NoSuchThing, WrongInput
from tests.desk.parts import ADA, RITA, ROSS, desk_file
from tests.desk.review.test_verdicts import CARD, GOOD, POOR, verdicts
from tests.support.world import ManualClock

pytestmark = pytest.mark.anyio


async def test_a_stale_form_overwrites_neither_a_draft_nor_a_verdict(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        desk = verdicts(file)
        seen = await desk.save(RITA, 456, CARD, {"tone": 2}, basis=Basis(0, "one"))
        with pytest.raises(ChangedMeanwhile):
            await desk.save(RITA, 456, CARD, {"tone": 5}, basis=Basis(0, "two"))
        submitted = await desk.save(
            RITA, 456, CARD, GOOD, submit=True, basis=Basis(seen.version, "two")
        )
        for submit in (False, True):
            with pytest.raises(ChangedMeanwhile):
                await desk.save(
                    RITA, 456, CARD, POOR, submit=submit, basis=Basis(seen.version, "one")
                )
        assert await desk.mine(RITA, 456, CARD) == submitted


async def test_a_page_whose_answer_was_lost_goes_on_from_what_it_wrote(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        desk = verdicts(file)
        await desk.save(RITA, 456, CARD, {"tone": 2}, basis=Basis(0, "page"))  # its answer is lost
        again = await desk.save(RITA, 456, CARD, {"tone": 2}, basis=Basis(0, "page"))
        newer = await desk.save(RITA, 456, CARD, {"tone": 3}, basis=Basis(0, "page"))
        assert (again.marks, newer.marks) == ({"tone": 2}, {"tone": 3})
        await desk.save(RITA, 456, CARD, {"tone": 4}, basis=Basis(newer.version, "another"))
        with pytest.raises(ChangedMeanwhile):
            await desk.save(RITA, 456, CARD, {"tone": 3}, comment="!", basis=Basis(0, "page"))


async def test_a_note_that_was_changed_elsewhere_is_not_overwritten(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        notes = Notes(file, ManualClock())
        note = await notes.add(RITA, 456, 5, "First")
        changed = await notes.change(RITA, note.note_id, "Second", basis=Basis(note.version, "a"))
        with pytest.raises(ChangedMeanwhile):
            await notes.change(RITA, note.note_id, "Third", basis=Basis(note.version, "b"))
        same = await notes.change(RITA, note.note_id, "Second", basis=Basis(note.version, "b"))
        assert same == changed == await notes.find(note.note_id)


async def test_a_form_that_is_sent_three_times_makes_one_note_and_one_queue(tmp_path: Path) -> None:
    clock = ManualClock()
    async with desk_file(tmp_path) as file:
        notes, queues = Notes(file, clock), Queues(file, clock)
        made = [await notes.add(RITA, 456, 5, "Once", token="t") for _ in range(3)]
        assert await notes.of(456) == [made[0]] == [made[2]]
        await notes.add(ROSS, 456, 5, "Of another person", token="t")
        assert len(await notes.of(456)) == 2
        drawn = [
            await queues.make(ADA, "Once", {1: [10, 11]}, share=1, token="q") for _ in range(3)
        ]
        assert await queues.all() == [drawn[0]] == [drawn[2]]
        await notes.remove(RITA, made[0].note_id)
        with pytest.raises(NoSuchThing):
            await notes.add(RITA, 456, 5, "Once", token="t")
        clock.advance(days=31)
        await notes.add(RITA, 456, 6, "Later", token="u")
        await notes.add(RITA, 456, 5, "Once", token="t")
        assert len(await notes.of(456)) == 3


async def test_the_token_of_one_form_means_nothing_in_another(tmp_path: Path) -> None:
    clock = ManualClock()
    async with desk_file(tmp_path) as file:
        notes, queues, lists = Notes(file, clock), Queues(file, clock), Playlists(file, clock)
        queue = await queues.make(ADA, "Queue", {1: [10, 11]}, share=1, token="t")
        note = await notes.add(ADA, 456, 5, "A note", token="t")
        other = await notes.add(ADA, 457, 5, "On another recording", token="t")
        place = {"record_id": 456, "seconds": 5.0}
        await lists.add(ADA, place, "A moment", playlist_id=None, title="List", token="t")
        assert [one.title for one in await queues.all()] == [queue.title]
        assert (await notes.of(456), await notes.of(457)) == ([note], [other])
        assert [one.title for one in await lists.all()] == ["List"]


async def test_a_form_that_is_sent_again_after_an_update_still_makes_one_note(
    tmp_path: Path,
) -> None:
    async with desk_file(tmp_path) as file:
        notes = Notes(file, ManualClock())
        note = await notes.add(RITA, 456, 5, "Once", token="t")
        # Version 9 of the file did not keep what kind of form a token was from.
        await file.write(lambda db: db.execute("UPDATE receipts SET kind = ''"))
        assert await notes.add(RITA, 456, 5, "Once", token="t") == note


@pytest.mark.parametrize(
    ("text", "problem", "limit"), [("", "empty", None), ("x" * 4001, "too-long", 4000)]
)
async def test_a_refusal_names_field_and_limit(
    tmp_path: Path, text: str, problem: str, limit: int | None
) -> None:
    async with desk_file(tmp_path) as file:
        with pytest.raises(WrongInput) as caught:
            await Notes(file, ManualClock()).add(RITA, 456, 1, text)
        told = caught.value
        assert (told.field, told.problem, told.limit) == ("text", problem, limit)
