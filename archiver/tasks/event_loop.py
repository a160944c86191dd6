"""The event loop of runs and of the desk: libuv's if available (not on Windows), else Python's own.

A run of small recordings spends a tenth of its time in the loop itself (measured); libuv's saves
that much. Another tenth is spent in the garbage collector, for hardly any garbage. Forty listeners
wait half as long for their first sound.
"""

import gc
from importlib.util import find_spec
from typing import Any, Final

FASTEST_LOOP: Final[dict[str, Any]] = {"use_uvloop": find_spec("uvloop") is not None}
"""The options for `anyio.run`."""

_YOUNG_OBJECTS: Final = 20_000


def collect_rarely() -> None:
    """Let the garbage collector leave alone what stays, and look at the rest less often.

    Runs and pages make hardly any cycles, and a tenth of their processor time went into looking for
    them among modules, classes and functions.
    """
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS)
