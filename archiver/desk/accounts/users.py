"""The users file: who may use the desk, with which role and password, in YAML.

It controls access to every call, so it is rejected if anyone but its owner can change it, or anyone
but its owner and group can read it. It is read again whenever it has changed; if it cannot be read,
nobody can log in until it is repaired.
"""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Final

import anyio.to_thread

from archiver.config.document import Section, Source, parse_document
from archiver.config.files import read_text
from archiver.config.scalars import one_of, whole
from archiver.desk.accounts.passwords import is_hash
from archiver.desk.accounts.person import Role, proper_name
from archiver.errors import ConfigError

_KNOWN: Final = {"": ("users",), "users": ("name", "role", "user_id", "password")}
GREATEST_USER_ID: Final = 999_999_999
_TOO_OPEN: Final = stat.S_IWGRP | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class User:
    """One entry. Without a password (its hash) the user gets in by the word of a proxy alone. An
    agent, and nobody else, has the id of a user of the API."""

    name: str
    role: Role
    password: str | None = None
    user_id: int | None = None


class UsersFile:
    """The users, as the file has them now. For any thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, ...] | None = None
        self._users: Mapping[str, User] = {}
        self._one_looks = Lock()

    def all(self) -> Mapping[str, User]:
        """Every user by name; none where there is no file. Raises ConfigError."""
        with self._one_looks:
            found = self._facts()
            if found is None:
                self._seen, self._users = None, {}
            elif found != self._seen:
                self._seen, self._users = None, {}
                self._users = read_users(self.path)
                self._seen = found
            return self._users

    def find(self, name: str) -> User | None:
        """The user of that name, however it is typed."""
        try:
            return self.all().get(proper_name(name))
        except ValueError:
            return None

    async def look_up(self, name: str) -> User | None:
        """The same, in a worker thread."""
        return await anyio.to_thread.run_sync(self.find, name)

    async def look_at_all(self) -> Mapping[str, User]:
        """Every user by name, in a worker thread."""
        return await anyio.to_thread.run_sync(self.all)

    def _facts(self) -> tuple[int, ...] | None:
        try:
            facts = self.path.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigError(
                f"desk.users: cannot read {self.path}: {error.strerror}",
                hint="check the permissions of its folders",
            ) from None
        return facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns


def read_users(path: Path) -> dict[str, User]:
    """The users in a file; ConfigError names the line, and never shows a hash."""
    text = read_text(path, f"desk.users: {path}")
    _refuse_open(path)
    source = Source(path.name, {})
    users: dict[str, User] = {}
    for section in parse_document(source, text, _KNOWN).sections("users"):
        user = _user(section)
        if user.name in users:
            raise section.error("name", f"is listed twice: {user.name}", "keep one entry")
        users[user.name] = user
    return users


def _user(section: Section) -> User:
    for key in ("name", "role"):
        if not section.has(key):
            raise section.error(key, "is missing")
    role = Role(section.value("role", one_of(tuple(Role)), ""))
    if section.has("user_id") != (role is Role.AGENT):
        what = "is missing: an agent needs" if role is Role.AGENT else "is for agents only:"
        raise section.error("user_id", f"{what} the id of a user of the API")
    return User(
        name=section.value("name", proper_name, ""),
        role=role,
        password=section.value("password", _hash, None, private=True),
        user_id=section.value("user_id", whole(1, GREATEST_USER_ID), None),
    )


def _hash(text: str) -> str:
    if not is_hash(text):
        raise ValueError("is not a hash written by `archiver user password`")
    return text


def _refuse_open(path: Path) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if os.name == "posix" and mode & _TOO_OPEN:
        raise ConfigError(
            f"desk.users: {path} can be read or changed by other users (mode {mode:04o})",
            hint=f"chmod 600 {path}",
        )
