"""Runs a command and writes its cost as JSON: `python -I -S launch.py RESULT COMMAND...`.

This is a separate small program, since Linux counts the memory of the parent process into the peak
of the process that it starts: the launcher must be smaller than every contestant. Time and CPU
seconds are those of the whole process tree; the peak is that of its largest process.
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
