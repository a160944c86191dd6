"""`archiver replicate`: what it says, how it ends, and that no run fails with it."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archiver.monitoring.replications import recall_replication
from archiver.sandbox.server import Sandbox, sandbox_thread
from archiver.sandbox.world import World
from tests.cli.commands import archiver, started
from tests.monitoring.hooks import Hooks, hooks
from tests.replica.nights import objects
from tests.support.world import tree

KEY = {"LINER_API_KEY": "x"}


@pytest.fixture
def server() -> Iterator[Hooks]:
    with hooks() as found:
        yield found


def with_replica(folder: Path, url: str = "./second", **more: Any) -> None:
    configure(folder, replica={"url": url, **more})


def configure(folder: Path, **sections: Any) -> None:
    """Add sections to the configuration, which is JSON."""
    path = folder / "archive.yaml"
    path.write_text(json.dumps(json.loads(path.read_text()) | sections))


def test_it_copies_and_then_has_nothing_to_do(archived: Path) -> None:
    with_replica(archived)
    ended = archiver("replicate", folder=archived)
    assert ended.code == 0, ended
    assert "CURRENT: the replica has all" in ended.out
    assert objects(archived / "second") == objects(archived / "archive")
    told = archiver("replicate", "--json", folder=archived).answer
    assert (told["complete"], told["bytes"], told["segmentsBehind"]) == (True, 0, 0)
    ended = archiver("verify", "--replica", folder=archived)
    assert ended.code == 0, ended
    assert "the replica has the whole ledger of the archive" in ended.out
    (path,) = (archived / ".local/state/archiver").glob("replica-*.json")
    known = recall_replication(path)
    assert known is not None
    assert known.current_at is not None
    assert known.error == ""


def test_without_a_replica_it_ends_with_2(archived: Path) -> None:
    ended = archiver("replicate", folder=archived)
    assert ended.code == 2
    assert "replica.url is not set" in ended.err
    ended = archiver("verify", "--replica", folder=archived)
    assert (ended.code, "replica.url is not set" in ended.err) == (2, True)
    assert not [*archived.rglob("verified-replica-*")]


def test_damage_in_the_replica_is_told_to_everybody_who_watches(
    archived: Path, server: Hooks
) -> None:
    with_replica(archived)
    configure(
        archived,
        notices={"webhook": f"{server.url}/hook"},
        metrics={"textfile": "metrics.prom"},
    )
    assert archiver("replicate", folder=archived).code == 0
    (lost, *_) = sorted((archived / "second").glob("*/*/*.wav"))
    lost.unlink()
    assert archiver("verify", "--replica", folder=archived).code == 4
    (notice,) = server.heard
    assert "of the replica" in notice.told["text"]
    assert "found missing 1: run `archiver verify --replica`" in notice.told["text"]
    metrics = (archived / "metrics.prom").read_text()
    assert "archiver_replica_last_verify_findings 1.0" in metrics
    assert "archiver_last_verify" not in metrics
    status = archiver("status", folder=archived).out
    assert "The last verification of the replica, " in status
    assert "found missing 1" in status
    assert archiver("replicate", "--all", folder=archived).code == 0
    assert archiver("verify", "--replica", folder=archived).code == 0
    assert "last verification" not in archiver("status", folder=archived).out
    metrics = (archived / "metrics.prom").read_text()
    assert "archiver_replica_last_verify_findings 0.0" in metrics


def test_a_place_that_cannot_be_written_ends_with_5_and_is_remembered(archived: Path) -> None:
    (archived / "file").write_bytes(b"")
    with_replica(archived, "./file/second")
    ended = archiver("replicate", folder=archived)
    assert ended.code == 5, ended
    assert "replica " in ended.err
    assert "Traceback" not in ended.err
    (path,) = (archived / ".local/state/archiver").glob("replica-*.json")
    known = recall_replication(path)
    assert known is not None
    assert known.error


def test_a_lost_archive_comes_back_with_a_reason(archived: Path) -> None:
    with_replica(archived)
    assert archiver("replicate", folder=archived).code == 0
    before = objects(archived / "archive")
    shutil.rmtree(archived / "archive")
    ended = archiver("replicate", "--restore", folder=archived)
    assert (ended.code, "requires a reason" in ended.err) == (2, True), ended
    ended = archiver("replicate", "--restore", "--reason", "disk died", folder=archived)
    assert ended.code == 0, ended
    assert "RESTORED" in ended.out
    assert before.items() <= objects(archived / "archive").items()
    assert archiver("verify", folder=archived).code == 0
    acts = archiver("status", "--acts", folder=archived)
    assert "disk died" in acts.out


def test_a_restored_archive_is_signed_at_once(archived: Path) -> None:
    with_replica(archived)
    made = archiver("key", "new", "--to", "key.pem", "--no-passphrase", folder=archived)
    assert made.code == 0, made
    configure(archived, evidence={"sign": "key.pem"})
    assert archiver("key", "sign", folder=archived).code == 0
    assert archiver("replicate", folder=archived).code == 0
    shutil.rmtree(archived / "archive")
    ended = archiver("replicate", "--restore", "--reason", "disk died", folder=archived)
    assert ended.code == 0, ended
    ended = archiver("verify", folder=archived)
    assert ended.code == 0, ended


def test_a_replica_of_another_archive_is_left_alone(archived: Path, tmp_path: Path) -> None:
    (archived / "second/_archive").mkdir(parents=True)
    other = (archived / "archive/_archive/format.json").read_text()
    own = json.loads(other)["archiveId"]
    (archived / "second/_archive/format.json").write_text(
        other.replace(own, "11111111-1111-4111-8111-111111111111")
    )
    with_replica(archived)
    before = tree(archived / "second")
    ended = archiver("replicate", folder=archived)
    assert ended.code == 2
    assert "contains another archive" in ended.err
    assert tree(archived / "second") == before


def test_doctor_looks_at_the_replica(archived: Path) -> None:
    with_replica(archived)
    told = archiver("doctor", "--json", folder=archived, environ=KEY).answer
    found = {one["name"]: one for one in told["checks"] if one["name"].startswith("replica")}
    assert found["replica"]["verdict"] == "ok"
    assert found["replica: create-only writes"]["verdict"] == "ok"
    (archived / "link").symlink_to(archived / "archive")
    text = (archived / "archive.yaml").read_text().replace("./second", "./link")
    (archived / "archive.yaml").write_text(text)
    told = archiver("doctor", "--json", folder=archived, environ=KEY).answer
    found = {one["name"]: one for one in told["checks"] if one["name"].startswith("replica")}
    assert found["replica"]["verdict"] == "warning"
    assert "is the archive itself" in found["replica"]["finding"]


@pytest.mark.nightly
def test_a_replication_that_is_killed_again_and_again_comes_to_its_end(archived: Path) -> None:
    with_replica(archived, workers=1)
    for seconds in range(1, 12):
        process = started("replicate", folder=archived)
        with process:
            try:
                process.communicate(timeout=0.35 + seconds * 0.07)
            except subprocess.TimeoutExpired:  # still at work
                process.kill()
        if (archived / "second/_archive/format.json").exists():
            ended = archiver("verify", "--replica", folder=archived)
            assert ended.code in (0, 3), ended
    ended = archiver("replicate", folder=archived)
    assert ended.code == 0, ended
    assert objects(archived / "second") == objects(archived / "archive")
    assert archiver("verify", "--replica", folder=archived).code == 0


def run_with_replica(folder: Path, url: str) -> tuple[int, str]:
    world = World().call(1, lead=5).recording(11)
    with sandbox_thread(Sandbox(world)) as server:
        settings = {
            "liner": {"url": server.url, "api_key": server.key},
            "window": {"since": "2026-11-01"},
            "inspect": {"after_run": False},
            "replica": {"url": url},
        }
        (folder / "archive.yaml").write_text(json.dumps(settings))
        ended = archiver("run", folder=folder)
        return ended.code, ended.err


def test_a_run_is_followed_by_a_replication(tmp_path: Path) -> None:
    code, said = run_with_replica(tmp_path, "./second")
    assert (code, "replicated up to segment" in said) == (0, True), said
    assert objects(tmp_path / "second") == objects(tmp_path / "archive")


def test_a_replica_that_cannot_be_used_fails_no_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    code, said = run_with_replica(tmp_path, "./file/second")
    assert code == 0
    assert "not replicated: replica " in said
    assert (tmp_path / "archive/5/1/11.wav").exists()
