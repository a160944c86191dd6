"""What is asked of the call list at a time, and what is asked instead where that fails (pure).

A question that fails, or whose answer is too long, becomes smaller questions: fewer scopes, or a
shorter slice.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from archiver.errors import RequestError
from archiver.liner.models import Call
from archiver.liner.protocol import Page
from archiver.liner.scope import Scope, Window

_SHORTEST_SLICE: Final = timedelta(days=1)
_FAILURES: Final = 12
"""Requests in a row that may fail for one scope before the rest of its slice is given up."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One question: scopes, the slice that is asked for, and the window that is wanted.

    `head` is its first page, where that has been read already; `narrowing` is set where the slice
    is part of one that failed.
    """

    scopes: tuple[Scope, ...]
    slice: Window
    wanted: Window
    head: Page[Call] | None = field(default=None, compare=False)
    narrowing: "Narrowing | None" = field(default=None, compare=False)

    @property
    def length(self) -> timedelta:
        """Of the slice."""
        return self.slice.until - self.slice.since

    def without(self, lost: Iterable[Scope]) -> "Ask":
        """The same question for the other scopes alone."""
        gone = frozenset(lost)
        left = tuple(scope for scope in self.scopes if scope not in gone)
        return self if left == self.scopes else replace(self, scopes=left, head=None)

    def halves(self) -> "tuple[Ask, ...]":
        """Half of the scopes each."""
        middle = len(self.scopes) // 2
        return (
            replace(self, scopes=self.scopes[:middle], head=None),
            replace(self, scopes=self.scopes[middle:], head=None),
        )

    def singles(self) -> "tuple[Ask, ...]":
        """One scope each."""
        return tuple(replace(self, scopes=(scope,), head=None) for scope in self.scopes)

    def pieces(self, longest: timedelta) -> "tuple[Ask, ...]":
        """Slices of at most that length each, oldest first."""
        return tuple(
            replace(self, slice=piece, head=None, narrowing=None)
            for piece in self.slice.slices(longest)
        )


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A window that is not asked for any more, and the error that it ended with."""

    window: Window
    error: RequestError


@dataclass(frozen=True, slots=True)
class Narrowing:
    """How a slice of one scope that failed is asked for in shorter and shorter pieces.

    Both halves of a piece are asked for before either is cut again, so that one bad day uses up no
    patience that the good weeks after it need. `unread` are the halves still to be asked for,
    `cause` is why they are, `failed` are pieces to be cut, the next one last, and `failures` counts
    the failures in a row.
    """

    cause: RequestError
    unread: tuple[Window, ...] = ()
    failed: tuple[GivenUp, ...] = ()
    failures: int = 0

    def after_success(self) -> "Narrowing":
        """The piece that was asked for has been read."""
        return replace(self, failures=0)

    def after_failure(self, window: Window, error: RequestError) -> "Narrowing":
        """The piece that was asked for failed, in a way that a shorter one may not."""
        failed = (*self.failed, GivenUp(window, error))
        return replace(self, failed=failed, failures=self.failures + 1)

    def next(self) -> "tuple[Window | None, Narrowing, tuple[GivenUp, ...]]":
        """The window to be asked for now, if any; what remains after it; what is given up."""
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
