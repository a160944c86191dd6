"""The output options of a command, read from its arguments before they are parsed (pure).

Parsing may fail, and that error must be printed as requested, too.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple, Self


class OutputOptions(NamedTuple):
    """The effect of `--json`, `--log json`, `--quiet` and `--verbose`, NO_COLOR and TERM."""

    json: bool
    json_logs: bool
    quiet: bool
    verbose: bool
    colour: bool

    @classmethod
    def of(cls, arguments: Sequence[str], environ: Mapping[str, str]) -> Self:
        """The options in these arguments, anywhere before `--`."""
        options = list(arguments)
        options = options[: options.index("--")] if "--" in options else options
        return cls(
            json="--json" in options,
            json_logs="--log=json" in options or ("--log", "json") in pairwise(options),
            quiet=not {"-q", "--quiet"}.isdisjoint(options),
            verbose=not {"-v", "--verbose"}.isdisjoint(options),
            colour=not environ.get("NO_COLOR") and environ.get("TERM") != "dumb",
        )
