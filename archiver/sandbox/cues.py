"""When a fault plays: on which route, for which id, after how many requests, how often.

A `Fault` ties an effect to its cue. Effects come in three kinds, by what they get hold of: the
request before it is understood (`Asking`), the data before it becomes an answer (`Shaping`), the
answer before it is sent (`Answering`). Several faults may play in one exchange; they do so in the
order in which they were given.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from archiver.sandbox.exchange import Answer, Request, Route, Row
from archiver.sandbox.model import Source


class Asking:
    """Changes how a request is understood, or answers it at once."""

    def ask(self, request: Request, world: Source) -> Request | Answer:
        """The request to go on with, or the answer to give."""
        raise NotImplementedError


class Shaping:
    """Changes the `data` of an answer of the API that is a success."""

    def shape(self, request: Request, data: Any) -> Any:
        """The data to send. It belongs to this exchange and may be changed in place."""
        raise NotImplementedError


class Answering:
    """Changes the finished answer of any route."""

    def answer(self, request: Request, answer: Answer) -> Answer:
        """The answer to send."""
        raise NotImplementedError


Effect = Asking | Shaping | Answering
_Kind = TypeVar("_Kind", Asking, Shaping, Answering)


@dataclass(frozen=True)
class Fault:
    """An effect and its cue.

    `route` is one route, several, or None for all. `id` is the id in the address (a call's for
    RECORDINGS, a recording's for RECORDING and FILE); `row` is the id of a row that the answer
    must hold, for effects on rows. The first `after` matching exchanges stay healthy, the next
    `times` are faulty (None: all of them), the rest are healthy again. `where` narrows further.
    """

    route: Route | frozenset[Route] | None
    effect: Effect
    id: int | None = None
    times: int | None = None
    after: int = 0
    row: int | None = None
    where: Callable[[Request], bool] | None = None

    def matches(self, request: Request) -> bool:
        """Whether the cue fits the request, counting aside."""
        routes = self.route if isinstance(self.route, frozenset) else {self.route}
        return (
            (self.route is None or request.route in routes)
            and (self.id is None or self.id == request.id)
            and (self.where is None or self.where(request))
        )


@dataclass
class _Armed:
    fault: Fault
    seen: int = 0

    def plays(self, request: Request) -> bool:
        """Whether it plays now; counts the exchange when the cue fits."""
        if not self.fault.matches(request):
            return False
        self.seen += 1
        turn = self.seen - self.fault.after
        return turn > 0 and (self.fault.times is None or turn <= self.fault.times)


@dataclass
class Cues:
    """The faults of a sandbox and how often each has had its turn. May change while it serves."""

    _armed: list[_Armed] = field(default_factory=list)

    def add(self, *faults: Fault | Iterable[Fault]) -> None:
        """Arms faults, singly or in groups, after those already armed."""
        for each in faults:
            group = (each,) if isinstance(each, Fault) else each
            self._armed.extend(_Armed(fault) for fault in group)

    def clear(self) -> None:
        """Heals everything."""
        self._armed.clear()

    def ask(self, request: Request, world: Source) -> Request | Answer:
        """The request as the effects would have it understood, or an early answer."""
        for armed, effect in self._of(Asking):
            if armed.plays(request):
                changed = effect.ask(request, world)
                if isinstance(changed, Answer):
                    return changed
                request = changed
        return request

    def shape(self, request: Request, data: Any) -> Any:
        """The data as the effects would have it."""
        for armed, effect in self._of(Shaping):
            wanted = armed.fault.row
            hit = wanted is None or any(row.get("id") == wanted for row in rows_of(data))
            if hit and armed.plays(request):
                data = effect.shape(request, data)
        return data

    def answer(self, request: Request, answer: Answer) -> Answer:
        """The answer as the effects would have it."""
        for armed, effect in self._of(Answering):
            if armed.plays(request):
                answer = effect.answer(request, answer)
        return answer

    def _of(self, kind: type[_Kind]) -> Iterator[tuple[_Armed, _Kind]]:
        for armed in tuple(self._armed):
            if isinstance(armed.fault.effect, kind):
                yield armed, armed.fault.effect


def rows_of(data: Any) -> list[Row]:
    """The rows of a list, paginated or bare; a detail is its own only row."""
    if isinstance(data, list):
        return data
    if isinstance(data, dict):
        listed = data.get("list", [data])
        return listed if isinstance(listed, list) else []
    return []
