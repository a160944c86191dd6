"""A random sample of recordings with a share of each agent's (pure).

Each recording gets a rank from a keyed hash of its id; those with the lowest ranks are chosen for
each agent. So nobody can influence the choice, and the same seed gives the same sample.
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


def stratified(
    by_agent: Mapping[int, Mapping[tuple[int, ...], Sequence[int]]], *, number: int, seed: str
) -> list[Drawn]:
    """A number of each agent's recordings, or all if there are fewer, with each stratum in
    proportion to its size (by largest remainders); in an order that mixes the agents."""
    drawn = []
    for agent_id, strata in by_agent.items():
        for stratum, count in _quotas(strata, number, seed).items():
            drawn += [
                (rank(record_id, seed), Drawn(record_id, agent_id))
                for record_id in _lowest(strata[stratum], count, seed)
            ]
    return [one for _, one in sorted(drawn)]


def _quotas(
    strata: Mapping[tuple[int, ...], Sequence[int]], number: int, seed: str
) -> dict[tuple[int, ...], int]:
    total = sum(map(len, strata.values()))
    number = min(number, total)
    wanted = {key: number * len(ids) / total for key, ids in strata.items()}
    quotas = {key: int(share) for key, share in wanted.items()}
    # Equal remainders are ordered by the seed, so that no stratum is always preferred.
    left = sorted(strata, key=lambda key: (quotas[key] - wanted[key], rank(min(strata[key]), seed)))
    for key in left[: number - sum(quotas.values())]:
        quotas[key] += 1
    return quotas


def rank(record_id: int, seed: str) -> bytes:
    """The position of a recording in the order given by the seed."""
    key = hashlib.sha256(seed.encode("utf-8", "surrogatepass")).digest()
    return hashlib.blake2b(record_id.to_bytes(8, "big"), key=key, digest_size=8).digest()


def _lowest(record_ids: Sequence[int], count: int, seed: str) -> list[int]:
    return heapq.nsmallest(count, record_ids, key=lambda one: (rank(one, seed), one))


def _number(total: int, share: float, least: int) -> int:
    return min(total, max(least, math.ceil(share * total - _ROUNDING)))
