"""The event loop of a run: libuv's where it is to be had (not on Windows), Python's own elsewhere.

A run of small recordings spends a tenth of its time in the loop itself (measured); on libuv's it
takes that much less.
"""

from importlib.util import find_spec
from typing import Any, Final

FASTEST_LOOP: Final[dict[str, Any]] = {"use_uvloop": find_spec("uvloop") is not None}
"""What to tell `anyio.run`."""
