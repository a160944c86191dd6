"""Metrics: what Prometheus's own parser reads, without a secret and without a person."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from archiver import __version__
from archiver.catalog.readonly import Vitals
from archiver.monitoring.history import Memory
from archiver.monitoring.metrics import exposition, write_textfile

NOW = datetime(2026, 11, 3, 12, tzinfo=UTC)
MEMORY = Memory(
    started_at=NOW - timedelta(hours=10),
    ended_at=NOW - timedelta(hours=9),
    succeeded_at=NOW - timedelta(days=2),
    seconds=3600.0,
    exit_code=5,
    failures=2,
    runs={"0": 300, "5": 2},
    requests=90_000,
    throttled=17,
    bytes=10**9,
    undelivered=1,
)
VITALS = Vitals(
    calls={"archived": 900, "none": 80, "waiting": 1, "failed": 0, "gone": 2},
    recordings={"archived": 950, "waiting": 1, "failed": 0, "gone": 2},
    bytes=10**9,
    oldest_open=NOW - timedelta(days=3),
    pending_summaries=4,
    segments=301,
)


def samples(text: bytes) -> dict[str, float]:
    """Every sample, by its name and its one label."""
    return {
        sample.name + "".join(f" {value}" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_a_snapshot_says_how_the_nights_and_the_archive_stand() -> None:
    found = samples(exposition(MEMORY, VITALS, NOW))
    assert found["archiver_last_run_exit_code"] == 5
    assert found["archiver_last_run_duration_seconds"] == 3600
    assert found["archiver_last_success_timestamp_seconds"] == MEMORY.succeeded_at.timestamp()  # type: ignore[union-attr]
    assert found["archiver_oldest_open_age_seconds"] == 3 * 86_400
    assert found["archiver_calls waiting"] == 1
    assert found["archiver_recordings archived"] == 950
    assert found["archiver_archived_bytes"] == 10**9
    assert found["archiver_runs_total 5"] == 2
    assert found["archiver_requests_total"] == 90_000
    assert found["archiver_throttled_requests_total"] == 17
    assert found["archiver_failed_runs_in_a_row"] == 2
    assert found["archiver_ledger_segments"] == 301


def test_what_never_happened_is_absent_and_not_of_1970() -> None:
    found = samples(exposition(Memory(), None, NOW))
    assert found.pop(f"archiver_build_info {__version__}") == 1
    assert set(found.values()) == {0.0}
    assert not [name for name in found if "timestamp" in name or name.startswith("archiver_calls")]


def test_nothing_open_has_no_age() -> None:
    calm = Vitals({}, {}, 0, None, 0, 0)
    assert samples(exposition(Memory(), calm, NOW))["archiver_oldest_open_age_seconds"] == 0


def test_the_text_file_is_whole_readable_for_a_collector_and_alone(tmp_path: Path) -> None:
    path = tmp_path / "archiver.prom"
    for _ in range(2):
        write_textfile(path, MEMORY, VITALS, NOW)
    assert path.read_bytes() == exposition(MEMORY, VITALS, NOW)
    assert [one.name for one in tmp_path.iterdir()] == ["archiver.prom"]
    assert path.stat().st_mode & 0o044


def test_the_collector_may_read_it_whatever_the_mask_of_the_process(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        write_textfile(tmp_path / "archiver.prom", MEMORY, VITALS, NOW)
    finally:
        os.umask(before)
    assert (tmp_path / "archiver.prom").stat().st_mode & 0o777 == 0o644


def test_a_folder_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        write_textfile(tmp_path / "no" / "archiver.prom", MEMORY, VITALS, NOW)
