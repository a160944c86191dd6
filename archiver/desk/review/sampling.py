"""A random sample of recordings with a share of each agent's (pure).

Every recording gets a rank from a keyed hash of its id, and those of the lowest rank are taken for
each agent. So nobody chooses, and the same seed gives the same sample again.
"""

import hashlib
import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, order=True)
class Drawn:
    """One recording of a sample; agent 0 stands for recordings of an unknown agent."""

    record_id: int
    agent_id: int


def draw(
    by_agent: Mapping[int, Sequence[int]], *, share: float, least: int, seed: str
) -> list[Drawn]:
    """The share of each agent's recordings, rounded up, with a minimum number.

    Agents are shuffled: a sample that is only half done is still fair.
    """
    drawn = [
        (rank(record_id, seed), Drawn(record_id, agent_id))
        for agent_id, record_ids in by_agent.items()
        for record_id in _lowest(record_ids, _number(len(record_ids), share, least), seed)
    ]
    return [one for _, one in sorted(drawn)]


def rank(record_id: int, seed: str) -> bytes:
    """Where a recording stands in the order of that seed."""
    key = hashlib.sha256(seed.encode("utf-8", "surrogatepass")).digest()
    return hashlib.blake2b(record_id.to_bytes(8, "big"), key=key, digest_size=8).digest()


def _lowest(record_ids: Sequence[int], count: int, seed: str) -> list[int]:
    return heapq.nsmallest(count, record_ids, key=lambda one: (rank(one, seed), one))


def _number(total: int, share: float, least: int) -> int:
    return min(total, max(least, math.ceil(share * total - _ROUNDING)))
