"""The three standard streams, which a process may be started without."""

import os
import sys
from typing import Final

_STANDARD: Final = (0, 1, 2)


def open_standard_streams() -> None:
    """Let each standard stream that is closed be open to nowhere.

    Else the next file that is opened gets its number: what is written to standard error would go
    into the catalog, and libuv ends a process whose numbers 0 to 2 it is handed for a socket.
    """
    for number in _STANDARD:
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115 - as long as we live
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115
