"""`archiver erase`: shows, refuses with a reason, and erases only when told the number."""

import re
from pathlib import Path

from tests.cli.commands import archiver
from tests.support.world import tree

LEAD = ("--lead", "50244")
WHY = ("--reason", "asked for")


def test_it_shows_and_then_erases(archived: Path) -> None:
    before = tree(archived)
    ended = archiver("erase", *LEAD, folder=archived)
    assert (ended.code, ended.err) == (0, ""), ended
    assert (
        "To erase it permanently, run `archiver erase --lead 50244 --remove 1 --reason TEXT`."
        in ended.out
    )
    assert tree(archived) == before
    told = archiver("erase", *LEAD, "--remove", "1", *WHY, "--json", folder=archived).answer
    assert (told["erased"], told["recordings"], told["calls"]) == (True, 1, 1)
    assert not (archived / "archive/50244").exists()
    assert archiver("erase", *LEAD, "--json", folder=archived).answer["recordings"] == 0


def test_a_lead_that_was_erased_is_told_from_one_that_nobody_knows(archived: Path) -> None:
    unknown = archiver("erase", "--lead", "424242", folder=archived)
    assert "has no call of lead 424242, and never erased that lead: check the id." in unknown.out
    archiver("erase", *LEAD, "--remove", "1", *WHY, folder=archived)
    again = archiver("erase", *LEAD, folder=archived)
    assert re.search(r"Already erased: everything created up to \d{4}-\d\d-\d\d \d\d:", again.out)
    assert again.out.endswith("Nothing else of it is in the archive.\n")
    told = archiver("erase", *LEAD, "--json", folder=archived).answer
    assert told["earlier"]["complete"] is True
    told = archiver("erase", "--lead", "424242", "--json", folder=archived).answer
    assert told["earlier"] is None


def test_what_is_held_is_refused_with_3_and_words(archived: Path) -> None:
    archiver("hold", "add", *LEAD, "--reason", "x", folder=archived)
    for arguments in (LEAD, (*LEAD, "--remove", "1", *WHY)):
        ended = archiver("erase", *arguments, folder=archived)
        assert ended.code == 3
        assert "REFUSED: 1 hold covers it" in ended.out
        assert "Nothing was erased." in ended.out
    told = archiver("erase", *LEAD, "--remove", "1", *WHY, "--json", folder=archived).answer
    assert (told["erased"], len(told["heldBy"])) == (False, 1)
    assert (archived / "archive/50244/70102/900102.mp3").exists()


def test_another_number_ends_with_2_and_erases_nothing(archived: Path) -> None:
    before = tree(archived / "archive")
    ended = archiver("erase", *LEAD, "--remove", "2", *WHY, folder=archived)
    assert ended.code == 2
    assert "lead 50244 has 1 recording here, not 2" in ended.err
    assert tree(archived / "archive") == before


def test_a_person_must_be_named(archived: Path) -> None:
    ended = archiver("erase", folder=archived)
    assert ended.code == 2
    assert "--lead" in ended.err


def test_an_erasure_without_a_reason_ends_with_2(archived: Path) -> None:
    before = tree(archived / "archive")
    for reason in ((), ("--reason", "  ")):
        ended = archiver("erase", *LEAD, "--remove", "1", *reason, folder=archived)
        assert ended.code == 2
        assert "an erasure requires a reason" in ended.err
    ended = archiver("erase", *LEAD, "--remove", "1", "--reason", "x" * 10_000, folder=archived)
    assert ended.code == 2
    assert "--reason has 10,000 characters" in ended.err
    assert tree(archived / "archive") == before
