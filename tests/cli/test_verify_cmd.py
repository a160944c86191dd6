"""`archiver verify`: what it answers, and how it ends."""

import os
import shutil
import signal
from pathlib import Path
from typing import Any

import anyio
import pytest

from archiver.cli import main
from archiver.verify.rules import judge
from tests.cli.commands import Ended, archiver, interrupted, started
from tests.verify.archives import Case, make
from tests.verify.media import Folder
from tests.verify.tampering import AUDIO, FORMAT, flipped


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Case:
    case = anyio.run(make, tmp_path_factory.mktemp("verified"))
    (case.folder / "archive.yaml").write_text("window: {since: 2026-11-01}\n")
    shutil.copytree(case.state, case.folder / ".local/state/archiver")
    return case


@pytest.fixture
def case(pristine: Case, tmp_path: Path) -> Case:
    return pristine.copy(tmp_path / "case")


def damage(case: Case) -> None:
    medium = Folder(case.root)
    medium.write(AUDIO, flipped(medium.read(AUDIO), 9))


def verify(case: Case, *options: str) -> Ended:
    """The command, in a process that knows no API key."""
    return archiver("verify", *options, folder=case.folder)


def answered(case: Case, *options: str) -> dict[str, Any]:
    ended = verify(case, "--json", *options)
    return {"code": ended.code, **ended.answer}


def test_a_sound_archive_ends_with_0_and_needs_no_key(case: Case) -> None:
    ended = verify(case, "--head", case.head)
    assert (ended.code, ended.err) == (0, "")
    assert "INTACT" in ended.out
    assert case.head in ended.out
    told = answered(case)
    assert told["code"] == 0
    assert (told["complete"], told["intact"], told["findings"]) == (True, True, [])
    assert told["head"] == case.head
    assert told["checked"]["objects"] == len(Folder(case.root).listing())


def test_damage_ends_with_4_and_each_finding_has_a_next_step(case: Case) -> None:
    damage(case)
    ended = verify(case)
    assert ended.code == 4
    assert f"WRONG-DIGEST       {AUDIO}" in ended.out
    assert "next: " in ended.out
    told = answered(case)
    assert told["code"] == 4
    (found,) = told["findings"]
    assert (found["finding"], found["key"], found["recordId"]) == ("wrong-digest", AUDIO, 11)
    assert found["next"]
    assert told["remaining"] == 1
    assert told["complete"] is True


def test_a_sample_says_which_part_it_was_and_goes_on(case: Case) -> None:
    first, second = (answered(case, "--sample", "1/3")["sample"] for _ in range(2))
    assert second["part"] == first["part"] % 3 + 1
    assert first["parts"] == second["parts"] == 3


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--sample", "1/0"], "--sample"),
        (["--sample", "1/3", "--since", "2026-01-01"], "cannot be combined"),
        (["--head", "abc"], "--head"),
        (["--since", "soon"], "--since"),
    ],
)
def test_an_impossible_question_ends_with_2(case: Case, options: list[str], word: str) -> None:
    told = answered(case, *options)
    assert (told["code"], told["error"]["code"]) == (2, 2)
    assert word in told["error"]["message"]


def test_a_key_that_is_not_there_ends_with_2_and_is_no_verification(case: Case) -> None:
    ended = verify(case, "--key", "nowhere.pub")
    assert ended.code == 2
    assert "the public key nowhere.pub does not exist\nhint: check its path" in ended.err
    assert "verification" not in archiver("status", folder=case.folder).out


def test_a_repair_demands_the_key(case: Case) -> None:
    assert answered(case, "--repair")["code"] == 2


def test_no_archive_and_another_format_end_with_2(case: Case) -> None:
    path = case.root / FORMAT
    path.write_bytes(path.read_bytes().replace(b"archive/1", b"archive/7"))
    assert answered(case)["code"] == 2
    shutil.rmtree(case.root)
    ended = verify(case)
    assert (ended.code, ended.out) == (2, "")
    assert len(ended.err.splitlines()) == 3


def test_an_interruption_tells_what_was_found_so_far(
    case: Case, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(case)
    judged = 0

    def judge_and_interrupt(*seen: Any) -> Any:
        nonlocal judged
        judged += 1
        if judged == 1:
            os.kill(os.getpid(), signal.SIGINT)
        return judge(*seen)

    monkeypatch.setattr("archiver.verify.stretch.judge", judge_and_interrupt)
    monkeypatch.setenv("HOME", str(case.folder))
    code = main(["-c", str(case.folder / "archive.yaml"), "verify"])
    told = capsys.readouterr()
    assert code == 130
    assert "INTERRUPTED" in told.out
    assert "Stopping" in told.err


def test_a_process_that_is_told_to_end_ends(case: Case) -> None:
    process = started("verify", "--json", folder=case.folder)
    ended = interrupted(process, signal.SIGTERM)
    assert ended.code in (-signal.SIGTERM, 0, 130)  # before it listens, done already, or in order
    assert "Traceback" not in ended.err
