"""Templates into markup: whatever is put into one is text, and stays text."""

import functools
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final

import jinja2
from markupsafe import Markup

from archiver.desk.texts import TURNS
from archiver.web.wording import clock

_HIDDEN: Final = re.compile(
    f"[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\ud800-\\udfff\u200e\u200f{''.join(sorted(TURNS))}]"
)
"""Characters that nobody sees, but for line break and tab, or that make a line read as another."""


def render(template: str, values: Mapping[str, Any]) -> str:
    """The markup of a template. A name that it uses and is not given is an error of ours."""
    return _environment().get_template(template).render(values)


def visible(value: object) -> object:
    """Text without control and bidirectional characters; anything else as it is."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return _HIDDEN.sub("\ufffd", value)


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
    drawn = environment.get_template("icons.html").module
    # An icon is the same wherever it stands, and a list has a hundred of them.
    environment.globals["icon"] = functools.cache(drawn.icon)  # type: ignore[attr-defined]
    return environment


def _source(name: str) -> str:
    return files("archiver.web").joinpath("templates", name).read_text("utf-8")
