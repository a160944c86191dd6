"""The keys that the help tells are those that the scripts hear, and the documentation has them."""

import json
from importlib.resources import files
from pathlib import Path

import pytest

from archiver.web.shortcuts import keys_of

STATIC = files("archiver.web").joinpath("static")
SCRIPTS = "".join(
    STATIC.joinpath(f"{name}.js").read_text("utf-8")
    for name in ("desk", "list", "player", "scorecard", "keys")
)
PAGE = (Path(__file__).parent.parent.parent / "docs" / "desk.md").read_text("utf-8")
ENGLISH = json.loads(files("archiver.web").joinpath("locale", "en.json").read_text("utf-8"))
HEARD_AS = {
    "↓": "ArrowDown", "↑": "ArrowUp", "←": "ArrowLeft", "→": "ArrowRight",
    "Shift ←": "Shift ArrowLeft", "Shift →": "Shift ArrowRight", "\\": "\\\\",
    "0": "digit", "9": "digit", "…": "digit",
}  # fmt: skip
BY_ITSELF = {"Enter", "Ctrl Enter"}
"""The browser's own on a link that has the focus, and one that fields hear for themselves."""

LINES = {
    line: None
    for section in ("list", "player", "removed")
    for _, lines in keys_of(section)
    for line in lines
}


@pytest.mark.parametrize(("names", "message"), LINES)
def test_a_key_is_heard_and_documented(names: tuple[str, ...], message: str) -> None:
    for name in names:
        if name in BY_ITSELF:
            continue
        heard = HEARD_AS.get(name, name if len(name) > 1 else name.lower())
        assert any(f"{form}: " in SCRIPTS for form in (f'"{heard}"', f" {heard}")), name
    shown = " ".join(f"`{name}`" for name in names)
    assert f"| {shown} | {ENGLISH[message]} |" in PAGE
