"""A verification is remembered for metrics, and damage is told."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from archiver.monitoring.history import Memory, memory_path, recall, remember
from archiver.monitoring.metrics import exposition
from archiver.monitoring.notices import Kind, verify_notice
from archiver.monitoring.verifications import (
    MOST_REMEMBERED,
    Verification,
    health_of,
    recall_verifications,
    remember_verification,
    verifications_path,
)
from tests.monitoring.hooks import Hooks, hooks

NOW = datetime(2026, 11, 30, 5, 0, tzinfo=UTC)


def ended(scope: str = "sample", code: int = 0, **more: object) -> Verification:
    return Verification(NOW, NOW + timedelta(minutes=7), scope, code, **more)  # type: ignore[arg-type]


@pytest.fixture
def server() -> Iterator[Hooks]:
    with hooks() as found:
        yield found


def test_each_scope_is_remembered_beside_the_runs_and_neither_loses_the_other(
    tmp_path: Path,
) -> None:
    path = verifications_path("/srv/archive", tmp_path)
    nights = path.with_name(path.name.replace("verifications-", "nights-"))
    remember_verification(ended("all"), path)
    remember(Memory(requests=5), nights)
    remember_verification(ended("sample", 130), path)
    found = recall(nights)
    assert found.requests == 5
    assert found.verifications is not None
    assert found.verifications.last == ended("sample", 130)
    assert found.verifications.ended == {"all": NOW + timedelta(minutes=7)}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"startedAt": 7}', "null"])
def test_a_file_that_holds_something_else_is_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "it").write_text(text)
    assert recall_verifications(tmp_path / "it") is None


def test_metrics_tell_when_what_and_how_much(tmp_path: Path) -> None:
    path = verifications_path("x", tmp_path)
    remember_verification(ended(code=4, findings={"missing": 2, "tail-cut": 1}), path)
    memory = Memory(verifications=recall_verifications(path))
    text = exposition(memory, None, NOW).decode()
    (at,) = re.findall(r'last_verify_timestamp_seconds{scope="sample"} (.+)', text)
    assert float(at) == NOW.timestamp() + 420
    assert "archiver_last_verify_findings 3.0" in text
    assert "archiver_last_verify_exit_code 4.0" in text
    assert "archiver_last_verify_duration_seconds 420.0" in text
    assert "last_verify" not in exposition(Memory(), None, NOW).decode()


def test_verifications_of_the_replica_are_remembered_and_exposed_apart(tmp_path: Path) -> None:
    url = "/srv/archive"
    remember_verification(ended("all"), verifications_path(url, tmp_path))
    remember_verification(
        ended("all", 4, findings={"missing": 3}),
        verifications_path(url, tmp_path, is_replica=True),
    )
    memory = recall(memory_path(url, tmp_path))
    text = exposition(memory, None, NOW).decode()
    assert "archiver_last_verify_findings 0.0" in text
    assert "archiver_replica_last_verify_findings 3.0" in text
    assert "archiver_replica_last_verify_exit_code 4.0" in text
    assert re.search(r'replica_last_verify_timestamp_seconds{scope="all"} 1', text)
    remember(memory, memory_path(url, tmp_path))
    assert recall(memory_path(url, tmp_path)) == memory
    assert health_of(memory.replica_verifications, is_replica=True) == (
        "last verification of the replica: 2026-11-30T05:07:00Z, exit code 4, scope all, "
        "3 findings\n"
    )


def test_a_notice_tells_of_damage_and_of_a_verification_that_failed() -> None:
    assert verify_notice(ended(), UTC) is None
    damage = verify_notice(ended(code=4, findings={"tail-cut": 1}), UTC)
    assert damage is not None
    assert damage.kind is Kind.DAMAGE
    assert "found tail-cut 1" in damage.text
    damage = verify_notice(ended(code=4, findings={"missing": 3}), UTC, is_replica=True)
    assert damage is not None
    assert "of the replica at 2026-11-30 05:00" in damage.text
    assert "run `archiver verify --replica`" in damage.text
    assert damage.facts["replica"] is True
    failed = verify_notice(ended(code=5, error="the storage does not answer"), UTC)
    assert failed is not None
    assert failed.kind is Kind.FAILURE
    assert "the storage does not answer" in failed.text


def test_the_verifications_of_more_than_a_year_are_remembered(tmp_path: Path) -> None:
    path = tmp_path / "verifications-x.json"
    remember_verification(ended("all"), path)
    told = json.loads(path.read_text())
    del told["history"]  # as version 0.2 wrote it
    path.write_text(json.dumps(told))
    for number in range(3):
        remember_verification(ended(code=number), path)
    found = recall_verifications(path)
    assert found is not None
    assert [one.exit_code for one in found.history] == [0, 0, 1, 2]
    told = json.loads(path.read_text())
    told["history"] *= MOST_REMEMBERED
    path.write_text(json.dumps(told))
    remember_verification(ended(code=5), path)
    found = recall_verifications(path)
    assert found is not None
    assert (len(found.history), found.history[-1].exit_code) == (MOST_REMEMBERED, 5)
