"""The pages of the desk: templates into markup."""

import functools
from collections.abc import Mapping
from typing import Any

import jinja2

from archiver.text.templates import templates_of
from archiver.text.wording import clock


def render(template: str, values: Mapping[str, Any]) -> str:
    """The markup of a template. A name that it uses and is not given is an error of ours."""
    return _environment().get_template(template).render(values)


@functools.cache
def _environment() -> jinja2.Environment:
    environment = templates_of("archiver.web")
    environment.filters["clock"] = clock
    drawn = environment.get_template("icons.html").module
    # An icon is the same wherever it stands, and a list has a hundred of them.
    environment.globals["icon"] = functools.cache(drawn.icon)  # type: ignore[attr-defined]
    return environment
