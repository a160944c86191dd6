"""Every word of an interface, in each of its languages, from one file a language.

A message is a text with named places (`{count}`), or the forms of it that the language's rule of
plurals chooses by `count`. Texts of ours alone are templates; what is put into them stays text.
A package keeps its texts in `locale/<language>.json`; numbers, months and sizes are here.
"""

import functools
import json
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any, Final

LANGUAGES: Final = {"en": "English", "ru": "Русский"}
"""By their code; the first is the fallback."""


class Messages:
    """The words of one language."""

    def __init__(self, language: str, texts: Mapping[str, Any]) -> None:
        self.language = language
        self._texts = texts
        self._form = _PLURALS[language]

    def __call__(self, key: str, **values: Any) -> str:
        """The message under the key; KeyError if there is none."""
        text = self._texts[key]
        if isinstance(text, dict):
            text = text[self._form(int(values["count"]))]
            values["count"] = self.number(int(values["count"]))
        return str(text).format_map(values) if values else str(text)

    def has(self, key: str) -> bool:
        """Whether there is such a message."""
        return key in self._texts

    def named(self, group: str, value: object) -> str:
        """The name of a value of the data, such as a state; one we have no name for as words."""
        text = self._texts.get(f"{group}.{value}")
        if isinstance(text, str):
            return text
        words = str(value).replace("-", " ").replace("_", " ").strip()
        return words[:1].upper() + words[1:]

    def words(self, key: str) -> list[str]:
        """A list, such as the names of the months."""
        return [str(word) for word in self._texts[key]]

    def section(self, prefix: str) -> dict[str, Any]:
        """All messages under `prefix.`, by the rest of their key: what a script is handed."""
        start = f"{prefix}."
        return {
            key.removeprefix(start): text
            for key, text in self._texts.items()
            if key.startswith(start)
        }

    def number(self, value: int) -> str:
        """A whole number with its thousands parted."""
        return f"{value:,}".replace(",", str(self._texts["number.thousands"]))

    def decimal(self, value: float, digits: int = 1) -> str:
        """A number with that many digits after the point."""
        return f"{value:.{digits}f}".replace(".", str(self._texts["number.point"]))

    def brief(self, value: float) -> str:
        """A number with up to two decimal places, without trailing zeros."""
        digits = next(n for n in range(3) if n == 2 or round(value, n) == round(value, 2))
        return self.decimal(value, digits)


@functools.cache
def load_messages(package: str, language: str) -> Messages:
    """The texts of that package in that language. KeyError if it is not supported."""
    if language not in LANGUAGES:
        raise KeyError(language)
    texts: dict[str, Any] = {}
    for home in ("archiver.text", package):
        file = files(home).joinpath("locale", f"{language}.json")
        texts |= json.loads(file.read_text("utf-8"))
    return Messages(language, texts)


def _english(count: int) -> str:
    return "one" if count == 1 else "other"


def _russian(count: int) -> str:
    if count % 10 == 1 and count % 100 != 11:
        return "one"
    if count % 10 in (2, 3, 4) and count % 100 not in (12, 13, 14):
        return "few"
    return "many"


_PLURALS: Final[Mapping[str, Callable[[int], str]]] = {"en": _english, "ru": _russian}
