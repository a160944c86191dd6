"""`doctor` tries every part, goes on after a failure, and says what to do about each."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from archiver.clock import system_clock
from archiver.config import Config
from archiver.config.loading import load_config
from archiver.doctor import Check, Surroundings, Verdict, archive, examine
from archiver.doctor.machine import try_spool
from archiver.sandbox.cues import Answering, Fault
from archiver.sandbox.exchange import Answer, Request, Route, refusal
from archiver.sandbox.server import Sandbox
from archiver.sandbox.world import World
from archiver.storage.base import Storage
from archiver.storage.lock import archive_lock
from archiver.storage.opening import open_storage
from archiver.storage.probe import Finding

pytestmark = pytest.mark.anyio


def configured(folder: Path, url: str, key: str = "sandbox-key", text: str = "") -> Config:
    environ = {"LINER_URL": url, "LINER_API_KEY": key}
    return load_config(text or "window: {since: 2026-10-01}", environ, base=folder)


def surroundings(folder: Path, **changes: Any) -> Surroundings:
    return Surroundings(**{"state_folder": lambda _: folder / "state", **changes})


async def found(config: Config, around: Surroundings) -> Mapping[str, Check]:
    return {check.name: check async for check in examine(config, around)}


def verdicts(checks: Mapping[str, Check]) -> set[Verdict]:
    return {check.verdict for check in checks.values()}


async def test_a_sound_installation_has_nothing_to_look_at(tmp_path: Path) -> None:
    async with Sandbox() as sandbox:
        checks = await found(configured(tmp_path, sandbox.url), surroundings(tmp_path))
    assert verdicts(checks) == {Verdict.OK}, checks
    parts = {"configuration", "API", "clock", "calls", "names", "archive", "lock", "catalog"}
    assert parts <= set(checks)
    assert "storage: create-only writes in a race" in checks


async def test_it_leaves_neither_archive_nor_catalog_changed(tmp_path: Path) -> None:
    async with Sandbox() as sandbox:
        await found(configured(tmp_path, sandbox.url), surroundings(tmp_path))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


async def test_a_wrong_key_is_a_problem_and_the_rest_is_tried_all_the_same(tmp_path: Path) -> None:
    async with Sandbox() as sandbox:
        config = configured(tmp_path, sandbox.url, key="canary-7f3a")
        checks = await found(config, surroundings(tmp_path))
    assert checks["API"].verdict is Verdict.PROBLEM
    assert checks["API"].exit_code == 5
    assert checks["API"].hint
    assert "canary" not in str(checks)
    assert checks["catalog"].verdict is Verdict.OK
    assert checks["archive"].verdict is Verdict.OK


@pytest.mark.parametrize(
    ("text", "mode", "verdict"),
    [
        ("liner: {api_key: sandbox-key}", 0o644, Verdict.WARNING),
        ("liner: {api_key: sandbox-key}", 0o640, Verdict.OK),
        ("liner: {api_key: '${LINER_API_KEY}'}", 0o644, Verdict.OK),
        ("notices: {webhook: 'http://127.0.0.1:9/hook/secret'}", 0o644, Verdict.WARNING),
    ],
)
async def test_a_secret_in_a_file_that_everybody_may_read_is_worth_a_look(
    text: str, mode: int, verdict: Verdict, tmp_path: Path
) -> None:
    path = tmp_path / "archive.yaml"
    path.write_text(text)
    path.chmod(mode)
    async with Sandbox() as sandbox:
        config = configured(tmp_path, sandbox.url, text=text)
        check = (await found(config, surroundings(tmp_path, config_path=path)))["secrets"]
    assert check.verdict is verdict
    assert (str(path) in check.hint) is (verdict is Verdict.WARNING)
    assert "sandbox-key" not in str(check)


async def test_an_exported_key_that_is_not_used_is_worth_a_look(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("sandbox-key")
    key.chmod(0o600)
    async with Sandbox() as sandbox:
        config = configured(tmp_path, sandbox.url, text=f"liner: {{api_key_file: {key}}}")
        for exported, verdict in (("another", Verdict.WARNING), ("sandbox-key", Verdict.OK)):
            around = surroundings(tmp_path, environ={"LINER_API_KEY": exported})
            assert (await found(config, around))["secrets"].verdict is verdict


async def test_an_api_that_does_not_answer_is_a_problem(tmp_path: Path) -> None:
    checks = await found(configured(tmp_path, "http://127.0.0.1:9"), surroundings(tmp_path))
    assert checks["API"].verdict is Verdict.PROBLEM


async def test_a_clock_that_is_wrong_is_told_with_its_direction(tmp_path: Path) -> None:
    warning, problem = Verdict.WARNING, Verdict.PROBLEM
    for shift, said, verdict in (
        (-5, "behind", warning),
        (5, "ahead of", warning),
        (3000, "ahead of", problem),  # no run begins then
    ):

        def clock(shift: int = shift) -> datetime:
            return system_clock() + timedelta(minutes=shift)

        async with Sandbox() as sandbox:
            config = configured(tmp_path, sandbox.url)
            checks = await found(config, surroundings(tmp_path, clock=clock))
        assert checks["clock"].verdict is verdict
        assert said in checks["clock"].finding


async def test_an_api_without_orders_is_worth_a_look(tmp_path: Path) -> None:
    async with Sandbox(World()) as sandbox:
        checks = await found(configured(tmp_path, sandbox.url), surroundings(tmp_path))
    assert checks["API"].verdict is Verdict.WARNING
    assert checks["calls"].verdict is Verdict.WARNING


class Forbidden(Answering):
    def answer(self, request: Request, answer: Answer) -> Answer:
        return refusal(403, "This key may not read that.")


async def test_a_key_without_the_right_to_read_names_is_worth_a_look(tmp_path: Path) -> None:
    faults = [Fault(Route.USERS, Forbidden())]
    async with Sandbox(faults=faults) as sandbox:
        checks = await found(configured(tmp_path, sandbox.url), surroundings(tmp_path))
    assert checks["names"].verdict is Verdict.WARNING
    assert "users" in checks["names"].finding


@pytest.mark.parametrize(
    ("free", "verdict"),
    [(2**40, Verdict.OK), (2**29, Verdict.WARNING), (2**20, Verdict.PROBLEM)],
)
async def test_space_is_told_before_it_runs_out(
    tmp_path: Path, free: int, verdict: Verdict
) -> None:
    config = configured(tmp_path, "http://127.0.0.1:9")
    checks = await found(config, surroundings(tmp_path, free_bytes=lambda _: free))
    assert checks["space (archive)"].verdict is verdict
    assert checks["space (catalog)"].verdict is verdict


async def test_a_place_where_no_folder_can_be_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    text = "{catalog: {path: file/sub/c.sqlite}, storage: {url: file/archive}}"
    config = configured(tmp_path, "http://127.0.0.1:9", text=text)
    checks = await found(config, surroundings(tmp_path))
    assert checks["catalog"].verdict is Verdict.PROBLEM
    assert checks["archive"].verdict is Verdict.PROBLEM
    assert checks["archive"].exit_code == 5


async def test_what_the_configuration_leaves_open_is_told(tmp_path: Path) -> None:
    config = configured(tmp_path, "http://127.0.0.1:9", text="{}")
    checks = await found(config, surroundings(tmp_path))
    assert checks["configuration"].verdict is Verdict.WARNING
    future = configured(tmp_path, "http://127.0.0.1:9")
    early = surroundings(tmp_path, clock=lambda: datetime(2026, 1, 1, tzinfo=UTC))
    checks = await found(future, early)
    assert checks["configuration"].verdict is Verdict.PROBLEM
    assert checks["configuration"].exit_code == 2


async def test_a_place_that_holds_something_else_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "letter.txt").write_text("mine")
    checks = await found(configured(tmp_path, "http://127.0.0.1:9"), surroundings(tmp_path))
    assert checks["archive"].verdict is Verdict.PROBLEM
    assert "letter.txt" in checks["archive"].finding
    assert checks["archive"].exit_code == 2


async def test_an_archive_that_a_run_has_locked_is_left_alone(tmp_path: Path) -> None:
    config = configured(tmp_path, "http://127.0.0.1:9")
    storage = open_storage(config.storage, create=True)
    async with archive_lock(storage, "archiver run"):
        checks = await found(config, surroundings(tmp_path))
    await storage.aclose()
    assert checks["lock"].verdict is Verdict.WARNING
    assert "archiver run" in checks["lock"].finding
    assert not any(name.startswith("storage: ") for name in checks)


async def test_a_promise_that_a_server_breaks_is_a_problem_if_evidence_needs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def probe(storage: Storage, *, in_parts: Storage | None) -> list[Finding]:
        return [
            Finding("create-only writes", ok=False, needed=True, seen="overwritten", advice="x"),
            Finding("checksums", ok=False, needed=False, seen="taken", advice="y"),
        ]

    monkeypatch.setattr(archive, "probe_storage", probe)
    checks = await found(configured(tmp_path, "http://127.0.0.1:9"), surroundings(tmp_path))
    assert checks["storage: create-only writes"].verdict is Verdict.PROBLEM
    assert checks["storage: checksums"].verdict is Verdict.WARNING


async def test_a_spool_is_tried_where_recordings_go_to_s3(tmp_path: Path) -> None:
    for spool, verdict in ((tmp_path, Verdict.OK), (tmp_path / "no", Verdict.PROBLEM)):
        text = f"{{storage: {{url: 's3://bucket'}}, download: {{spool: '{spool}'}}}}"
        config = configured(tmp_path, "http://127.0.0.1:9", text=text)
        (check,) = await try_spool(config, surroundings(tmp_path))
        assert check.verdict is verdict
    assert await try_spool(configured(tmp_path, "http://127.0.0.1:9"), surroundings(tmp_path)) == []


async def test_whoever_is_to_be_told_is_tried_without_being_told(tmp_path: Path) -> None:
    text = """
window: {{since: 2026-10-01}}
notices: {{webhook: '{url}/hook/canary-7f3a', heartbeat: 'http://127.0.0.1:9/canary-7f3a'}}
metrics: {{textfile: {folder}/archiver.prom}}
"""
    async with Sandbox() as sandbox:
        text = text.format(url=sandbox.url, folder=tmp_path)
        asked = sandbox.count()
        checks = await found(configured(tmp_path, sandbox.url, text=text), surroundings(tmp_path))
        paths = {one.path for one in sandbox.requests}
    assert asked == 0
    assert not [path for path in paths if "canary" in path]
    assert checks["webhook"].verdict is Verdict.OK
    assert "nothing was sent" in checks["webhook"].finding
    assert checks["heartbeat"].verdict is Verdict.WARNING
    assert checks["metrics"].verdict is Verdict.OK
    assert "canary" not in str(checks)
    assert list(tmp_path.glob("*.prom")) == []


async def test_a_folder_for_metrics_that_is_not_there_is_worth_a_look(tmp_path: Path) -> None:
    text = "window: {since: 2026-10-01}\nmetrics: {textfile: no/such/archiver.prom}"
    checks = await found(
        configured(tmp_path, "http://127.0.0.1:9", text=text), surroundings(tmp_path)
    )
    assert checks["metrics"].verdict is Verdict.WARNING
    assert "is not writable" in checks["metrics"].finding
