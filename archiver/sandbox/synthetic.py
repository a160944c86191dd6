"""A huge call centre that exists only as arithmetic: row i is computed, nothing is stored. Pure.

Calls are evenly spread over time, assigned to the orders in turn, and belong to leads in groups of
four consecutive ones. Every `1 / recorded`-th call has one small recording with unique bytes.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil, floor

from archiver.sandbox.audio import wav
from archiver.sandbox.exchange import Row
from archiver.sandbox.model import Call, CallQuery, Lead, Order, Recording, Status, User
from archiver.sandbox.rows import call_row
from archiver.sandbox.world import STATUSES

FIRST_CALL = 1_000_001
FIRST_RECORDING = 500_000_001
FIRST_LEAD = 20_000_001
CALLS_PER_LEAD = 4
USERS = 40


@dataclass(frozen=True)
class SyntheticWorld:
    """`size` calls over `orders` orders from `start` on, one every `step`.

    Every `recorded_every`-th call has a recording of `audio_bytes`; 0 is none at all. The bytes of
    recordings differ from seed to seed.
    """

    size: int = 1_000_000
    order_count: int = 20
    start: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    step: timedelta = timedelta(seconds=20)
    recorded_every: int = 10
    audio_bytes: int = 1024
    seed: int = 0

    @property
    def orders(self) -> Mapping[int, Order]:
        """Orders 1, 2, 3 ..."""
        return {number: Order(number, f"Order {number}") for number in self._order_ids()}

    @property
    def users(self) -> Mapping[int, User]:
        """Agents 101, 102, 103 ..."""
        return {101 + n: User(101 + n, "Agent", str(n)) for n in range(USERS)}

    @property
    def statuses(self) -> Mapping[int, Status]:
        """The same few as in any world."""
        return _STATUSES

    def calls(self, query: CallQuery, offset: int, limit: int) -> tuple[list[Row], int]:
        """See `Source`; a filter by users or statuses looks at every call of the period."""
        found = self._matching(query)
        if query.users is not None or query.statuses is not None:
            found = [index for index in found if self._is_wanted(index, query)]
        total = len(found)
        if query.newest_first:
            stop = max(0, total - offset)
            chosen = [found[i] for i in range(stop - 1, max(0, stop - limit) - 1, -1)]
        else:
            chosen = [found[i] for i in range(offset, min(total, offset + limit))]
        return [self._row(index) for index in chosen], total

    def call_row(self, call_id: int) -> Row | None:
        """See `Source`."""
        index = call_id - FIRST_CALL
        return self._row(index) if 0 <= index < self.size else None

    def recordings_of(self, call_id: int) -> Sequence[Recording] | None:
        """See `Source`."""
        index = call_id - FIRST_CALL
        if not 0 <= index < self.size:
            return None
        return [self._recording(index)] if self._is_recorded(index) else []

    def recording_of(self, record_id: int) -> Recording | None:
        """See `Source`."""
        index = record_id - FIRST_RECORDING
        known = 0 <= index < self.size and self._is_recorded(index)
        return self._recording(index) if known else None

    def lead_of(self, lead_id: int) -> Lead | None:
        """See `Source`."""
        known = 0 <= lead_id - FIRST_LEAD <= (self.size - 1) // CALLS_PER_LEAD
        return Lead(lead_id, created_at=self.start) if known else None

    def all_leads(self) -> Sequence[Lead]:
        """None are listed: there are too many."""
        return ()

    def _order_ids(self) -> range:
        return range(1, self.order_count + 1)

    def _is_recorded(self, index: int) -> bool:
        return self.recorded_every > 0 and index % self.recorded_every == 0

    def _is_wanted(self, index: int, query: CallQuery) -> bool:
        call = self._call(index)
        status = next(each.id for each in STATUSES if each.code == call.status)
        users, statuses = query.users, query.statuses
        return (users is None or call.user_id in users) and (statuses is None or status in statuses)

    def _matching(self, query: CallQuery) -> Sequence[int]:
        """The indexes of calls in the period and of the orders or leads, ascending."""
        first, stop = 0, self.size
        if query.since is not None:
            first = max(0, ceil((query.since - self.start) / self.step))
        if query.until is not None:
            stop = min(self.size, floor((query.until - self.start) / self.step) + 1)
        period = range(first, max(first, stop))
        if query.leads is not None:
            return [i for i in _of_leads(query.leads, period) if self._is_of(i, query.orders)]
        wanted = query.orders or frozenset()
        residues = [number - 1 for number in self._order_ids() if number in wanted]
        return _Strided(period, self.order_count, residues)

    def _is_of(self, index: int, orders: frozenset[int] | None) -> bool:
        return orders is None or index % self.order_count + 1 in orders

    def _call(self, index: int) -> Call:
        recorded = self._is_recorded(index)
        return Call(
            id=FIRST_CALL + index,
            lead_id=FIRST_LEAD + index // CALLS_PER_LEAD,
            order_id=index % self.order_count + 1,
            created_at=self.start + index * self.step,
            user_id=101 + index % USERS,
            status="answered" if recorded else "no-answer",
            talk=1 if recorded else 0,
        )

    def _row(self, index: int) -> Row:
        return call_row(self._call(index), _STATUSES, self._is_recorded(index))

    def _recording(self, index: int) -> Recording:
        return Recording(
            id=FIRST_RECORDING + index,
            call_id=FIRST_CALL + index,
            lead_id=FIRST_LEAD + index // CALLS_PER_LEAD,
            created_at=self.start + index * self.step,
            audio=wav(self.audio_bytes, index + (self.seed << 32)),
            user_id=101 + index % USERS,
        )


_STATUSES = {status.id: status for status in STATUSES}


def _of_leads(leads: frozenset[int], period: range) -> Iterator[int]:
    for lead in sorted(leads):
        first = (lead - FIRST_LEAD) * CALLS_PER_LEAD
        yield from (index for index in range(first, first + CALLS_PER_LEAD) if index in period)


class _Strided(Sequence[int]):
    """The numbers of a range whose remainder is one of a few, ascending, without holding them.

    The k-th number from 0 on is `stride * (k // n) + residues[k % n]` for n residues; the range
    only cuts a stretch out of these.
    """

    def __init__(self, within: range, stride: int, residues: Sequence[int]) -> None:
        self._stride, self._residues = stride, residues
        self._first = self._rank(within.start)
        self._length = self._rank(within.stop) - self._first

    def _rank(self, number: int) -> int:
        whole, rest = divmod(number, self._stride)
        return whole * len(self._residues) + bisect_left(self._residues, rest)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, k: int) -> int:  # type: ignore[override]
        if not 0 <= k < self._length:
            raise IndexError(k)
        turn, place = divmod(self._first + k, len(self._residues))
        return self._stride * turn + self._residues[place]
