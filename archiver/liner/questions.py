"""Requests to the call list, and what to request instead if they fail (pure).

A request that fails, or whose list is too long, becomes several smaller ones: fewer scopes, or a
shorter slice.
"""

from collections.abc import Hashable, Iterable
from datetime import timedelta
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from archiver.errors import RequestError
from archiver.liner.models import Call
from archiver.liner.protocol import Page
from archiver.liner.scope import Scope, Window

_SHORTEST_SLICE: Final = timedelta(days=1)
_FAILURES: Final = 12
"""Consecutive failed requests for one scope before the rest of its slice is given up."""


class Ask(Struct, frozen=True):
    """One request: scopes, the slice that is requested, and the window that is wanted.

    `head` is its first page, if that was read already; `narrowing` is set if the slice is part of a
    failed one.
    """

    scopes: tuple[Scope, ...]
    slice: Window
    wanted: Window
    head: Page[Call] | None = None
    narrowing: "Narrowing | None" = None

    @property
    def rows(self) -> Hashable:
        """What is requested; the same whether or not some of it has been read already."""
        return self.scopes, self.slice, self.wanted

    @property
    def length(self) -> timedelta:
        """The window of the slice."""
        return self.slice.until - self.slice.since

    def without(self, lost: Iterable[Scope]) -> "Ask":
        """The same request for these other scopes only."""
        gone = frozenset(lost)
        left = tuple(scope for scope in self.scopes if scope not in gone)
        return self if left == self.scopes else replace(self, scopes=left, head=None)

    def halves(self) -> "tuple[Ask, ...]":
        """Two requests with half of the scopes each."""
        middle = len(self.scopes) // 2
        return (
            replace(self, scopes=self.scopes[:middle], head=None),
            replace(self, scopes=self.scopes[middle:], head=None),
        )

    def singles(self) -> "tuple[Ask, ...]":
        """One request per scope."""
        return tuple(replace(self, scopes=(scope,), head=None) for scope in self.scopes)

    def pieces(self, longest: timedelta) -> "tuple[Ask, ...]":
        """Slices of at most that length each, oldest first."""
        return tuple(
            replace(self, slice=piece, head=None, narrowing=None)
            for piece in self.slice.slices(longest)
        )


class GivenUp(Struct, frozen=True):
    """A window that was given up, and its last error."""

    window: Window
    error: RequestError


class Narrowing(Struct, frozen=True):
    """How a failed slice of one scope is requested in shorter and shorter pieces.

    Both halves of a piece are requested before either is divided again, so that one bad day does
    not use up the patience for the good weeks after it. `unread` are the halves still to be
    requested, `cause` is the reason for them, `failed` are pieces to be divided, the next one last,
    and `failures` counts consecutive failures.
    """

    cause: RequestError
    unread: tuple[Window, ...] = ()
    failed: tuple[GivenUp, ...] = ()
    failures: int = 0

    def after_success(self) -> "Narrowing":
        """The requested piece has been read."""
        return replace(self, failures=0)

    def after_failure(self, window: Window, error: RequestError) -> "Narrowing":
        """The requested piece failed, in a way in which a shorter one may succeed."""
        failed = (*self.failed, GivenUp(window, error))
        return replace(self, failed=failed, failures=self.failures + 1)

    def next(self) -> "tuple[Window | None, Narrowing, tuple[GivenUp, ...]]":
        """The window to request now, if any; what remains after it; what was given up."""
        unread, failed, cause = self.unread, self.failed, self.cause
        given_up = []
        while failed and not unread:
            *earlier, last = failed
            failed = tuple(earlier)
            length = last.window.until - last.window.since
            halves = last.window.halves() if length > _SHORTEST_SLICE else None
            if halves is None or self.failures >= _FAILURES:
                given_up.append(last)
            else:
                unread, cause = halves, last.error
        rest = replace(self, cause=cause, unread=unread[1:], failed=failed)
        return (unread[0] if unread else None), rest, tuple(given_up)
