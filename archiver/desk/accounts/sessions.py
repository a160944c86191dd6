"""Sessions: logged-in users, identified by a token that only the browser has.

The file has the SHA-256 of a token, never the token: someone who reads it, or a backup of it,
cannot use it. A session also stores which password it began with, so that a new password, or the
removal of the user, ends it at once.
"""

import hashlib
import hmac
import secrets
import sqlite3
from datetime import timedelta
from typing import Final

from archiver.clock import Clock
from archiver.desk.accounts.users import User, UsersFile
from archiver.desk.file import DeskFile

IDLE: Final = timedelta(hours=4)
"""How long a session lasts without a request."""
LONGEST: Final = timedelta(hours=14)
"""How long it lasts at all: a shift and more, and never until the next morning's."""

_MOST: Final = 20
"""Sessions of one user; the one that was seen least lately makes room for another."""
_SEEN_EVERY: Final = timedelta(minutes=1)
"""How often a session is noted as seen: a click shall not cost a synced write."""


class Sessions:
    """The sessions of one desk."""

    def __init__(self, file: DeskFile, clock: Clock) -> None:
        self._file = file
        self._clock = clock

    async def begin(self, user: User) -> str:
        """Begin a session; its token, 256 random bits as text."""
        token = secrets.token_urlsafe(32)
        now = self._now()
        row = (digest_of(token), user.name, _credential(user), now, now)

        def change(db: sqlite3.Connection) -> None:
            db.execute(
                "DELETE FROM sessions WHERE begun_at <= ? OR seen_at <= ?",
                (now - _whole(LONGEST), now - _whole(IDLE)),
            )
            db.execute(
                "DELETE FROM sessions WHERE digest IN (SELECT digest FROM sessions WHERE name = ?"
                " ORDER BY seen_at DESC, digest LIMIT -1 OFFSET ?)",
                (user.name, _MOST - 1),
            )
            db.execute("INSERT INTO sessions VALUES (?, ?, ?, ?, ?)", row)

        await self._file.write(change)
        return token

    async def user_of(self, token: str, users: UsersFile) -> User | None:
        """The user of the session, as the users file has them now; None if it has ended."""
        digest, now = digest_of(token), self._now()

        def ask(db: sqlite3.Connection) -> tuple[bytes, int, int, User | None] | None:
            found = db.execute(
                "SELECT name, credential, begun_at, seen_at FROM sessions WHERE digest = ?",
                (digest,),
            ).fetchone()
            if found is None:
                return None
            name, *rest = found
            return (*rest, users.find(name))  # in the same switch to a thread

        found = await self._file.read(ask)
        if found is None:
            return None
        credential, begun_at, seen_at, user = found
        is_over = now - begun_at >= _whole(LONGEST) or now - seen_at >= _whole(IDLE)
        if user is None or is_over or not hmac.compare_digest(credential, _credential(user)):
            await self.end(token)
            return None
        if now - seen_at >= _whole(_SEEN_EVERY):
            await self._file.write(
                lambda db: db.execute(
                    "UPDATE sessions SET seen_at = ? WHERE digest = ?", (now, digest)
                )
            )
        return user

    async def end(self, token: str) -> None:
        """End a session, if it is one."""
        digest = digest_of(token)
        await self._file.write(
            lambda db: db.execute("DELETE FROM sessions WHERE digest = ?", (digest,))
        )

    def _now(self) -> int:
        return int(self._clock().timestamp())


def digest_of(token: str) -> bytes:
    """What the file keeps of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _credential(user: User) -> bytes:
    """An identifier of the password, without its hash."""
    return hashlib.sha256((user.password or "").encode()).digest()


def _whole(length: timedelta) -> int:
    return int(length.total_seconds())
