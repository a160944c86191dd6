"""The pages of the desk: templates into markup."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import jinja2
from markupsafe import Markup

from archiver.text.templates import templates_of
from archiver.text.wording import clock


def render(template: str, values: Mapping[str, Any]) -> str:
    """The markup of a template. A name that it uses and is not given is an error of ours."""
    return _environment().get_template(template).render(values)


def piece(template: str, macro: str, *values: Any) -> Markup:
    """The markup that one macro of a template makes."""
    made: Markup = _macro(template, macro)(*values)
    return made


@functools.cache
def _macro(template: str, macro: str) -> Callable[..., Any]:
    made: Callable[..., Any] = getattr(_environment().get_template(template).module, macro)
    return made


@functools.cache
def _environment() -> jinja2.Environment:
    environment = templates_of("archiver.web")
    environment.filters["clock"] = clock
    # An icon is the same wherever it stands, and a list has a hundred of them.
    environment.globals["icon"] = _kept(environment, "icons.html", "icon")
    environment.globals["key_sections"] = _kept(environment, "keys.html", "key_sections")
    environment.globals["script_words"] = _kept(environment, "keys.html", "script_words")
    environment.globals["navigation"] = _kept(environment, "navigation.html", "navigation")
    environment.globals["table_head"] = _kept(environment, "head.html", "table_head")
    # The facets of a view are the same on each of its pages.
    environment.globals["facet_sections"] = _kept(environment, "facets.html", "facet_sections")
    return environment


def _kept(environment: jinja2.Environment, template: str, macro: str) -> Callable[..., Any]:
    """A macro whose markup is kept for the values that it was last called with."""
    made: Callable[..., Any] = getattr(environment.get_template(template).module, macro)
    return functools.lru_cache(maxsize=128)(made)
