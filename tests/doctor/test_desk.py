"""What `doctor` finds of a desk: in words of its own, and never in the way of a run."""

from pathlib import Path
from typing import Any

import pytest

from archiver.config import Config
from archiver.config.loading import load_config
from archiver.desk.accounts.enrolment import change_users
from archiver.desk.accounts.person import Role
from archiver.desk.accounts.users import User
from archiver.doctor import Check, Surroundings, Verdict
from archiver.doctor.desk import try_desk

pytestmark = pytest.mark.anyio


def configured(folder: Path, desk: str = "") -> Config:
    text = f"liner: {{url: https://liner.example.com, api_key: x}}\ndesk: {{{desk}}}"
    return load_config(text, {}, base=folder)


def enrol(folder: Path, **roles: Role) -> None:
    def change(users: dict[str, User]) -> None:
        users |= {name: User(name, role) for name, role in roles.items()}

    change_users(folder / "users.yaml", change)


async def found(folder: Path, desk: str = "") -> dict[str, Check]:
    around = Surroundings(lambda _: folder / "state")
    return {one.name: one for one in await try_desk(configured(folder, desk), around)}


async def test_where_nobody_set_up_a_desk_nothing_is_looked_at(tmp_path: Path) -> None:
    assert await found(tmp_path) == {}
    assert list(tmp_path.iterdir()) == []


async def test_a_sound_desk_is_told_part_by_part(tmp_path: Path) -> None:
    enrol(tmp_path, ada=Role.ADMIN, rita=Role.REVIEWER, ross=Role.REVIEWER)
    (tmp_path / "card.yaml").write_text("questions: [{id: a, text: A, kind: yes_no}]")
    checks = await found(tmp_path, "scorecard: card.yaml, data: own/desk.sqlite")
    del checks["desk: decoder"]
    assert {one.verdict for one in checks.values()} == {Verdict.OK}, checks
    assert "0 listener, 2 reviewer, 0 lead, 1 admin, 0 agent" in checks["desk: users"].finding
    assert checks["desk: scorecard"].finding == "valid; questions: 1"
    assert str(tmp_path / "own") in checks["desk: data"].finding
    assert list((tmp_path / "own").iterdir()) == []


async def test_a_missing_ffmpeg_is_named_with_what_cannot_be_played(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(tmp_path, ada=Role.ADMIN)
    monkeypatch.setenv("PATH", str(tmp_path))
    decoder = (await found(tmp_path))["desk: decoder"]
    assert decoder.verdict is Verdict.WARNING
    assert "AMR" in decoder.finding


def open_to_all(folder: Path) -> None:
    enrol(folder, ada=Role.ADMIN)
    (folder / "users.yaml").chmod(0o644)


def broken(folder: Path) -> None:
    (folder / "users.yaml").write_text("users: [")
    (folder / "users.yaml").chmod(0o600)


@pytest.mark.parametrize(
    ("prepare", "desk", "name", "said"),
    [
        (open_to_all, "", "desk: users", "the desk would not start"),
        (broken, "", "desk: users", "users.yaml, line 1"),
        (
            lambda folder: enrol(folder, rita=Role.REVIEWER),
            "",
            "desk: users",
            "nobody can read",
        ),
        (lambda _: None, "public_url: https://d.example", "desk: users", "nobody can log in"),
        (lambda _: None, "scorecard: none.yaml", "desk: scorecard", "none.yaml"),
        (
            lambda folder: (folder / "card.yaml").write_text("questions: []"),
            "scorecard: card.yaml",
            "desk: scorecard",
            "must be 1 to",
        ),
        (
            lambda folder: (folder / "file").touch(),
            "data: file/desk.sqlite",
            "desk: data",
            "cannot be used for databases",
        ),
    ],
)
async def test_what_is_wrong_with_a_desk_is_worth_a_look_and_stops_no_run(
    tmp_path: Path, prepare: Any, desk: str, name: str, said: str
) -> None:
    prepare(tmp_path)
    check = (await found(tmp_path, desk))[name]
    assert (check.verdict, check.is_problem) == (Verdict.WARNING, False)
    assert said in check.finding
    assert check.hint
