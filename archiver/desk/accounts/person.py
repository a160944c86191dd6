"""Who uses the desk, and what each role may do (pure).

A name is one text whatever the keyboard did to it: NFKC, lower case. It is what notes and verdicts
are signed with, so it is never given to another person.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from archiver.errors import NotAllowed

_NAME: Final = re.compile(r"[^\W_][\w.@+-]{0,63}")


class Right(StrEnum):
    """What a person may do at the desk."""

    ENTER = "enter"
    """Be let in: choose a language, log out."""
    OWN = "own"
    """Hear one's own calls that were reviewed, and respond to the verdict."""
    LISTEN = "listen"
    """Find and play recordings; read notes and tags."""
    JUDGE = "judge"
    """Write notes, tags and verdicts; work through a queue."""
    TAKE_AWAY = "take-away"
    """Download a recording or a table of what was found."""
    LEAD = "lead"
    """Make queues; read everyone's verdicts and the reports, and export them."""
    OVERSEE = "oversee"
    """Read the access log; remove anyone's note."""


class Role(StrEnum):
    """The role of a person in the users file."""

    LISTENER = "listener"
    REVIEWER = "reviewer"
    LEAD = "lead"
    ADMIN = "admin"
    AGENT = "agent"

    @property
    def rights(self) -> frozenset[Right]:
        """All that the role allows; up to `admin` each may do what the ones before it may."""
        return _RIGHTS[self]


_LISTENER: Final = frozenset({Right.ENTER, Right.LISTEN})
_REVIEWER: Final = _LISTENER | {Right.JUDGE, Right.TAKE_AWAY}
_RIGHTS: Final = {
    Role.LISTENER: _LISTENER,
    Role.REVIEWER: _REVIEWER,
    Role.LEAD: _REVIEWER | {Right.LEAD},
    Role.ADMIN: _REVIEWER | {Right.LEAD, Right.OVERSEE},
    Role.AGENT: frozenset({Right.ENTER, Right.OWN}),
}


class Way(StrEnum):
    """How it is known who a visitor is."""

    PASSWORD = "password"  # noqa: S105 - the word itself
    PROXY = "proxy"
    LOCAL = "local"


@dataclass(frozen=True, slots=True)
class Person:
    """A visitor who was let in. `user_id` is the id that an agent has in the API."""

    name: str
    role: Role
    way: Way
    user_id: int | None = None

    def may(self, right: Right) -> bool:
        """Whether the role allows it."""
        return right in self.role.rights

    def need(self, right: Right) -> None:
        """Raise NotAllowed unless the role allows it."""
        if not self.may(right):
            raise NotAllowed(
                f"{self.name} is {self.role}, which does not allow to {right}",
                hint="an admin can change it: `archiver user role`",
            )


LOCAL: Final = Person("local", Role.ADMIN, Way.LOCAL)
"""The user on this machine if no log-in is required. No other user can have that name."""


def proper_name(text: str) -> str:
    """The name as stored: 1 to 64 letters, digits and `. _ @ + -`, beginning with a letter or
    digit.

    ValueError, with a sentence that continues "the name", for any other text.
    """
    name = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    if _NAME.fullmatch(name) is None:
        raise ValueError("must be 1 to 64 letters, digits, dots, hyphens, _ @ or +")
    if name == LOCAL.name:
        raise ValueError("is reserved for the local user without log-in")
    return name
