"""Text into HTML, so that it stays text; and numbers and moments as a page shows them (pure)."""

import base64
import hashlib
import html
import unicodedata
from datetime import datetime, tzinfo
from functools import cache
from importlib.resources import files
from typing import Final
from urllib.parse import quote

_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_SPACE: Final = {"\n", "\r", "\t"}
_JOINERS: Final = {"\u200c", "\u200d"}
"""Invisible, and part of how Persian, Hindi and some pictures are written."""


@cache
def asset(name: str) -> str:
    """A file that ships with the export."""
    return files("archiver.export").joinpath("assets", name).read_text(encoding="utf-8")


def text(value: object) -> str:
    """The value as text of a page or of an attribute: no markup, nothing invisible.

    Control and bidirectional characters, which could make a line read as another, are replaced.
    """
    if value is None:
        return ""
    return html.escape("".join(_visible(one) for one in str(value)), quote=True)


def address(path: str) -> str:
    """A path in the package as a relative address."""
    return html.escape(quote(path), quote=True)


def policy(style: str, script: str = "") -> str:
    """A Content-Security-Policy that lets in this style and script and the package's own audio."""
    scripts = f"script-src '{_digest(script)}'; " if script else ""
    media = "media-src 'self' file:; " if script else ""
    return (
        f"default-src 'none'; {scripts}style-src '{_digest(style)}'; {media}"
        "base-uri 'none'; form-action 'none'"
    )


def say_clock(seconds: float | None) -> str:
    """A length as players show it: `0:18`, `12:05`, `1:02:03`."""
    if seconds is None:
        return ""
    whole = int(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, second = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{second:02}" if hours else f"{minutes}:{second:02}"


def say_day(at: datetime, zone: tzinfo) -> str:
    """`Monday, 2 November 2026`, whatever the machine's language."""
    local = at.astimezone(zone)
    return f"{_DAYS[local.weekday()]}, {say_date(at, zone)}"


def say_date(at: datetime, zone: tzinfo) -> str:
    """`2 November 2026`."""
    local = at.astimezone(zone)
    return f"{local.day} {_MONTHS[local.month - 1]} {local.year}"


def say_period(first: datetime | None, last: datetime | None, zone: tzinfo) -> str:
    """The days from the first to the last, both included."""
    if first is None or last is None:
        return "unknown"
    one, other = say_date(first, zone), say_date(last, zone)
    if one == other:
        return one
    day, month_and_year = one.split(" ", 1)
    if other.endswith(f" {month_and_year}"):
        return f"{day} \N{EN DASH} {other}"
    return f"{one} \N{EN DASH} {other}"


def count(number: int, one: str) -> str:
    """`1 call`, `1,234 calls`."""
    return f"{number:,} {one if number == 1 else f'{one}s'}"


def _digest(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def _visible(one: str) -> str:
    if one in _SPACE:
        return " "
    hides = unicodedata.category(one) in {"Cc", "Cf", "Cs"} and one not in _JOINERS
    return "\ufffd" if hides else one
