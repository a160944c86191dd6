"""A statement as one HTML file: light, for A4, without scripts and without the network (pure)."""

import functools
from importlib.resources import files

import jinja2
from markupsafe import Markup

from archiver.statement.parts import Document
from archiver.text.templates import style_policy, templates_of


def page_of(document: Document) -> str:
    """The whole page; texts from the archive are never markup."""
    style = files("archiver.statement").joinpath("assets", "statement.css").read_text("utf-8")
    return (
        _templates()
        .get_template("page.html")
        .render(document=document, style=Markup(style), policy=style_policy(style))  # noqa: S704
    )


def body_of(document: Document) -> Markup:
    """All except the title, as a part of another page; its headings are of the second level."""
    template = _templates().get_template("sections.html")
    return Markup(template.render(document=document))  # noqa: S704 - made from text


@functools.cache
def _templates() -> jinja2.Environment:
    return templates_of("archiver.statement")
