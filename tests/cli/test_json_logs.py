"""`--log json`: standard error is one JSON object a line, with the ids that each is about."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archiver.sandbox.cues import Fault
from archiver.sandbox.exchange import Route
from archiver.sandbox.faults import Cut, Status
from archiver.sandbox.server import Sandbox, sandbox_thread
from tests.cli.commands import ALONE, Ended, archiver

KEY = "canary-key-88aa"
ENVIRON = {"LINER_API_KEY": KEY}


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with sandbox_thread(Sandbox(key=KEY)) as serving:
        liner = {"url": serving.url, "requests_per_second": 500}
        document = {"liner": liner, "window": {"since": "2026-10-01"}, **ALONE}
        (tmp_path / "archive.yaml").write_text(json.dumps(document))
        yield serving


def lines(ended: Ended) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ended.err.splitlines()]


def events(ended: Ended, kind: str) -> list[dict[str, Any]]:
    return [one for one in lines(ended) if one["event"] == kind]


@pytest.mark.usefixtures("sandbox")
def test_a_run_is_logged_from_its_start_to_its_sums(tmp_path: Path) -> None:
    ended = archiver("run", "--log", "json", "--json", folder=tmp_path, environ=ENVIRON)
    assert ended.code == 0, ended
    (begun,), (done,) = events(ended, "run-started"), events(ended, "run-ended")
    assert begun["runId"] == done["runId"] == ended.answer["runId"]
    assert done["recordings"] == ended.answer["recordings"]
    assert (done["exitCode"], done["ledgerHead"]) == (0, ended.answer["ledgerHead"])
    assert all(set(one) >= {"at", "event"} for one in lines(ended))


def test_retries_and_what_is_not_archived_name_call_and_recording(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    sandbox.faults.add(
        Fault(Route.FILE, Cut(100), id=900105, times=1),
        Fault(Route.FILE, Status(404), id=900107),
        Fault(Route.RECORDINGS, Status(503), id=70102, times=1),
    )
    ended = archiver("run", "--log=json", folder=tmp_path, environ=ENVIRON)
    assert ended.code == 3, ended
    retries = events(ended, "retry")
    (of_file,) = [one for one in retries if "recordId" in one]
    assert (of_file["recordId"], of_file["attempt"]) == (900105, 1)
    assert isinstance(of_file["callId"], int)
    (of_list,) = [one for one in retries if "recordId" not in one]
    assert of_list["callId"] == 70102
    (missing,) = events(ended, "not-archived")
    assert missing["recordId"] == 900107
    assert (missing["state"], missing["reason"]) == ("failed", "source-missing")
    runs = {one.get("runId") for one in [*retries, missing]}
    assert runs == {events(ended, "run-started")[0]["runId"]}


@pytest.mark.usefixtures("sandbox")
def test_an_error_is_one_object_without_a_secret(tmp_path: Path) -> None:
    wrong = {"LINER_API_KEY": "canary-wrong"}
    ended = archiver("run", "--log", "json", folder=tmp_path, environ=wrong)
    assert (ended.code, ended.out) == (5, "")
    (error,) = events(ended, "error")
    assert error["code"] == 5
    assert error["hint"]
    assert not ended.says("canary")


def test_other_commands_log_json_too_and_text_stays_the_default(tmp_path: Path) -> None:
    ended = archiver("--log", "json", "status", folder=tmp_path)
    assert [one["code"] for one in lines(ended)] == [2]
    assert archiver("status", folder=tmp_path).err.startswith("error: archive.yaml does not exist")
    refused = archiver("status", "--log", "xml", folder=tmp_path)
    assert refused.code == 2
    assert "must be one of" in refused.err
