"""What is remembered of the nights survives them, and is nothing that anybody depends on."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from archiver.monitoring.history import Memory, failed_runs, memory_path, recall, remember
from archiver.monitoring.night import Night

BEGAN = datetime(2026, 11, 3, 1, 30, tzinfo=UTC)


def night(code: int, number: int = 0) -> Night:
    began = BEGAN + timedelta(days=number)
    report = {"requests": 10, "throttled": 2, "bytes": 1000}
    return Night(began, began + timedelta(minutes=5), code, report if code in (0, 3) else None)


def test_what_was_remembered_is_recalled(tmp_path: Path) -> None:
    memory = Memory(silent_day=date(2026, 11, 2), undelivered=3)
    for number, code in enumerate((0, 3, 5)):
        memory.note(night(code, number), failed=code == 5)
    path = tmp_path / "state" / "nights.json"
    remember(memory, path)
    assert recall(path) == memory
    assert [one.name for one in path.parent.iterdir()] == ["nights.json"]


def test_failures_are_counted_from_the_first_and_forgotten_with_the_next_good_night() -> None:
    memory = Memory()
    for number in range(3):
        memory.note(night(5, number), failed=True)
    assert (memory.failures, memory.failing_since) == (3, BEGAN)
    memory.note(night(130, 3), failed=False)
    assert memory.failures == 3
    memory.note(night(3, 4), failed=False)
    assert (memory.failures, memory.failing_since) == (0, None)
    assert memory.runs == {"5": 3, "130": 1, "3": 1}


def test_success_is_all_that_could_be_done_and_complete_is_nothing_open() -> None:
    memory = Memory()
    memory.note(night(0), failed=False)
    memory.note(night(3, 1), failed=False)
    memory.note(night(5, 2), failed=True)
    assert memory.completed_at == BEGAN + timedelta(minutes=5)
    assert memory.succeeded_at == BEGAN + timedelta(days=1, minutes=5)
    assert (memory.requests, memory.throttled, memory.bytes) == (20, 4, 2000)


def test_a_clock_that_was_set_back_makes_no_negative_duration() -> None:
    assert Night(BEGAN, BEGAN - timedelta(hours=1), 0).seconds == 0


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"started_at": 3}', b'{"runs": []}', b'{"requests": "1"}', b"\xff"],
)
def test_a_file_that_holds_something_else_is_no_memory(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "nights.json").write_bytes(content)
    assert recall(tmp_path / "nights.json") == Memory()


def test_each_archive_has_a_memory_of_its_own(tmp_path: Path) -> None:
    paths = {memory_path(url, tmp_path) for url in ("s3://a/b", "s3://a/c", "/srv/archive")}
    assert len(paths) == 3


def test_runs_are_failed_when_the_last_of_them_is() -> None:
    memory = Memory()
    for number, code in enumerate((0, 5, 5, 1)):
        memory.note(night(code, number), failed=code != 0)
    failed = failed_runs(memory)
    assert failed is not None
    assert (failed.count, failed.exit_code, failed.since) == (3, 1, BEGAN + timedelta(days=1))
    for code in (3, 0):
        memory.note(night(code, 5), failed=code == 3)
        assert failed_runs(memory) is None
