"""`archiver status`: without a key, beside a run, for people, programs and spreadsheets."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archiver.sandbox.cues import Fault
from archiver.sandbox.exchange import Route
from archiver.sandbox.faults import Status
from archiver.sandbox.server import Sandbox, sandbox_thread
from tests.cli.commands import ALONE, Ended, archiver

KEY = "canary-key-7f3a"


@pytest.fixture(scope="module")
def archived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the archive of the sample calls, of which one recording stays open."""
    folder = tmp_path_factory.mktemp("status")
    broken = Fault(Route.FILE, Status(404), id=900105)
    with sandbox_thread(Sandbox(key=KEY, faults=[broken])) as serving:
        liner = {"url": serving.url, "api_key": KEY, "requests_per_second": 500}
        (folder / "archive.yaml").write_text(json.dumps({"liner": liner, **ALONE}))
        ended = archiver("run", "--since", "2026-10-01", "--json", folder=folder)
        assert ended.code == 3, ended
    (folder / "run.json").write_text(ended.out)
    (folder / "archive.yaml").write_text("liner: {api_key_file: /run/secrets/not-here}")
    yield folder


def status(folder: Path, *arguments: str) -> Ended:
    return archiver("status", *arguments, folder=folder)


def of_the_run(folder: Path) -> dict[str, Any]:
    return Ended(3, (folder / "run.json").read_text(), "").answer


def test_without_key_and_address_it_tells_what_the_run_told(archived: Path) -> None:
    ended = status(archived, "--json")
    assert (ended.code, ended.err) == (3, "")
    told, run = ended.answer, of_the_run(archived)
    talks = told["calls"].pop("unrecordedCalls")
    assert told["calls"].pop("shouldHaveOne") == talks
    assert told["calls"] == run["calls"]
    assert told["bytes"] == run["bytes"]
    assert told["ledgerHead"] == run["ledgerHead"]
    assert talks == len(told["unrecordedCalls"]) == len(told["shouldHaveOne"])
    (one,) = told["problems"]
    assert (one["recordId"], one["reason"]) == (900105, "source-missing")
    assert told["runs"][0]["runId"] == run["runId"]


def test_people_read_the_same_numbers_in_lines_that_fit(archived: Path) -> None:
    ended = status(archived)
    assert (ended.code, ended.err) == (3, "")
    assert f"Calls        {of_the_run(archived)['calls']['listed']:>12,}  listed" in ended.out
    assert "1 failed: the source says that the recording does not exist" in ended.out
    assert max(map(len, ended.out.splitlines())) <= 100


@pytest.mark.parametrize(
    ("by", "column", "name"),
    [
        ("day", "day", []),
        ("order", "order_id", ["order_title"]),
        ("agent", "user_id", ["user_name"]),
    ],
)
def test_a_spreadsheet_gets_the_table_of_json_with_the_name_last(
    archived: Path, by: str, column: str, name: list[str]
) -> None:
    rows = status(archived, "--json").answer["by"][by]
    done = status(archived, "--by", by, "--csv")
    assert (done.code, done.err) == (3, "")
    head, *lines = csv.reader(io.StringIO(done.out))
    assert head == [
        *(column, "listed", "archived", "none", "waiting", "failed", "gone"),
        *("should_have_one", "unrecorded_calls"),
        *name,
    ]
    for row in rows:
        if name:
            called = "orderTitle" if by == "order" else "userName"
            row[called] = row.pop(called)
    assert lines == [["" if one is None else str(one) for one in row.values()] for row in rows]


def test_agents_and_orders_are_named_beside_their_ids(archived: Path) -> None:
    told = status(archived, "--json").answer["by"]
    agents = {row["userId"]: row["userName"] for row in told["agent"]}
    assert agents[101] == "Anna Price"
    shown = status(archived, "--by", "agent").out
    assert "101 Anna Price" in shown


def test_a_day_is_a_csv_table_of_its_own_with_a_head_even_if_empty(archived: Path) -> None:
    ended = status(archived, "--csv", "--until", "2020-01-01")
    assert (ended.code, ended.out.count("\n")) == (0, 1)
    assert ended.out.startswith("day,listed,")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--csv", "--json"), "--csv and --json cannot be combined"),
        (("--by", "lead"), "argument --by: must be one of"),
        (("--since", "soon"), "--since must be a date"),
        (
            ("--since", "2026-10-02", "--until", "2026-10-02"),
            "--since must be earlier than --until",
        ),
    ],
)
def test_impossible_questions_end_with_2(
    archived: Path, arguments: tuple[str, ...], message: str
) -> None:
    ended = status(archived, *arguments)
    assert ended.code == 2, ended
    assert message in ended.err


@pytest.mark.parametrize("place", ["archive", "empty"])
def test_where_there_is_no_archive_it_ends_with_2_and_a_way_on(tmp_path: Path, place: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "archive.yaml").write_text(f"storage: {{url: {place}}}")
    ended = status(tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert "archiver run" in ended.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive.yaml", "empty"]
