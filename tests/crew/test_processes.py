"""Child processes: how many `auto` means, and how they are started ahead of their work."""

import json
from pathlib import Path
from typing import Any

import pytest

from archiver.config.loading import load_config
from archiver.crew.processes import (
    children_of,
    end_child,
    next_child,
    processes_of,
    started_ahead,
)
from tests.support.processes import children


@pytest.mark.parametrize(
    ("limit", "cores", "download", "processes"),
    [
        (20, 64, {}, 1),  # the limit of the API sets the pace
        (1000, 1, {}, 1),
        (1000, 2, {}, 2),
        (1000, 64, {}, 2),
        (20, 1, {"processes": 4}, 4),  # as told
        (1000, 64, {"workers": 1}, 1),
        (1000, 64, {"processes": 4, "workers": 3}, 3),
    ],
)
def test_auto_is_more_than_one_only_where_it_pays(
    tmp_path: Path, limit: int, cores: int, download: dict[str, Any], processes: int
) -> None:
    api = {"url": "https://liner.example.com", "requests_per_second": limit}
    document = {"liner": api, "download": download}
    config = load_config(json.dumps(document), {"LINER_API_KEY": "k"}, base=tmp_path)
    assert processes_of(config, cores) == processes


@pytest.mark.parametrize(("cores", "processes"), [(1, 1), (2, 1), (3, 2), (64, 2)])
def test_auto_is_more_than_one_to_s3_only_if_a_core_is_left(
    tmp_path: Path, cores: int, processes: int
) -> None:
    document = {
        "liner": {"url": "https://liner.example.com", "requests_per_second": 1000},
        "storage": {"url": "s3://recordings/archive"},
    }
    config = load_config(json.dumps(document), {"LINER_API_KEY": "k"}, base=tmp_path)
    assert processes_of(config, cores) == processes


@pytest.mark.parametrize(
    ("processes", "cores", "children"),
    [(1, 1, 0), (1, 2, 0), (2, 1, 1), (2, 2, 1), (2, 3, 2), (4, 4, 3), (4, 64, 4)],
)
def test_the_process_of_the_run_fetches_too_unless_it_has_a_core_of_its_own(
    tmp_path: Path, processes: int, cores: int, children: int
) -> None:
    document = {
        "liner": {"url": "https://liner.example.com"},
        "download": {"processes": processes},
    }
    config = load_config(json.dumps(document), {"LINER_API_KEY": "k"}, base=tmp_path)
    assert children_of(config, cores) == children


@pytest.mark.anyio
async def test_children_started_ahead_are_used_and_those_without_work_end() -> None:
    async with started_ahead(2):
        ahead = children()
        child = await next_child()
        assert child.pid in ahead
        other = await next_child()
        assert {child.pid, other.pid} <= ahead
        later = await next_child()
        assert later.pid not in ahead
        assert [await end_child(one) for one in (child, other, later)] == [0, 0, 0]
    async with started_ahead(1):
        unused = children() - ahead
        assert len(unused) == 1
    assert not unused & children()
