"""Content-Security-Policy and addresses for the pages of a package (pure)."""

from functools import cache
from importlib.resources import files
from urllib.parse import quote

from archiver.text.templates import digest_of


@cache
def asset(name: str) -> str:
    """The text of a file that is installed with this package."""
    return files("archiver.export").joinpath("assets", name).read_text(encoding="utf-8")


def address(path: str) -> str:
    """A path in the package as a relative address."""
    return quote(path)


def policy(style: str, script: str = "", *, loads: bool = False, media: bool = False) -> str:
    """A Content-Security-Policy that allows this style and script and, for a page that plays, the
    package's own audio.

    With `loads`, this script may load others from anywhere; browsers that do not support
    'strict-dynamic' allow those of the package.
    """
    parts = ["default-src 'none'"]
    if script:
        own = f"'{digest_of(script)}'"
        parts.append(f"script-src {own}" + (" 'strict-dynamic' 'self' file:" if loads else ""))
    parts.append(f"style-src '{digest_of(style)}'")
    if script or media:
        parts.append("media-src 'self' file:")
    return "; ".join([*parts, "base-uri 'none'", "form-action 'none'"])
