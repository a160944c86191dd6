"""A sample takes its share of each agent's recordings, and can be drawn again from its seed."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.desk.review.sampling import draw

AGENTS = st.dictionaries(
    st.integers(0, 5), st.lists(st.integers(1, 10_000), unique=True, max_size=60), max_size=4
)


@given(AGENTS, st.floats(0.01, 1), st.integers(0, 5), st.text(max_size=5))
def test_each_agent_has_his_share_and_at_least_so_many(
    by_agent: dict[int, list[int]], share: float, least: int, seed: str
) -> None:
    drawn = draw(by_agent, share=share, least=least, seed=seed)
    for agent_id, record_ids in by_agent.items():
        his = [one.record_id for one in drawn if one.agent_id == agent_id]
        assert set(his) <= set(record_ids)
        assert len(his) == len(set(his))
        assert len(his) >= min(len(record_ids), least)
        assert share * len(record_ids) - 1e-6 <= len(his)
        assert len(his) <= max(math.ceil(share * len(record_ids)), min(len(record_ids), least))


@given(AGENTS, st.text(max_size=5))
def test_the_same_seed_draws_the_same_in_whatever_order_they_come(
    by_agent: dict[int, list[int]], seed: str
) -> None:
    shuffled = {agent: list(reversed(ids)) for agent, ids in reversed(by_agent.items())}
    drawn = draw(by_agent, share=0.3, least=1, seed=seed)
    assert drawn == draw(shuffled, share=0.3, least=1, seed=seed)


@pytest.mark.parametrize(
    ("total", "share", "drawn"),
    [(20, 0.05, 1), (21, 0.05, 2), (30, 0.1, 3), (100, 0.07, 7), (1, 0.05, 1), (3, 1, 3)],
)
def test_a_share_is_rounded_up_and_never_by_a_rounding_error(
    total: int, share: float, drawn: int
) -> None:
    assert len(draw({1: range(1, total + 1)}, share=share, least=0, seed="x")) == drawn


def test_every_recording_has_the_same_chance() -> None:
    times = dict.fromkeys(range(1, 21), 0)
    for seed in range(400):
        for one in draw({1: range(1, 21)}, share=0.25, least=1, seed=str(seed)):
            times[one.record_id] += 1
    assert sum(times.values()) == 400 * 5
    assert all(60 <= count <= 145 for count in times.values()), times  # five sigma round 100


def test_agents_are_mixed_so_that_half_a_sample_is_one_too() -> None:
    drawn = draw({1: range(1, 1001), 2: range(1001, 2001)}, share=0.2, least=1, seed="x")
    first = [one.agent_id for one in drawn[:200]]
    assert 60 <= first.count(1) <= 140
