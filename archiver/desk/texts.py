"""Text written by users, as stored: NFC, without invisible characters (pure)."""

import unicodedata
from typing import Final

from archiver.errors import WrongInput

_UNSEEN: Final = frozenset({"Cc", "Cs"})
TURNS: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the direction of what follows them: they could repaint a page."""


def one_line(text: str, most: int) -> str:
    """The text on one line, cut to so many characters."""
    return " ".join(_seen(text).split())[:most]


def short_text(text: str, field: str, most: int) -> str:
    """A text on one line; WrongInput for none, and for one of more than so many characters."""
    kept = one_line(text, len(text))
    if not kept:
        raise WrongInput(field, f"the field {field} is empty", problem="empty")
    return _limited(kept, field, most)


def free_text(text: str, field: str, most: int) -> str:
    """A text of several lines; WrongInput for a longer one."""
    lines = [line.rstrip() for line in _seen(text.replace("\r\n", "\n")).split("\n")]
    return _limited("\n".join(lines).strip(), field, most)


def _limited(text: str, field: str, most: int) -> str:
    if len(text) > most:
        raise WrongInput(
            field,
            f"the text is longer than {most:,} characters",
            problem="too-long",
            limit=most,
            hint="shorten it",
        )
    return text


def _seen(text: str) -> str:
    text = unicodedata.normalize("NFC", text)
    return "".join(one for one in text if one in "\n\t" or not _is_unseen(one))


def _is_unseen(one: str) -> bool:
    return one in TURNS or unicodedata.category(one) in _UNSEEN
