"""Faults in how a request is understood: filters ignored, pages shifted, requests refused."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from archiver.sandbox.audio import Audio
from archiver.sandbox.cues import Asking
from archiver.sandbox.exchange import Answer, Request, refusal
from archiver.sandbox.model import Source


@dataclass(frozen=True)
class PageCap(Asking):
    """The limit is silently lowered to `rows`.

    `next` follows the rows given; with `honest_next` False it follows the limit that was asked
    for, and rows are lost to a client that believes it.
    """

    rows: int
    honest_next: bool = True

    def ask(self, request: Request, world: Source) -> Request:
        """See `Asking`."""
        return replace(request, page_cap=self.rows, next_by_cap=self.honest_next)


@dataclass(frozen=True)
class Shift(Asking):
    """A page begins `by` rows too early, as if rows had come in front since the page before.

    Rows come twice; with a negative number rows are skipped. The total stays true. Cue it with
    `after=1` to let the first page pass; for a list that truly grows see `Happens`.
    """

    by: int

    def ask(self, request: Request, world: Source) -> Request:
        """See `Asking`."""
        return replace(request, shift=self.by)


@dataclass(frozen=True)
class NewestFirst(Asking):
    """Calls come newest first; without it oldest first."""

    def ask(self, request: Request, world: Source) -> Request:
        """See `Asking`."""
        return replace(request, newest_first=True)


@dataclass(frozen=True)
class Ignores(Asking):
    """A parameter is ignored: `offset`, `limit`, `createdAt`, `orderIds`, `userIds` ..."""

    name: str

    def ask(self, request: Request, world: Source) -> Request:
        """See `Asking`."""
        return replace(request, ignored=request.ignored | {self.name})


@dataclass(frozen=True)
class OnlySpelling(Asking):
    """Arrays are read in one spelling only: `[]` or `[0]`; the other is as if it were not there."""

    indexed: bool

    def ask(self, request: Request, world: Source) -> Request:
        """See `Asking`."""
        query = tuple((k, v) for k, v in request.query if not self._is_foreign(k))
        return replace(request, query=query)

    def _is_foreign(self, name: str) -> bool:
        if not name.endswith("]") or name.startswith("createdAt"):
            return False
        return name.endswith("[]") is self.indexed


@dataclass(frozen=True)
class BatchLimit(Asking):
    """More than `most` ids in one request are refused."""

    most: int
    status: int = 422

    def ask(self, request: Request, world: Source) -> Request | Answer:
        """See `Asking`."""
        ids = request.array("orderIds") + request.array("leadIds")
        return refusal(self.status, "Too many ids.") if len(ids) > self.most else request


@dataclass(frozen=True)
class UnknownRefused(Asking):
    """An unknown or foreign order or lead spoils the whole batch."""

    status: int = 422

    def ask(self, request: Request, world: Source) -> Request | Answer:
        """See `Asking`."""
        orders = [int(text) for text in request.array("orderIds") if text.isdecimal()]
        leads = [int(text) for text in request.array("leadIds") if text.isdecimal()]
        known = all(order in world.orders for order in orders) and all(map(world.lead_of, leads))
        return request if known else refusal(self.status, "Unknown id.")


@dataclass(frozen=True)
class DepthLimit(Asking):
    """An offset beyond `deepest` is refused."""

    deepest: int
    status: int = 400

    def ask(self, request: Request, world: Source) -> Request | Answer:
        """See `Asking`."""
        too_deep = request.offset() > self.deepest
        return refusal(self.status, "The offset is too great.") if too_deep else request


@dataclass(frozen=True)
class AddressLimit(Asking):
    """An address of more than `longest` bytes is refused with 414."""

    longest: int

    def ask(self, request: Request, world: Source) -> Request | Answer:
        """See `Asking`."""
        too_long = len(request.target) > self.longest
        return refusal(414, "The address is too long.") if too_long else request


@dataclass(frozen=True)
class PluralStatuses(Asking):
    """Call statuses live under the plural path of the examples, not under the declared one."""

    def ask(self, request: Request, world: Source) -> Request:
        """See `Asking`."""
        is_plural = request.path == "/v2/call-statuses/"
        return replace(request, path="/v2/call-status/" if is_plural else "/v2/call-statuses/")


@dataclass(frozen=True)
class NeedsKey(Asking):
    """Files want the API key too."""

    key: str = "sandbox-key"

    def ask(self, request: Request, world: Source) -> Request | Answer:
        """See `Asking`."""
        knows = request.headers.get("x-api-key") == self.key
        return request if knows else refusal(401, "The API key is missing or wrong.")


@dataclass(frozen=True)
class IgnoresRange(Asking):
    """A request for a range is answered with 200 and the whole file."""

    def ask(self, request: Request, world: Source) -> Request:
        """See `Asking`."""
        return replace(request, headers={**request.headers, "range": ""})


@dataclass(frozen=True)
class WrongStart(Asking):
    """A range is answered from another byte than the one asked for, `by` bytes later."""

    by: int

    def ask(self, request: Request, world: Source) -> Request:
        """See `Asking`."""
        first, dash, last = request.headers.get("range", "").removeprefix("bytes=").partition("-")
        if not first.isdecimal():
            return request
        asked = f"bytes={int(first) + self.by}{dash}{last}"
        return replace(request, headers={**request.headers, "range": asked})


@dataclass(frozen=True)
class OtherFile(Asking):
    """The file behind the address is another one, with another entity tag."""

    audio: Audio

    def ask(self, request: Request, world: Source) -> Request:
        """See `Asking`."""
        return replace(request, audio=self.audio)


@dataclass(frozen=True)
class Happens(Asking):
    """Something happens just before the request is answered: the world changes, a signal goes."""

    what: Callable[[], object]

    def ask(self, request: Request, world: Source) -> Request:
        """See `Asking`."""
        self.what()
        return request
