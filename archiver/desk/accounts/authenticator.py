"""Authentication: by a password, by a proxy's header, or because the desk serves this machine only.

A form that changes something has a token that only our own pages contain (CSRF). It is bound to the
session, or to the name of a user who needs none, with a key in the desk's file.
"""

import hashlib
import hmac
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import anyio
import anyio.to_thread

from archiver.clock import Clock
from archiver.config.values import Network
from archiver.desk.accounts.access import Entrance, is_among
from archiver.desk.accounts.passwords import verify_password
from archiver.desk.accounts.person import LOCAL, Person, Way
from archiver.desk.accounts.sessions import Sessions, digest_of
from archiver.desk.accounts.throttle import PER_ADDRESS, PER_NAME, Throttle, place_of
from archiver.desk.accounts.users import User, UsersFile
from archiver.desk.file import DeskFile
from archiver.errors import LogInFailed, LogInThrottled, NotAllowed

_AT_ONCE: Final = 2
"""Passwords that are looked at together: each takes a core and 32 MiB."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """A person who was let in, and the code that the person's forms must carry."""

    person: Person
    code: bytes

    @property
    def csrf(self) -> str:
        """The token for a page, masked differently each time: pages are compressed, and the length
        of a page must not reveal whether a guess of the token is in it (BREACH)."""
        mask = secrets.token_bytes(len(self.code))
        return (mask + _masked(self.code, mask)).hex()

    def trusts(self, sent: str | None) -> bool:
        """Whether a form that carries this code comes from a page of ours."""
        try:
            given = bytes.fromhex(sent or "")
        except ValueError:
            return False
        mask, masked = given[: len(self.code)], given[len(self.code) :]
        return hmac.compare_digest(_masked(masked, mask), self.code)


class Door:
    """The door of one desk. Raises ConfigError while the users file cannot be read."""

    def __init__(
        self,
        file: DeskFile,
        users: UsersFile,
        entrance: Entrance,
        *,
        proxies: Collection[Network],
        clock: Clock,
    ) -> None:
        self._secret = file.secret
        self._users = users
        self._entrance = entrance
        self._proxies = tuple(proxies)
        self._sessions = Sessions(file, clock)
        self._names = Throttle(PER_NAME, clock)
        self._places = Throttle(PER_ADDRESS, clock)
        self._few_at_once = anyio.CapacityLimiter(_AT_ONCE)

    async def log_in(self, name: str, password: str, *, address: str) -> str:
        """Begin a session; returns the token for the visitor's cookie.

        Raises LogInThrottled after too many failures with this name or from this address, and
        LogInFailed, which does not distinguish a wrong name from a wrong password, not even by its
        time.
        """
        user = await self._users.look_up(name)
        key, place = user.name if user else name[:64].casefold(), place_of(address)
        self._take(key, place)
        kept = None if user is None else user.password
        is_right = await anyio.to_thread.run_sync(
            verify_password, password, kept, limiter=self._few_at_once
        )
        if user is None or not is_right:
            raise LogInFailed("incorrect user name or password")
        self._names.forget(key)
        self._places.give_back(place)
        return await self._sessions.begin(user)

    async def visitor(
        self, *, peer: str, named: Sequence[str], token: str | None
    ) -> Visitor | None:
        """The user of a request, or None if a log-in is required.

        `peer` is the other end of the connection, `named` every value of the proxy's header, and
        `token` that of the cookie. The header is accepted from the proxies only; NotAllowed for a
        name that is not in the users file, or for more than one.
        """
        if self._entrance is Entrance.LOCAL:
            return self._by_name(LOCAL)
        if named and is_among(peer, self._proxies):
            return self._by_name(_person(await self._named(named), Way.PROXY))
        user = await self._sessions.user_of(token, self._users) if token else None
        if user is None or not token:
            return None
        return Visitor(_person(user, Way.PASSWORD), self._code(b"session:" + digest_of(token)))

    async def log_out(self, token: str) -> None:
        """End the session of the token."""
        await self._sessions.end(token)

    def _take(self, name: str, place: str) -> None:
        wait = self._places.take(place)
        if not wait and (wait := self._names.take(name)):
            self._places.give_back(place)
        if wait:
            raise LogInThrottled(
                "too many failed log-in attempts",
                hint="wait a moment, then try again",
                retry_after=wait,
            )

    async def _named(self, named: Sequence[str]) -> User:
        user = await self._users.look_up(named[0]) if len(named) == 1 else None
        if user is None:
            raise NotAllowed(
                "the user named by the proxy is not a user of the desk",
                hint="an admin adds users: `archiver user add NAME --role … --no-password`",
            )
        return user

    def _by_name(self, person: Person) -> Visitor:
        return Visitor(person, self._code(f"{person.way}:{person.name}".encode()))

    def _code(self, bound_to: bytes) -> bytes:
        return hmac.new(self._secret, b"csrf:" + bound_to, hashlib.sha256).digest()


def _person(user: User, way: Way) -> Person:
    return Person(user.name, user.role, way, user.user_id)


def _masked(text: bytes, mask: bytes) -> bytes:
    length = min(len(text), len(mask))
    both = int.from_bytes(text[:length]) ^ int.from_bytes(mask[:length])
    return both.to_bytes(length)
