"""Child processes: how many `auto` means, and how they are forked ahead of their work."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from archiver.config.loading import load_config
from archiver.crew.processes import (
    children_of,
    processes_of,
    shares_of,
)
from tests.cli.commands import PATIENCE


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


@pytest.mark.parametrize("workers", [1, 2, 5, 7, 16])
@pytest.mark.parametrize("processes", [1, 2, 3, 4])
@pytest.mark.parametrize("cores", [1, 2, 4, 64])
def test_the_processes_together_download_no_more_than_as_many_as_allowed_and_hardly_fewer(
    tmp_path: Path, workers: int, processes: int, cores: int
) -> None:
    document = {
        "liner": {"url": "https://liner.example.com"},
        "download": {"workers": workers, "processes": processes},
    }
    config = load_config(json.dumps(document), {"LINER_API_KEY": "k"}, base=tmp_path)
    (each, own), children = shares_of(config, cores), children_of(config, cores)
    assert each >= 1
    assert own >= 1 or children == processes_of(config, cores)
    assert workers - processes < children * each + own <= workers


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


PREAMBLE = """
import json, os, signal, threading
import anyio
from archiver.crew.processes import end_child, forked_ahead, kill_child, next_child
from archiver.crew.frames import READ_AHEAD
from archiver.tasks.event_loop import FASTEST_LOOP
from tests.support.processes import children, told_of, until
"""


def told_by(script: str) -> Any:
    """What a Python of its own says: that of the tests has threads, and cannot fork."""
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", PREAMBLE + script],
        capture_output=True,
        cwd=Path(__file__).parents[2],
        timeout=PATIENCE,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, b"")
    return json.loads(ended.stdout)


def test_children_forked_ahead_are_used_and_later_ones_are_started() -> None:
    told = told_by("""
async def use():
    used = [await next_child() for _ in range(3)]
    mine = told_of(os.getpid(), "cmdline")
    started = [told_of(one.pid, "cmdline") != mine for one in used]
    return started, {one.pid for one in used[:2]}, [await end_child(one) for one in used]

with forked_ahead(2):
    ahead = children()
    started, used, codes = anyio.run(use)
print(json.dumps([started, used == ahead, codes, len(children())]))
""")
    assert told == [[False, False, True], True, [0, 0, 0], 0]


def test_a_forked_child_without_work_ends_with_the_run() -> None:
    told = told_by("""
with forked_ahead(1):
    ahead = len(children())
print(json.dumps([ahead, len(children())]))
""")
    assert told == [1, 0]


def test_of_a_forked_child_that_was_killed_it_is_known_how_it_ended() -> None:
    told = told_by("""
async def use():
    child = await next_child()
    codes = [child.returncode, await kill_child(child), await kill_child(child), child.returncode]
    return codes, await child.stdout.read()

with forked_ahead(1):
    codes, said = anyio.run(use)
print(json.dumps([codes, len(said)]))
""")
    assert told == [[None, -9, -9, -9], 0]


def test_a_forked_child_keeps_no_file_that_this_process_inherited() -> None:
    """Such as the lock of a shell script that runs the archiver."""
    told = told_by("""
os.dup2(os.open("/dev/null", os.O_RDONLY), 9, inheritable=True)
os.closerange(3, 9)
with forked_ahead(2):
    until(lambda: all("9" not in os.listdir(f"/proc/{one}/fd") for one in children()))
    print(json.dumps(len(children())))
""")
    assert told == 2


@pytest.mark.parametrize(
    "obstacle",
    [
        "threading.Thread(target=threading.Event().wait, daemon=True).start()",
        "os.open('/dev/null', os.O_RDONLY)",
        "os.close(0)",
    ],
    ids=["another thread", "an open file", "no standard input"],
)
def test_where_a_fork_would_be_unsafe_a_child_is_started(obstacle: str) -> None:
    told = told_by(f"""
{obstacle}

async def use():
    return await end_child(await next_child())

with forked_ahead(1):
    forked = len(children())
    code = anyio.run(use)
print(json.dumps([forked, code]))
""")
    assert told == [0, 0]


def test_a_forked_child_whose_last_messages_nobody_reads_leaves_nothing_open() -> None:
    told = told_by("""
async def use():
    child = await next_child()
    child.stdout.feed_data(bytes(4 * READ_AHEAD))  # more than it takes: it stops reading
    return await kill_child(child)

with forked_ahead(1):
    print(json.dumps(anyio.run(use, backend_options=FASTEST_LOOP)))
""")
    assert told == -9


def test_a_signal_during_a_fork_ends_the_run_and_its_children() -> None:
    told = told_by("""
signal.signal(signal.SIGINT, signal.default_int_handler)  # it may be ignored in the background
os.register_at_fork(after_in_parent=lambda: os.kill(os.getpid(), signal.SIGINT))
try:
    with forked_ahead(2):
        print("the signal was lost")
except KeyboardInterrupt:
    print(json.dumps(len(children())))
""")
    assert told == 0


def test_where_the_system_forgets_how_children_end_none_is_forked() -> None:
    told = told_by("""
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
with forked_ahead(1):
    print(json.dumps(len(children())))
""")
    assert told == 0
