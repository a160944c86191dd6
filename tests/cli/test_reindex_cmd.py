"""`archiver reindex`: what it answers, and how it ends."""

from pathlib import Path

import anyio
import pytest

from tests.cli.commands import archiver
from tests.verify.archives import Case, make


@pytest.fixture
def case(tmp_path: Path) -> Case:
    case = anyio.run(make, tmp_path)
    (tmp_path / "archive.yaml").write_text("window: {since: 2026-11-01}\n")
    return case


def test_it_tells_what_it_found_and_needs_no_key(case: Case) -> None:
    ended = archiver("reindex", folder=case.folder)
    assert (ended.code, ended.err) == (0, "")
    assert "4 recordings" in ended.out
    ended = archiver("reindex", "--json", folder=case.folder)
    told = ended.answer
    assert (told["head"], told["recordings"], told["calls"]) == (case.head, 4, 3)
    assert Path(told["catalog"]).is_file()


def test_a_ledger_that_does_not_hold_ends_with_4(case: Case) -> None:
    min(case.root.glob("_archive/ledger/*.jsonl")).unlink()
    ended = archiver("reindex", "--json", folder=case.folder)
    assert ended.code == 4
    assert ended.answer["error"]["code"] == 4


def test_without_an_archive_it_ends_with_2(tmp_path: Path) -> None:
    (tmp_path / "archive.yaml").write_text("window: {since: 2026-11-01}\n")
    assert archiver("reindex", "--json", folder=tmp_path).code == 2
