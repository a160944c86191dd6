"""Changing the users file: one whole file replaces the other, and two changes never cross."""

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from archiver.desk.accounts.users import User, read_users
from archiver.errors import UsageError
from archiver.storage.local.filelock import FileLock

_HEAD: Final = (
    "# Who may use the desk, as what. `archiver user` writes this file anew: comments are lost.\n"
    "# A role (listener, reviewer, lead, admin, agent) may be changed by hand; it counts at once.\n"
)


def change_users(path: Path, change: Callable[[dict[str, User]], None]) -> None:
    """Read the users (none where there is no file), let `change` change them, write them back.

    What `change` raises leaves the file as it was. A new file can be read by its owner alone; one
    that is replaced keeps its rights. Raises UsageError where it cannot be written.
    """
    target = path.resolve()
    with _file_errors(path), _alone(target):
        users = read_users(target) if target.exists() else {}
        change(users)
        _replace(target, _text(users))


def no_such_user(name: str, path: Path) -> UsageError:
    """The error for a name that the file does not have."""
    return UsageError(f"{path} has no user {name}", hint="list all users with `archiver user list`")


def _text(users: dict[str, User]) -> str:
    entries = [_entry(users[name]) for name in sorted(users)]
    return _HEAD + ("users:\n" + "".join(entries) if entries else "users: []\n")


def _entry(user: User) -> str:
    """Strings in JSON's form are strings in YAML's, too."""
    lines = [f"  - name: {json.dumps(user.name, ensure_ascii=False)}\n    role: {user.role}\n"]
    if user.user_id is not None:
        lines.append(f"    user_id: {user.user_id}\n")
    if user.password is not None:
        lines.append(f"    password: {json.dumps(user.password)}\n")
    return "".join(lines)


def _replace(path: Path, text: str) -> None:
    number, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(number, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            if path.exists():
                _copy_rights(path, number)
            os.fsync(number)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def _copy_rights(path: Path, number: int) -> None:
    """Keep the file readable for the service if root changes it."""
    facts = path.stat()
    os.fchmod(number, facts.st_mode & 0o7777)
    with suppress(PermissionError):
        os.fchown(number, facts.st_uid, facts.st_gid)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    lock = FileLock(str(path.parent / f".{path.name}.lock"))
    if not lock.acquire():
        raise UsageError(
            f"{path} is being changed by another command", hint="try again in a moment"
        )
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _file_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"desk.users: cannot write {path}: {error.strerror or 'it failed'}",
            hint="set it to a file in a folder that you can write to",
        ) from None
