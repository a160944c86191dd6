"""The three standard streams, which a process may be started without."""

import os
import sys
from typing import Final

_STANDARD: Final = (0, 1, 2)


def open_standard_streams() -> None:
    """Open closed standard streams to the null device.

    Otherwise the next opened file would get the number of the stream: messages for standard error
    would be written to the catalog, and libuv aborts if it is given a socket with a number from 0
    to 2.
    """
    for number in _STANDARD:
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115 - as long as we live
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115
