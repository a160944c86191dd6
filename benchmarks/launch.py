"""Runs one command and writes what it cost as JSON: `python -I -S launch.py RESULT COMMAND...`.

It is a small program of its own, because Linux counts the memory of the process that starts another
into the peak of the started one: whoever starts a contestant has to be smaller than all of them.
Time and CPU seconds are those of the whole tree of processes; the peak is that of the largest one.
"""

import json
import os
import sys
import time


def main() -> int:
    result, *command = sys.argv[1:]
    before = time.perf_counter()
    child = os.posix_spawnp(command[0], command, os.environ)
    _, status, used = os.wait4(child, 0)
    wall = time.perf_counter() - before
    measured = {
        "wall": wall,
        "cpu": used.ru_utime + used.ru_stime,
        "user": used.ru_utime,
        "system": used.ru_stime,
        "peakMiB": used.ru_maxrss / 1024,
        "exit": os.waitstatus_to_exitcode(status),
    }
    with open(result, "w", encoding="ascii") as file:  # noqa: PTH123 - pathlib doubles our size
        json.dump(measured, file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
