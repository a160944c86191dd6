"""The words of a search, marked in the text that they were found in (pure)."""

import re
from collections.abc import Iterator
from typing import Final

_WORD: Final = re.compile(r"\w+")
_BEFORE: Final = 60
"""Characters that are shown before the first hit of a text that is cut."""


def marked(text: str, search: str) -> list[tuple[str, bool]]:
    """The text in pieces, and whether each is a match: a word that begins with a search term.

    That may be more than the search finds if it requires whole words; it only highlights.
    """
    starts = tuple({_plain(word) for word in _WORD.findall(search)})
    if not starts:
        return [(text, False)] if text else []
    return list(_pieces(text, starts))


def excerpt(text: str, search: str) -> list[tuple[str, bool]]:
    """The same, from a little before the first hit on."""
    pieces = marked(text, search)
    if len(pieces) < 2:
        return pieces
    first, is_hit = pieces[0]
    if is_hit or len(first) <= 2 * _BEFORE:
        return pieces
    cut = first.find(" ", len(first) - _BEFORE) + 1
    return [("\N{HORIZONTAL ELLIPSIS} " + first[cut or -_BEFORE :], False), *pieces[1:]]


def _pieces(text: str, starts: tuple[str, ...]) -> Iterator[tuple[str, bool]]:
    done = 0
    for match in _WORD.finditer(text):
        if not _plain(match[0]).startswith(starts):
            continue
        if match.start() > done:
            yield text[done : match.start()], False
        yield match[0], True
        done = match.end()
    if done < len(text):
        yield text[done:], False


def _plain(word: str) -> str:
    return word.casefold().replace("ё", "е")
