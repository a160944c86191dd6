"""`archiver prune`: shows, and removes only when told the number."""

import json
from pathlib import Path

from tests.cli.commands import archiver
from tests.support.world import tree


def test_it_shows_and_then_removes_that_number(archived: Path) -> None:
    before = tree(archived)
    ended = archiver("prune", folder=archived)
    assert (ended.code, ended.err) == (0, ""), ended
    assert "17  recordings can be deleted" in ended.out
    assert "To delete them permanently, run `archiver prune --remove 17`." in ended.out
    assert tree(archived) == before
    ended = archiver("prune", "--remove", "17", folder=archived)
    assert (ended.code, ended.err) == (0, ""), ended
    assert "REMOVED: 17 recordings." in ended.out
    assert not list((archived / "archive").glob("5*"))
    told = archiver("prune", "--json", folder=archived).answer
    assert (told["recordings"], told["removed"]) == (0, None)
    assert "Nothing to delete now." in archiver("prune", folder=archived).out


def test_another_number_ends_with_2_and_removes_nothing(archived: Path) -> None:
    before = tree(archived / "archive")
    ended = archiver("prune", "--remove", "16", "--json", folder=archived)
    assert ended.code == 2
    assert "17 recordings would be deleted now, not 16" in ended.answer["error"]["message"]
    assert tree(archived / "archive") == before


def test_json_tells_what_goes_and_what_stays(archived: Path) -> None:
    archiver("hold", "add", "--lead", "50231", "--reason", "x", folder=archived)
    (archived / "archive/50244/70102/900102.json").unlink()
    ended = archiver("prune", "--json", folder=archived)
    told = ended.answer
    assert ended.code == 4
    assert told["recordings"] == 15
    assert told["kept"] == {"held": 1, "locked": 0, "open": 0, "damaged": 1}
    assert told["damaged"] == ["50244/70102/900102.mp3"]
    assert sum(told["byMonth"].values()) == 15


def test_without_retention_keep_it_ends_with_2(archived: Path) -> None:
    path = archived / "archive.yaml"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"retention": {}}))
    ended = archiver("prune", folder=archived)
    assert ended.code == 2
    assert "retention.keep is not set" in ended.err


def test_the_commands_take_the_day(archived: Path) -> None:
    for command in (("prune",), ("erase", "--lead", "50231", "--reason", "asked")):
        ended = archiver(*command, "--remove", "1", "--today", "2001-01-01", folder=archived)
        assert ended.code == 2
        assert "--today says 2001-01-01" in ended.err
