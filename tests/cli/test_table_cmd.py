"""`archiver table`: a table with its digest, the act of it, and refusals in plain words."""

import hashlib
from pathlib import Path

import pytest

from tests.cli.commands import archiver


def test_it_writes_the_table_and_tells_its_digest(archived: Path) -> None:
    ended = archiver("table", "--to", "calls.csv", "--json", folder=archived)
    assert ended.code == 0
    told = ended.answer
    data = (archived / "calls.csv").read_bytes()
    assert told["sha256"] == hashlib.sha256(data).hexdigest()
    assert (told["recordings"], told["damaged"], told["bytes"]) == (17, 0, len(data))
    acts = archiver("status", "--acts", folder=archived).out
    assert told["sha256"] in acts
    again = archiver("table", "--to", "calls.csv", folder=archived)
    assert (again.code, "already exists" in again.err) == (2, True)
    forced = archiver("table", "--to", "calls.csv", "--force", folder=archived)
    assert forced.code == 0
    assert f"{told['rows']} rows, 17 recordings" in forced.out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--to", "calls.xls"], 2, "--to must name a .parquet, .sqlite or .csv file"),
        (["--to", "calls.csv", "--mask", "addresses"], 2, "--mask does not support 'addresses'"),
        (["--to", "calls.csv", "--since", "2030-01-01"], 3, "no calls in this period"),
        (["--to", "missing/calls.csv"], 2, "does not exist"),
        (["--to", "archive/calls.csv"], 2, "is inside the archive"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(
    archived: Path, arguments: list[str], code: int, said: str
) -> None:
    before = sorted(archived.rglob("*.csv"))
    ended = archiver("table", *arguments, folder=archived)
    assert ended.code == code
    assert said in ended.err
    assert sorted(archived.rglob("*.csv")) == before
