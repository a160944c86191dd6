"""Answers that are kept as long as what they were made from is the same.

Everyone comes back to the same few lists, page by page: a list that was shown before is found again
without a pass over all rows, and its recordings without a question to SQLite.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """The last `most` answers, each under what was asked. For any thread.

    `source` is the value that answers are made from, compared by identity: when a newer one is
    asked about, no answer from the older one is given, or kept, any more.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._source: object = None
        self._answers: OrderedDict[Hashable, T] = OrderedDict()
        self._one_at_a_time = Lock()

    def get(self, source: object, asked: Hashable) -> T | None:
        """The answer, if it is kept."""
        with self._one_at_a_time:
            if source is not self._source or asked not in self._answers:
                return None
            self._answers.move_to_end(asked)
            return self._answers[asked]

    def get_all(self, source: object, asked: Sequence[Hashable]) -> list[T] | None:
        """All these answers, if each of them is kept."""
        with self._one_at_a_time:
            if source is not self._source:
                return None
            found = [self._answers[one] for one in asked if one in self._answers]
            return found if len(found) == len(asked) else None

    def put(self, source: object, asked: Hashable, answer: T) -> T:
        """Keep an answer; the answer."""
        with self._one_at_a_time:
            if source is not self._source:
                self._source = source
                self._answers.clear()
            self._answers[asked] = answer
            self._answers.move_to_end(asked)
            while len(self._answers) > self._most:
                self._answers.popitem(last=False)
        return answer

    def of(self, source: object, asked: Hashable, make: Callable[[], T]) -> T:
        """The answer as kept, or as made now."""
        kept = self.get(source, asked)
        return self.put(source, asked, make()) if kept is None else kept
