"""The users file: refused when it is wrong or too open, read again when it has changed."""

from pathlib import Path

import pytest

from archiver.desk.accounts.enrolment import change_users
from archiver.desk.accounts.passwords import hash_password
from archiver.desk.accounts.person import Role
from archiver.desk.accounts.users import User, UsersFile, read_users
from archiver.errors import ConfigError, UsageError
from archiver.storage.local.filelock import FileLock
from tests.desk.parts import CHEAP

HASH = hash_password("a sentence, not a word", CHEAP)
ANNA = User("anna", Role.ADMIN, HASH)
BORIS = User("борис", Role.LISTENER)


def written(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def enrol(path: Path, *users: User) -> None:
    change_users(path, lambda known: known.update({user.name: user for user in users}))


def test_what_is_enrolled_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "users.yaml"
    enrol(path, ANNA, BORIS)
    assert read_users(path) == {"anna": ANNA, "борис": BORIS}
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_may_be_written_by_hand(tmp_path: Path) -> None:
    path = written(
        tmp_path / "users.yaml",
        f"users:\n  - {{name: Anna, role: admin, password: '{HASH}'}}\n"
        "  - name: 101\n    role: listener\n",
    )
    assert read_users(path) == {"anna": ANNA, "101": User("101", Role.LISTENER)}


def test_without_a_file_there_are_no_users(tmp_path: Path) -> None:
    assert UsersFile(tmp_path / "users.yaml").all() == {}
    assert UsersFile(tmp_path / "users.yaml").find("anna") is None


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o620, 0o666, 0o601])
def test_a_file_that_others_can_read_or_change_is_refused(tmp_path: Path, mode: int) -> None:
    path = written(tmp_path / "users.yaml", "users: []", mode)
    with pytest.raises(ConfigError, match=f"mode {mode:04o}") as caught:
        read_users(path)
    assert caught.value.hint == f"chmod 600 {path}"


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o440, 0o400])
def test_the_group_of_the_service_may_read_it(tmp_path: Path, mode: int) -> None:
    assert read_users(written(tmp_path / "users.yaml", "users: []", mode)) == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("users: [{name: anna}]", "line 1: users.role is missing"),
        ("users:\n  - role: admin", "line 2: users.name is missing"),
        ("users: [{name: 'a b', role: admin}]", "users.name must be 1 to 64"),
        ("users: [{name: local, role: admin}]", "users.name is reserved"),
        ("users: [{name: anna, role: boss}]", "users.role must be listener or reviewer or"),
        ("users: [{name: anna, role: admin, password: pw}]", "users.password is not a hash"),
        (
            "users:\n- {name: a, role: admin}\n- {name: A, role: admin}",
            "line 3: users.name is listed twice: a",
        ),
        ("users: [{name: a, role: agent}]", "users.user_id is missing"),
        ("users: [{name: a, role: lead, user_id: 5}]", "users.user_id is for agents only"),
        ("users: [{name: a, role: agent, user_id: x}]", "users.user_id must be a whole number"),
        ("users: {anna: admin}", "users must be a list"),
        ("user: []", "unknown key user"),
        ("users: [{name: anna, rolle: admin}]", "did you mean users.role"),
        ("users: &a []", "anchors"),
        ("\t", "tab"),
    ],
)
def test_a_wrong_file_is_refused_by_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_users(written(tmp_path / "users.yaml", text))
    assert message in f"{caught.value} {caught.value.hint}"


def test_a_hash_is_never_shown(tmp_path: Path) -> None:
    text = f"users: [{{name: anna, role: admin, password: 'x{HASH}'}}]"
    with pytest.raises(ConfigError) as caught:
        read_users(written(tmp_path / "users.yaml", text))
    assert HASH not in f"{caught.value} {caught.value.hint} {caught.value!r}"


def test_a_change_counts_at_once(tmp_path: Path) -> None:
    path = tmp_path / "users.yaml"
    users = UsersFile(path)
    enrol(path, ANNA)
    assert users.find("ANNA") == ANNA
    enrol(path, User("anna", Role.LISTENER, HASH))
    assert users.find("anna") == User("anna", Role.LISTENER, HASH)
    path.unlink()
    assert users.all() == {}


def test_a_file_that_broke_lets_nobody_in_until_it_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "users.yaml"
    enrol(path, ANNA)
    users = UsersFile(path)
    assert users.find("anna") == ANNA
    written(path, "users: [{")
    for _ in range(2):
        with pytest.raises(ConfigError):
            users.find("anna")
    enrol(written(path, "users: []"), ANNA)
    assert users.find("anna") == ANNA


def test_a_change_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "users.yaml"
    enrol(path, ANNA)
    before = path.read_bytes()

    def fail(users: dict[str, User]) -> None:
        users.clear()
        raise UsageError("no")

    with pytest.raises(UsageError, match="no"):
        change_users(path, fail)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_keeps_its_rights_and_a_link_its_target(tmp_path: Path) -> None:
    target = tmp_path / "secret" / "users.yaml"
    target.parent.mkdir()
    enrol(target, ANNA)
    target.chmod(0o640)
    link = tmp_path / "users.yaml"
    link.symlink_to(target)
    enrol(link, BORIS)
    assert link.is_symlink()
    assert target.stat().st_mode & 0o777 == 0o640
    assert set(read_users(target)) == {"anna", "борис"}


def test_two_changes_never_cross(tmp_path: Path) -> None:
    lock = FileLock(str(tmp_path / ".users.yaml.lock"))
    assert lock.acquire()
    with pytest.raises(UsageError, match="by another command"):
        enrol(tmp_path / "users.yaml", ANNA)
    lock.release()
    enrol(tmp_path / "users.yaml", ANNA)


def test_a_place_where_no_file_can_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot write"):
        enrol(tmp_path / "file" / "users.yaml", ANNA)
