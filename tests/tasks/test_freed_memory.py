"""Memory that a recording needed is there for the next one."""

import ctypes
import subprocess
import sys

import pytest

JOINS = """
import resource, sys
from archiver.tasks.freed_memory import keep_freed_memory
if sys.argv[1] == "kept":
    keep_freed_memory()
data = bytes(2**18)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(200):
    b"".join([data[:2**17], data[2**17:]])
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
"""The page faults of joining the two parts of a recording of 256 KiB, two hundred times."""


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallopt"),
    reason="only glibc is told what to do with freed memory",
)
def test_the_next_recording_finds_the_memory_of_the_last_one() -> None:
    returned, kept = (
        int(
            subprocess.run(
                [sys.executable, "-c", JOINS, how], capture_output=True, check=True
            ).stdout
        )
        for how in ("returned", "kept")
    )
    assert kept * 10 < returned
