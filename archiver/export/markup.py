"""What a page of a package may load, and how it names files (pure)."""

from functools import cache
from importlib.resources import files
from urllib.parse import quote

from archiver.text.markup import digest_of


@cache
def asset(name: str) -> str:
    """A file that ships with the export."""
    return files("archiver.export").joinpath("assets", name).read_text(encoding="utf-8")


def address(path: str) -> str:
    """A path in the package as a relative address."""
    return quote(path)


def policy(style: str, script: str = "", *, loads: bool = False, media: bool = False) -> str:
    """A Content-Security-Policy that lets in this style and script and, where the page plays,
    the package's own audio.

    With `loads` that script alone may load others, wherever they lie; browsers too old to know how
    to tell who loads take those of the package.
    """
    parts = ["default-src 'none'"]
    if script:
        own = f"'{digest_of(script)}'"
        parts.append(f"script-src {own}" + (" 'strict-dynamic' 'self' file:" if loads else ""))
    parts.append(f"style-src '{digest_of(style)}'")
    if script or media:
        parts.append("media-src 'self' file:")
    return "; ".join([*parts, "base-uri 'none'", "form-action 'none'"])
