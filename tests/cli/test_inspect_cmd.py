"""`archiver inspect`: what it prints, and how it ends."""

from pathlib import Path

from tests.cli.commands import archiver


def test_it_examines_once_what_is_archived_and_needs_no_key(archived: Path) -> None:
    ended = archiver("inspect", "--json", folder=archived)
    assert ended.code == 0
    told = ended.answer
    assert (told["examined"], told["undecoded"], told["unproved"]) == (17, 0, [])
    assert (told["findings"], told["whole"]) == ({}, True)
    again = archiver("inspect", folder=archived)
    assert (again.code, again.out.strip()) == (0, "Sound check: nothing to examine")
    assert archiver("inspect", "--again", "--json", folder=archived).answer["examined"] == 17
    assert archiver("inspect", "--since", "1d", "--json", folder=archived).answer["examined"] == 0


def test_status_says_how_far_the_archive_was_examined(archived: Path) -> None:
    told = archiver("status", "--json", folder=archived).answer["sound"]
    assert (told["examined"], told["notExamined"]) == (0, 17)
    assert "17 recordings not examined yet" in archiver("status", folder=archived).out
    archiver("inspect", folder=archived)
    told = archiver("status", "--json", folder=archived).answer["sound"]
    assert (told["examined"], told["notExamined"], told["found"]) == (17, 0, [])


def test_without_an_archive_it_ends_with_2(tmp_path: Path) -> None:
    (tmp_path / "archive.yaml").write_text("window: {since: 2026-11-01}\n")
    ended = archiver("inspect", folder=tmp_path)
    assert ended.code == 2
    assert "does not exist" in ended.err
