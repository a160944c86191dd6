"""Notes: everybody reads them, reviewers write them, and each changes his own."""

from pathlib import Path

import pytest

from archiver.desk.review.notes import Notes, counts_of
from archiver.errors import NoSuchThing, NotAllowed, WrongInput
from tests.desk.parts import ADA, LENA, RITA, ROSS, desk_file
from tests.support.world import FIRST_NIGHT, ManualClock

pytestmark = pytest.mark.anyio


async def test_notes_come_in_the_order_of_their_positions(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        notes = Notes(file, ManualClock())
        late = await notes.add(RITA, 456, 61.234, "Promises a discount")
        early = await notes.add(ROSS, 456, 0, "No greeting")
        await notes.add(ROSS, 457, 5, "Elsewhere")
        assert await notes.of(456) == [early, late]
        assert (late.seconds, late.author, late.created_at) == (61.23, "rita", FIRST_NIGHT)
        assert await file.read(lambda db: counts_of(db, [456, 457, 458])) == {456: 2, 457: 1}
        assert await file.read(lambda db: counts_of(db, [])) == {}


async def test_an_author_changes_and_removes_a_note_and_nobody_else_does(tmp_path: Path) -> None:
    clock = ManualClock()
    async with desk_file(tmp_path) as file:
        notes = Notes(file, clock)
        note = await notes.add(RITA, 456, 5, "Frist")
        clock.advance(minutes=1)
        changed = await notes.change(RITA, note.note_id, "First")
        assert (changed.text, changed.seconds) == ("First", 5)
        assert changed.changed_at > changed.created_at
        for person in (ROSS, ADA):
            with pytest.raises(NotAllowed):
                await notes.change(person, note.note_id, "Mine")
        with pytest.raises(NotAllowed):
            await notes.remove(ROSS, note.note_id)
        assert await notes.of(456) == [changed]
        assert await notes.remove(RITA, note.note_id) == changed
        assert await notes.of(456) == []


async def test_an_admin_may_remove_anybodys_note(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        notes = Notes(file, ManualClock())
        note = await notes.add(RITA, 456, 5, "About a client's illness")
        await notes.remove(ADA, note.note_id)
        assert await notes.of(456) == []


async def test_a_listener_writes_none(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        notes = Notes(file, ManualClock())
        note = await notes.add(RITA, 456, 5, "x")
        for act in (
            notes.add(LENA, 456, 5, "x"),
            notes.change(LENA, note.note_id, "y"),
            notes.remove(LENA, note.note_id),
        ):
            with pytest.raises(NotAllowed, match="lena is listener"):
                await act
        assert await notes.of(456) == [note]


@pytest.mark.parametrize(
    ("seconds", "text", "field"),
    [
        (0, "", "text"),
        (0, " \r\n\x00 ", "text"),
        (0, "x" * 4001, "text"),
        (-1, "x", "seconds"),
        (float("nan"), "x", "seconds"),
        (float("inf"), "x", "seconds"),
        (1e9, "x", "seconds"),
    ],
)
async def test_what_is_no_note_is_refused_by_its_field(
    tmp_path: Path, seconds: float, text: str, field: str
) -> None:
    async with desk_file(tmp_path) as file:
        with pytest.raises(WrongInput) as caught:
            await Notes(file, ManualClock()).add(RITA, 456, seconds, text)
        assert caught.value.field == field


async def test_a_text_is_kept_as_it_looks(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        notes = Notes(file, ManualClock())
        note = await notes.add(
            RITA, 456, 0, " Рассказал\r\n  про <b>скидку</b> 👍\u202e\ud800 \n\n"
        )
        assert note.text == "Рассказал\n  про <b>скидку</b> 👍"


async def test_a_note_that_is_gone_is_no_such_thing(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        notes = Notes(file, ManualClock())
        for act in (notes.change(RITA, 7, "x"), notes.remove(ADA, 7)):
            with pytest.raises(NoSuchThing):
                await act


async def test_a_number_is_never_given_to_another_note(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        notes = Notes(file, ManualClock())
        first = await notes.add(RITA, 456, 0, "x")
        await notes.remove(RITA, first.note_id)
        assert (await notes.add(RITA, 456, 0, "y")).note_id > first.note_id
