"""A verdict tells whether its reviewer listened, as far as log and browser know."""

from datetime import timedelta
from pathlib import Path

import pytest

from archiver.desk.journal import Journal
from archiver.desk.review.attention import Attention
from archiver.desk.review.notes import Notes
from archiver.desk.review.verdicts import Verdicts
from tests.desk.parts import ADA, RITA, ROSS, desk_file
from tests.desk.review.test_verdicts import CARD, GOOD, POOR
from tests.support.world import ManualClock

pytestmark = pytest.mark.anyio


async def test_a_play_of_the_reviewer_counts_and_nothing_of_it_gets_less(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        log = Journal(file, ManualClock(), timedelta(days=30))
        desk = Verdicts(file, ManualClock())
        await log.played(ROSS, "::1", 456)
        told = await desk.save(
            RITA, 456, CARD, GOOD, submit=True, attention=Attention(heard=0.4, spent=100)
        )
        assert told.attention == Attention(False, 0.4, 100)
        await log.played(RITA, "::1", 456)
        told = await desk.save(
            RITA, 456, CARD, POOR, submit=True, attention=Attention(heard=7, spent=20)
        )
        assert told.attention == Attention(True, 1.0, 100)


async def test_a_removed_note_of_another_leaves_a_trace_and_ones_own_none(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        notes = Notes(file, ManualClock())
        ritas = await notes.add(RITA, 456, 1.0, "Secret words")
        adas = await notes.add(ADA, 456, 2.0, "Mine")
        await notes.remove(ADA, ritas.note_id)
        await notes.remove(ADA, adas.note_id)
        (trace,) = await notes.removed(456)
        assert (trace.author, trace.removed_by) == ("rita", "ada")
        assert b"Secret words" not in (tmp_path / "desk.sqlite").read_bytes()
