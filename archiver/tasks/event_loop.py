"""The event loop of a run: libuv's where it is to be had (not on Windows), Python's own elsewhere.

A run of small recordings spends a tenth of its time in the loop itself (measured); on libuv's it
takes that much less. Another tenth goes into looking for garbage, of which there is hardly any.
"""

import gc
from importlib.util import find_spec
from typing import Any, Final

FASTEST_LOOP: Final[dict[str, Any]] = {"use_uvloop": find_spec("uvloop") is not None}
"""What to tell `anyio.run`."""

_YOUNG_OBJECTS: Final = 20_000


def collect_rarely() -> None:
    """Let the garbage collector leave alone what stays, and look at the rest less often.

    A run makes hardly any cycles, and a tenth of its processor time went into looking for them
    among modules, classes and functions.
    """
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS)
