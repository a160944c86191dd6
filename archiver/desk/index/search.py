"""What a person types -> a question that FTS5 cannot misread (pure).

Only letters and digits reach SQLite, always inside quotes, so nothing that is typed is an operator
or a syntax error. `fold` is what texts go through on both sides, where FTS5 does not fold itself.
"""

import re
import unicodedata
from typing import Final

_MOST_CHARACTERS: Final = 400
_MOST_WORDS: Final = 32
_PIECE = re.compile(r'"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+)')
_LETTERS = re.compile(r"[^\W_]+")
_NUMBER = re.compile(r"[\s+().-]*(?:\d[\s+().-]*)+")
_GREATEST: Final = 2**63 - 1
_LEAST_DIGITS: Final = 3
"""Fewer last digits of a telephone number would find everyone."""


def clean(text: str) -> str:
    """The text as SQLite can hold it: composed letters, no NUL, no half of a surrogate pair."""
    if text.isascii():
        return text.replace("\0", " ")
    whole = text.encode("utf-8", "replace").decode("utf-8").replace("\0", " ")
    return unicodedata.normalize("NFC", whole)


def fold(text: str) -> str:
    """Letters that people type for one another become one: ё is е."""
    return text.replace("ё", "е").replace("Ё", "Е")


def match(text: str) -> str | None:
    """The text as an expression of FTS5; None when there is no letter or digit in it."""
    terms = []
    for piece in _PIECE.finditer(fold(clean(text[:_MOST_CHARACTERS]))):
        typed = piece["phrase"] if piece["phrase"] is not None else piece["word"]
        words = _LETTERS.findall(typed)
        if words:
            begins = piece["word"] is not None and typed.endswith("*")
            terms.append(f'"{" ".join(words)}"{"*" if begins else ""}')
    return " ".join(terms[:_MOST_WORDS]) or None


def number(text: str) -> int | None:
    """The number that a text of nothing but digits and their punctuation stands for."""
    digits = "".join(filter(str.isdigit, text)) if _NUMBER.fullmatch(text) else ""
    found = int(digits) if digits and len(digits) <= 19 else 0
    return found if 0 < found <= _GREATEST else None


def phone_digits(text: str) -> int | None:
    """A telephone number as its digits; None where there are none, or too many for a number."""
    digits = "".join(one for one in text if one in "0123456789")
    return int(digits) if 0 < len(digits) <= 18 else None


def phone_ending(text: str) -> tuple[int, int] | None:
    """The digits that a telephone number must end with, and ten to the power of how many.

    Of a long number the last ten count: countries and exchanges prefix the same number differently.
    None when fewer than three digits are given.
    """
    digits = "".join(one for one in text if one in "0123456789")[-10:]
    return (int(digits), 10 ** len(digits)) if len(digits) >= _LEAST_DIGITS else None
