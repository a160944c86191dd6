"""What is erased in the archive is forgotten at the desk: no word stays, not even in free pages."""

from datetime import timedelta
from pathlib import Path

import pytest

from archiver.desk.file import DeskFile
from archiver.desk.forgetting import forget
from archiver.desk.journal import Journal
from archiver.desk.review.card_file import parse_scorecard
from archiver.desk.review.notes import Notes
from archiver.desk.review.queue import Queues
from archiver.desk.review.tags import Tags
from archiver.desk.review.verdicts import Verdicts
from tests.desk.parts import ADA, RITA, ROSS, desk_file
from tests.support.world import ManualClock

pytestmark = pytest.mark.anyio

CARD = parse_scorecard("questions: [{id: hello, text: Hello, kind: yes_no}]", "card.yaml")
WORD = "canary7f3a9q"


async def say_everything(file: DeskFile, record_id: int) -> None:
    clock = ManualClock()
    verdicts = Verdicts(file, clock)
    for number in range(30):
        await Notes(file, clock).add(RITA, record_id, number, f"{WORD} {'lorem ipsum ' * 40}")
    note = (await Notes(file, clock).of(record_id))[0]
    await Notes(file, clock).change(RITA, note.note_id, f"{WORD} changed")
    await Tags(file, clock).add(RITA, record_id, WORD)
    for comment in (f"{WORD} first", f"{WORD} second"):
        await verdicts.save(RITA, record_id, CARD, {"hello": True}, comment=comment, submit=True)
    await verdicts.save(ROSS, record_id, CARD, {"hello": True}, comment=f"{WORD} draft")
    queues = Queues(file, clock)
    queue = await queues.make(ADA, "All", {1: [record_id]}, share=1)
    await queues.skip(ROSS, queue.queue_id, record_id, f"it is {WORD}")


def bytes_of(folder: Path) -> bytes:
    """The file and its log; the third file that SQLite keeps is an index of the log's pages."""
    return b"".join((folder / name).read_bytes() for name in ("desk.sqlite", "desk.sqlite-wal"))


async def test_no_word_of_it_stays_in_the_file_or_in_its_log(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        await say_everything(file, 456)
        assert WORD.encode() in bytes_of(tmp_path)
        assert await forget(file, [456]) > 0
        assert WORD.encode() not in bytes_of(tmp_path)
        clock = ManualClock()
        assert await Notes(file, clock).of(456) == []
        assert await Tags(file, clock).of(456) == []
        assert [queue.total for queue in await Queues(file, clock).all()] == [0]


async def test_the_marks_of_submitted_verdicts_stay_without_a_word(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        await say_everything(file, 456)
        await forget(file, [456])
        verdicts = Verdicts(file, ManualClock())
        (kept,) = await verdicts.of(ADA, 456)
        assert (kept.reviewer, kept.score, kept.comment) == ("rita", 100, "")
        assert [former.comment for former in await verdicts.history(ADA, kept.verdict_id)] == [""]
        assert await verdicts.mine(ROSS, 456, CARD) is None


async def test_other_recordings_and_the_access_log_stay_as_they_are(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        clock = ManualClock()
        await say_everything(file, 457)
        log = Journal(file, clock, timedelta(days=1))
        await log.played(RITA, "::1", 456)
        before = bytes_of(tmp_path)
        assert await forget(file, [456, 1, 2, 3]) == 0
        assert bytes_of(tmp_path) == before
        assert len(await Notes(file, clock).of(457)) == 30
        assert [entry.record_id for entry in await log.page(ADA)] == [456]


async def test_it_may_be_told_again_and_of_very_many(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        await Notes(file, ManualClock()).add(RITA, 12_000, 0, "x")
        assert await forget(file, [*range(1, 20_000), 12_000]) == 1
        assert await forget(file, range(1, 20_000)) == 0
        assert await forget(file, []) == 0
