"""Progress of reading the call lists, and the expected number of calls (pure)."""

from collections.abc import Callable, Hashable

from msgspec import Struct


class ListingProgress(Struct, frozen=True):
    """Progress of an enumeration: slices read, of those known so far.

    `expected` is the total number of calls in the API; None until it is known for every scope.
    """

    read: int
    slices: int
    expected: int | None


class ProgressOfLists:
    """Adds up the progress of the enumeration, and reports every change."""

    def __init__(self, tell: Callable[[ListingProgress], None]) -> None:
        self._tell = tell
        self._read = self._slices = self._expected = 0
        self._batches: int | None = None
        self._awaited: set[Hashable] = set()

    def begin(self, batches: int) -> None:
        """This many batches will each report how many calls they have."""
        self._batches, self._expected = batches, 0

    def more(self, slices: int) -> None:
        """This many more slices are to be read."""
        self._slices += slices
        self._say()

    def slice_read(self) -> None:
        """One slice was read, or given up."""
        self._read += 1
        self._say()

    def wait_for(self, rows: Hashable) -> None:
        """The first page of these rows gives the number of calls of their batch."""
        self._awaited.add(rows)

    def head(self, rows: Hashable, total: int | None) -> None:
        """The first page of these rows has arrived."""
        if rows in self._awaited:
            self._awaited.discard(rows)
            self.batch(total)

    def batch(self, total: int | None) -> None:
        """One more batch has reported its calls. A batch that does not leaves the total unknown."""
        if total is not None and self._batches is not None:
            self._batches -= 1
            self._expected += total
            self._say()

    def _say(self) -> None:
        expected = self._expected if self._batches == 0 else None
        self._tell(ListingProgress(self._read, self._slices, expected))
