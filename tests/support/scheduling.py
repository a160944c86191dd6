"""Which worker gets which tests: all those that share something dear to make go to one."""

from typing import Final

from xdist.scheduler import LoadScopeScheduling

BROWSER: Final = "tests/web/browser/"
"""One Chromium and one desk for the whole folder."""


class ByTest(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
    """A test at a time, to whoever is free: slow proofs share little else than the browser."""

    def _split_scope(self, nodeid: str) -> str:
        return BROWSER if nodeid.startswith(BROWSER) else nodeid


class ByFile(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
    """A file at a time, those of most tests first: its archives and servers are made once."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return BROWSER if file.startswith(BROWSER) else file
