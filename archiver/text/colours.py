"""Colours for terminals: the words that give a verdict stand out, and nothing else does (pure)."""

import re
from typing import Final

_GREEN, _YELLOW, _RED = "\x1b[32m", "\x1b[33m", "\x1b[1;31m"
_PLAIN: Final = "\x1b[0m"
_VERDICTS: Final = {
    "ok": _GREEN,
    "COMPLETE": _GREEN,
    "INTACT": _GREEN,
    "NOTHING OPEN": _GREEN,
    "All checks passed": _GREEN,
    "warning": _YELLOW,
    "hint": _YELLOW,
    "OPEN": _YELLOW,
    "NOTHING OPEN, but": _YELLOW,
    "NOTHING KNOWN TO BE OPEN": _YELLOW,
    "NOT ALL COULD BE READ": _YELLOW,
    "UNRECORDED": _YELLOW,
    "INTERRUPTED": _YELLOW,
    "Ready to run": _YELLOW,
    "error": _RED,
    "PROBLEM": _RED,
    "Problems": _RED,
    "NOT COMPLETE": _RED,
    "DAMAGE": _RED,
    "DAMAGED": _RED,
}
_VERDICT: Final = re.compile(rf"(?:{'|'.join(sorted(_VERDICTS, key=len, reverse=True))})\b")


def coloured(line: str) -> str:
    """The line, with the verdict that it begins with in the colour of that verdict."""
    verdict = _VERDICT.match(line)
    if verdict is None:
        return line
    return f"{_VERDICTS[verdict[0]]}{verdict[0]}{_PLAIN}{line[verdict.end() :]}"
