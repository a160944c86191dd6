"""How far reading the call lists has come, and how many calls there will be (pure)."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ListingProgress:
    """How far an enumeration has come: slices read, of those known so far.

    `expected` is how many calls the API counts in all, None while it has not told for every scope.
    """

    read: int
    slices: int
    expected: int | None


class ProgressOfLists:
    """Adds up how far the enumeration has come, and tells it whenever that changes."""

    def __init__(self, tell: Callable[[ListingProgress], None]) -> None:
        self._tell = tell
        self._read = self._slices = self._expected = 0
        self._batches: int | None = None
        self._awaited: set[Hashable] = set()

    def begin(self, batches: int) -> None:
        """So many batches will each tell how many calls they hold."""
        self._batches, self._expected = batches, 0

    def more(self, slices: int) -> None:
        """So many more slices are to be read."""
        self._slices += slices
        self._say()

    def slice_read(self) -> None:
        """One slice was read, or given up."""
        self._read += 1
        self._say()

    def wait_for(self, ask: Hashable) -> None:
        """The first page of this question tells how many calls its batch holds."""
        self._awaited.add(ask)

    def head(self, ask: Hashable, total: int | None) -> None:
        """The first page of a question has come."""
        if ask in self._awaited:
            self._awaited.discard(ask)
            self.batch(total)

    def batch(self, total: int | None) -> None:
        """One more batch has told its calls. One that does not leaves the whole unknown."""
        if total is not None and self._batches is not None:
            self._batches -= 1
            self._expected += total
            self._say()

    def _say(self) -> None:
        expected = self._expected if self._batches == 0 else None
        self._tell(ListingProgress(self._read, self._slices, expected))
