"""Names made for people, and safe on Windows, macOS and Linux alike (pure).

    2026-11-02_10-14-05_outgoing_Anna-Price_900101.mp3

Letters of all scripts stay, composed (NFC); everything else that is no digit becomes a hyphen. So
a name holds no separator, no character that Windows refuses, nothing that a shell or a browser
reads as syntax. It begins with a date, so it is none of the names that Windows reserves, and ends
in the record id, so no two are alike, whatever the case of their letters.
"""

import unicodedata
from datetime import datetime, tzinfo
from typing import Final

_MOST_BYTES: Final = 40
"""Of the name of a person, and of the folder in a zip. So a path in a zip has at most 155
characters, and stays within the 260 that Windows accepts where a user unpacks it among the
downloads, in a folder named after the zip."""

_RESERVED: Final = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}
)


def recording_name(
    record_id: int,
    *,
    at: datetime | None,
    zone: tzinfo,
    direction: str | None,
    who: str | None,
    mark: str = "",
) -> str:
    """The name of a recording's files, without extension. `who` is the agent, or the number;
    `mark` says what the file is that is not the recording itself."""
    when = f"{at.astimezone(zone):%Y-%m-%d_%H-%M-%S}" if at is not None else "undated"
    parts = (when, safe(direction or "", most=12), safe(who or ""), mark, str(record_id))
    return "_".join(part for part in parts if part)


def folder_name(text: str) -> str:
    """The name of the folder that a zip holds, after the name of the zip."""
    name = safe(text)
    return f"export-{name}" if not name or name.lower() in _RESERVED else name


def safe(text: str, *, most: int = _MOST_BYTES) -> str:
    """The letters and digits of the text, at most so many bytes; hyphens for the rest."""
    kept = "".join(_kept(one) for one in unicodedata.normalize("NFC", text))
    words = [word for word in kept.split("-") if word]
    name = ""
    for letter in "-".join(words):
        if len((name + letter).encode()) > most:
            break
        name += letter
    return unicodedata.normalize("NFC", name).strip("-")


def _kept(one: str) -> str:
    """The character itself when it is a letter, a digit or a mark on one."""
    return one if unicodedata.category(one)[0] in "LNM" and one.isprintable() else "-"
