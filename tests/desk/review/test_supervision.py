"""How much was reviewed is read from the desk's file, also while the desk runs."""

from datetime import timedelta
from pathlib import Path

import pytest

from archiver.desk.review.card_file import parse_scorecard
from archiver.desk.review.scorecard import Mark
from archiver.desk.review.supervision import reviews_of
from archiver.desk.review.verdicts import Verdicts
from tests.desk.parts import RITA, ROSS, desk_file
from tests.support.world import FIRST_NIGHT, ManualClock

CARD = parse_scorecard("questions:\n  - {id: hello, text: Hello, kind: yes_no}\n", "card.yaml")
GOOD: dict[str, Mark] = {"hello": True}


@pytest.mark.anyio
async def test_submitted_verdicts_count_each_recording_once(tmp_path: Path) -> None:
    async with desk_file(tmp_path) as file:
        (path,) = tmp_path.rglob("*.sqlite")
        clock = ManualClock()
        verdicts = Verdicts(file, clock)
        for person, record_id in ((RITA, 1), (ROSS, 1), (RITA, 2)):
            await verdicts.save(person, record_id, CARD, GOOD, submit=True)
        await verdicts.save(ROSS, 3, CARD, GOOD)
        (archive_id,) = await file.read(
            lambda db: db.execute("SELECT archive_id FROM head").fetchone()
        )
        found = reviews_of(path, archive_id, None, None)
        assert found is not None
        assert sorted(found.record_ids) == [1, 2]
        assert (found.verdicts, found.reviewers) == (3, 2)
        later = reviews_of(path, archive_id, FIRST_NIGHT + timedelta(days=400), None)
        assert later is not None
        assert (len(later.record_ids), later.verdicts, later.reviewers) == (2, 0, 0)
        assert reviews_of(path, "another archive", None, None) is None


def test_a_missing_or_foreign_file_is_no_desk(tmp_path: Path) -> None:
    assert reviews_of(tmp_path / "none.sqlite", "a", None, None) is None
    (tmp_path / "noise.sqlite").write_bytes(b"noise" * 1000)
    assert reviews_of(tmp_path / "noise.sqlite", "a", None, None) is None
