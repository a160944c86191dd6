"""Finds what keeps the event loop waiting: a call that may block, made by code of ours.

The calls are those that blockbuster knows, and a few more. It would raise inside them, which our
code may catch; so they are noted here instead, and the test fails at its end. Calls that a test
or the sandbox makes itself do not matter.
"""

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Final

from blockbuster import BlockBuster, BlockBusterFunction

import archiver

ROOT: Final = str(Path(archiver.__file__).parent)
FOREIGN: Final = (f"{ROOT}/sandbox/", f"{Path(__file__).parent.parent}/")

NOT_WATCHED: Final = {
    "threading.Lock.acquire": "seen waiting or not as threads happen to meet: a test could flicker",
    "threading.Lock.acquire_lock": "the same",
    "os.getcwd": "asks the kernel alone, and no disk",
    "os.path.abspath": "the same",
}
"""What blockbuster knows and is left out here."""

WATCHED_TOO: Final = (
    *("builtins.open", "io.open", "os.open", "os.fsync", "os.fdatasync", "os.utime"),
    *("fcntl.flock", "fcntl.lockf", "sqlite3.connect", "socket.getaddrinfo"),
)

ALLOWED: Final[dict[tuple[str, str], str]] = {
    ("catalog/connection.py", "Turns.at_once"): "measured: a few rows by key, no sync of a disk",
    ("catalog/catalog.py", "Catalog.known"): "a look-up by key, of what is rarely known at all",
    ("catalog/catalog.py", "Catalog.was_erased"): "a look-up by key, where anything was erased",
    ("export/markup.py", "asset"): "a file of the package, once a process",
    ("text/templates.py", "templates_of.<locals>.source"): "the same",
    ("text/messages.py", "load_messages"): "the same",
    ("web/app.py", "create_app"): "looks for folders of the package, before anybody is served",
    ("web/app.py", "_Static.get_response"): "starlette reads the table of media types once",
}
"""By module and function: why it may block all the same."""

ANYWHERE: Final = {
    "_find_and_load": "late imports keep the start of a command fast",
    "StreamHandler.emit": "a line on standard error",
    "_getaddrinfo": "so asks Dask about addresses that are numbers, which need no looking up",
    "Popen.__init__": "asyncio itself starts processes on the loop",
}
"""Functions of the standard library that may block, whoever calls them."""

_ASYNC = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


class Watch:
    """Notes the blocking calls of code of ours, from `start` on until `stop`."""

    def __init__(self) -> None:
        self.found: dict[str, None] = {}
        blockbuster = BlockBuster()
        functions = [one for name, one in blockbuster.functions.items() if name not in NOT_WATCHED]
        functions += [BlockBusterFunction(None, name) for name in WATCHED_TOO]
        for function in functions:
            function.can_block_predicate = self._noting(function)
        self._functions = functions

    @contextmanager
    def active(self) -> Iterator["Watch"]:
        for function in self._functions:
            function.activate()
        try:
            yield self
        finally:
            for function in self._functions:
                function.deactivate()

    def check(self) -> None:
        """Fails if anything has blocked an event loop since it was asked last."""
        found, self.found = self.found, {}
        if found:
            raise AssertionError("\n".join(["the event loop was blocked by", *found]))

    def _noting(self, function: BlockBusterFunction) -> Callable[..., bool]:
        does_not_wait = function.can_block_predicate
        known_harmless = _by_name(function.can_block_functions)

        def note(*arguments: Any, **named: Any) -> bool:
            caller = _caller_of_ours(sys._getframe(2), known_harmless)
            if caller is not None and not does_not_wait(*arguments, **named):
                self.found[f"{function.full_name} in {caller}"] = None
            return True

        return note


def _by_name(harmless: Iterable[tuple[str, Iterable[str]]]) -> dict[str, tuple[str, ...]]:
    """The files of each function that may make the call: this is looked up for every frame."""
    found: dict[str, tuple[str, ...]] = {}
    for file, functions in harmless:
        for name in functions:
            found[name] = (*found.get(name, ()), file)
    return found


def _caller_of_ours(frame: FrameType | None, harmless: dict[str, tuple[str, ...]]) -> str | None:
    """Which code of ours made the call on the loop, by way of which functions; None: no such code.

    It is a coroutine, or what the loop calls by itself.
    """
    way: list[str] = []
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith(FOREIGN) or code.co_qualname in ANYWHERE:
            return None
        if code.co_name in harmless and code.co_filename.endswith(harmless[code.co_name]):
            return None
        if code.co_filename.startswith(ROOT):
            module = code.co_filename.removeprefix(f"{ROOT}/")
            if (module, code.co_qualname) in ALLOWED:
                return None
            way.insert(0, f"{module}:{code.co_qualname}")
            if code.co_flags & _ASYNC:
                break
        elif code.co_qualname == "Handle._run":
            break
        frame = frame.f_back
    return " > ".join(way) or None
