"""What evidence could not be created, and why, in words (pure)."""

from collections.abc import Iterable
from typing import NamedTuple

from archiver.errors import ArchiverError


class Trouble(NamedTuple):
    """What is missing, why, and what to do; `later` says whether it is made up for."""

    what: str
    why: str
    later: str = ""

    @classmethod
    def of(cls, what: str, error: ArchiverError, later: str = "") -> "Trouble":
        """What is missing because of that error."""
        return cls(what, f"{error}; {error.hint}".removesuffix("; "), later)

    def __str__(self) -> str:
        return f"{self.what}: {self.why}" + (f"; {self.later}" if self.later else "")


def told_once(troubles: Iterable[Trouble]) -> list[Trouble]:
    """The same, with one trouble for all that one cause prevented."""
    found: dict[str, Trouble] = {}
    for one in troubles:
        before = found.get(one.why)
        if before is None:
            found[one.why] = one
        elif one.what not in before.what:
            what = f"{before.what}, and {one.what}"
            found[one.why] = Trouble(what, one.why, before.later or one.later)
    return [*found.values()]
