"""How many processes `auto` means: more than one only where they pay off."""

import json
from pathlib import Path
from typing import Any

import pytest

from archiver.config import load_config
from archiver.crew.choosing import processes_of


@pytest.mark.parametrize(
    ("limit", "cores", "download", "processes"),
    [
        (20, 64, {}, 1),  # the limit of the API sets the pace
        (1000, 1, {}, 1),
        (1000, 2, {}, 1),  # the run's own process and two others share two cores
        (1000, 3, {}, 2),
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
