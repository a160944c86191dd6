"""Templates into markup: whatever is put into one is text, and stays text."""

import functools
import unicodedata
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final

import jinja2
from markupsafe import Markup

from archiver.desk.texts import TURNS
from archiver.web.wording import clock

_ALLOWED: Final = {"\n", "\t"}
_STEERING: Final = TURNS | {"\u200e", "\u200f"}
"""Characters that make a line read as another."""


def render(template: str, values: Mapping[str, Any]) -> str:
    """The markup of a template. A name that it uses and is not given is an error of ours."""
    return _environment().get_template(template).render(values)


def visible(value: object) -> object:
    """Text without control and bidirectional characters; anything else as it is."""
    if not isinstance(value, str) or isinstance(value, Markup) or value.isascii():
        if isinstance(value, str) and not isinstance(value, Markup) and not value.isprintable():
            return "".join(map(_shown, value))
        return value
    return "".join(map(_shown, value))


def _shown(one: str) -> str:
    if one in _ALLOWED:
        return one
    hidden = one in _STEERING or unicodedata.category(one) in {"Cc", "Cs"}
    return "\ufffd" if hidden else one


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_source),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=visible,
        auto_reload=False,
    )
    environment.filters["clock"] = clock
    return environment


def _source(name: str) -> str:
    return files("archiver.web").joinpath("templates", name).read_text("utf-8")
