"""The keyboard shortcuts of each page, for the help (`?`) and the documentation.

The scripts that handle them are in `static/`; a test compares both.
"""

from typing import Final

Lines = tuple[tuple[tuple[str, ...], str], ...]

_EVERYWHERE: Final[Lines] = (
    (("/",), "key.search"),
    (("Q",), "key.queue"),
    (("U",), "key.list"),
    (("?",), "key.help"),
)
_LIST: Final[Lines] = (
    (("J", "↓"), "key.down"),
    (("K", "↑"), "key.up"),
    (("Enter",), "key.open"),
    (("N",), "key.more"),
    (("F",), "key.facets"),
)
_PLAY: Final[Lines] = (
    (("Space",), "key.play"),
    (("←", "→"), "key.five"),
    (("Shift ←", "Shift →"), "key.thirty"),
    (("Home",), "key.start"),
    (("0", "…", "9"), "key.tenth"),
    (("-", "+"), "key.speed"),
    (("S",), "key.silence"),
    (("L", "R"), "key.sides"),
    (("[", "]"), "key.loop"),
    (("\\",), "key.unloop"),
    (("Z", "X"), "key.zoom"),
)
_NEIGHBOURS: Final[Lines] = ((("N", "P"), "key.neighbours"),)
_MOVE: Final[Lines] = (
    *_NEIGHBOURS,
    (("A",), "key.autoplay"),
    (("Y",), "key.link"),
)
_JUDGE: Final[Lines] = (
    (("I",), "key.note"),
    (("T",), "key.tag"),
    (("G",), "key.card"),
    (("Ctrl Enter",), "key.submit"),
    (("K",), "key.skip"),
)

_PAGES: Final[dict[str, tuple[tuple[str, Lines], ...]]] = {
    "list": (("list", _LIST), ("everywhere", _EVERYWHERE)),
    "player": (
        ("play", _PLAY),
        ("move", _MOVE),
        ("judge", _JUDGE),
        ("everywhere", _EVERYWHERE),
    ),
    "removed": (("move", _NEIGHBOURS), ("everywhere", _EVERYWHERE)),
}


def keys_of(section: str) -> tuple[tuple[str, Lines], ...]:
    """The keys that work on the pages of a section, in groups."""
    return _PAGES.get(section, (("everywhere", _EVERYWHERE),))
