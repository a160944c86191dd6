"""`archiver user`: people are added, changed and removed, and no password is ever shown."""

import json
import os
import pty
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from archiver.desk.accounts.passwords import verify_password
from archiver.desk.accounts.person import Role
from archiver.desk.accounts.users import User, read_users
from tests.cli.commands import Ended, archiver, environment

PASSWORD = "canary-7f3a a whole sentence"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "archive.yaml").write_text("{}")
    return tmp_path


def user(folder: Path, *arguments: str, typed: str = "") -> Ended:
    ended = archiver("user", *arguments, folder=folder, typed=typed)
    assert not ended.says(PASSWORD)
    return ended


def added(folder: Path, name: str = "anna", role: str = "admin") -> None:
    ended = user(folder, "add", name, "--role", role, "--password-stdin", typed=f"{PASSWORD}\n")
    assert (ended.code, ended.err) == (0, "")


def at_terminal(folder: Path, *arguments: str, typed: list[str]) -> tuple[int, str]:
    """The command at a real terminal, which is given a line for each question."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "archiver", "user", *arguments],
        cwd=folder,
        env=environment(folder),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown = b""
    for line in typed:
        while not shown.endswith(b": "):
            shown += os.read(ours, 1000)
        os.write(ours, line.encode() + b"\n")
        shown += b"."
    with suppress(OSError):  # nobody has the other end any more
        while piece := os.read(ours, 1000):
            shown += piece
    os.close(ours)
    return process.wait(60), shown.decode()


def test_a_user_is_added_listed_changed_and_removed(folder: Path) -> None:
    assert "on this machine only" in user(folder, "list").out
    added(folder, "Anna", "reviewer")
    (anna,) = read_users(folder / "users.yaml").values()
    assert (anna.name, anna.role) == ("anna", Role.REVIEWER)
    assert verify_password(PASSWORD, anna.password)
    assert user(folder, "role", "ANNA", "admin").out == "anna is now admin.\n"
    assert user(folder, "list").out == "anna  admin\n"
    changed = user(folder, "password", "anna", "--password-stdin", typed="another sentence\n")
    assert changed.out == "Changed the password of anna; open sessions were logged out.\n"
    assert verify_password("another sentence", read_users(folder / "users.yaml")["anna"].password)
    assert user(folder, "remove", "anna").code == 0
    assert read_users(folder / "users.yaml") == {}


def test_a_user_of_the_proxy_needs_no_password(folder: Path) -> None:
    assert user(folder, "add", "boris", "--role", "listener", "--no-password").code == 0
    assert read_users(folder / "users.yaml") == {"boris": User("boris", Role.LISTENER)}
    assert "log-in through the proxy only" in user(folder, "list").out


def test_the_file_is_where_the_configuration_says_and_nobody_else_reads_it(folder: Path) -> None:
    (folder / "archive.yaml").write_text(json.dumps({"desk": {"users": "people/desk.yaml"}}))
    added(folder)
    path = folder / "people" / "desk.yaml"
    assert path.stat().st_mode & 0o777 == 0o600
    told = user(folder, "list", "--json")
    assert told.answer == {
        "usersFile": str(path),
        "users": [{"name": "anna", "role": "admin", "hasPassword": True}],
    }


def test_no_hash_is_shown(folder: Path) -> None:
    added(folder)
    assert "scrypt" in (folder / "users.yaml").read_text()
    for arguments in (["list"], ["list", "--json"], ["role", "anna", "listener", "--json"]):
        assert "scrypt" not in user(folder, *arguments).out


@pytest.mark.parametrize(
    ("arguments", "typed", "says"),
    [
        (["add", "anna", "--role", "admin", "--no-password"], "", "user anna already exists"),
        (["add", "a b", "--role", "admin", "--no-password"], "", "the name must be"),
        (["add", "local", "--role", "admin", "--no-password"], "", "the name is reserved"),
        (["add", "carl", "--role", "boss", "--no-password"], "", "must be one of listener"),
        (["add", "carl", "--no-password"], "", "required: --role"),
        (["add", "carl", "--role", "admin", "--password-stdin"], "short\n", "10 characters"),
        (["add", "carl", "--role", "admin", "--password-stdin"], "", "10 characters"),
        (["add", "carl", "--role", "admin"], "", "no terminal"),
        (["add", "carl", "--role", "admin", "--password", "x"], "", "unknown option --password"),
        (["password", "nobody", "--password-stdin"], f"{PASSWORD}\n", "no user nobody"),
        (["role", "nobody", "admin"], "", "no user nobody"),
        (["remove", "nobody"], "", "no user nobody"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    folder: Path, arguments: list[str], typed: str, says: str
) -> None:
    added(folder)
    before = (folder / "users.yaml").read_bytes()
    ended = user(folder, *arguments, typed=typed)
    assert ended.code == 2
    assert says in ended.err
    assert (folder / "users.yaml").read_bytes() == before


def test_at_a_terminal_the_password_is_asked_for_twice_and_not_shown(folder: Path) -> None:
    code, shown = at_terminal(folder, "add", "anna", "--role", "admin", typed=[PASSWORD, PASSWORD])
    assert (code, "Password: " in shown, PASSWORD in shown) == (0, True, False)
    assert verify_password(PASSWORD, read_users(folder / "users.yaml")["anna"].password)


def test_two_different_passwords_at_a_terminal_change_nothing(folder: Path) -> None:
    code, shown = at_terminal(
        folder, "add", "anna", "--role", "admin", typed=[PASSWORD, f"{PASSWORD}!"]
    )
    assert code == 2
    assert "the passwords do not match" in shown
    assert not (folder / "users.yaml").exists()
