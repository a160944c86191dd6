"""Pages from templates: values are always text, never markup; and what a page may load."""

import base64
import functools
import hashlib
import re
from collections.abc import Callable, MutableMapping
from importlib.resources import files
from types import CodeType
from typing import Any, Final

import jinja2
from jinja2.runtime import Context, Macro
from markupsafe import Markup, escape

_HIDDEN: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u180e\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb\U0001d173-\U0001d17a"
    "\U000e0001-\U000e007f]"
)
"""Invisible characters, except line breaks and tab, and those that make a line read differently.

None of them is printable to Python, which finds that out much faster. The joiners U+200C and U+200D
are part of Persian, Hindi and some emoji.
"""

_SHORT: Final = 100
"""Characters of a value that is worth keeping as markup."""


def templates_of(package: str) -> jinja2.Environment:
    """The templates in the folder `templates` of a package.

    A name that a template uses and is not given is an error of ours.
    """

    def source(name: str) -> str:
        return files(package).joinpath("templates", name).read_text("utf-8")

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(source),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.context_class = _Context
    environment.template_class = _Template
    return environment


class _Template(jinja2.Template):
    """A template whose values become markup by `markup_of`."""

    @classmethod
    def from_code(
        cls,
        environment: jinja2.Environment,
        code: CodeType,
        globals: MutableMapping[str, Any],  # noqa: A002 - the name that jinja2 gives it
        uptodate: Callable[[], bool] | None = None,
    ) -> jinja2.Template:
        """The template of compiled code."""
        made = super().from_code(environment, code, globals, uptodate)
        made.root_render_func.__globals__["escape"] = markup_of
        return made


class _Context(Context):
    """Jinja asks of everything that a template calls whether it wants the context, which takes
    longer than most of what is called here does, and a list calls hundreds. Only macros want it."""

    def call(self, called: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call what a template calls."""
        if isinstance(called, Macro):
            return super().call(called, *args, **kwargs)
        kwargs.pop("_block_vars", None)
        kwargs.pop("_loop_vars", None)
        return called(*args, **kwargs)


def markup_of(value: object) -> Markup:
    """What a template shows of a value: text is escaped, with a mark in place of each character
    that hides or turns; markup stays as it is."""
    if type(value) is str and len(value) <= _SHORT:
        return _markup_of_text(value)
    return escape(visible(value))


@functools.lru_cache(maxsize=8192)
def _markup_of_text(value: str) -> Markup:
    """A page of a list has 1,200 values, most of them names, words and numbers of its other rows,
    and of the pages before."""
    return escape(visible(value))


def visible(value: object) -> object:
    """Text with a mark in place of each character that hides or turns; anything else as it is."""
    if not isinstance(value, str) or isinstance(value, Markup) or value.isprintable():
        return value
    return _HIDDEN.sub("\ufffd", value)


def style_policy(style: str) -> str:
    """A Content-Security-Policy for a page with this style alone: no script, no network."""
    return (
        f"default-src 'none'; style-src '{digest_of(style)}'; base-uri 'none'; form-action 'none'"
    )


def digest_of(content: str) -> str:
    """A style or script as a policy names it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
