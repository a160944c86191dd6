"""A statement as a PDF for A4, typeset by Typst: tagged (PDF/UA-1), fonts included, no network.

The template is ours and fixed; the statement is passed as data, so that nothing in it can become
markup. Fonts are those of the library, which have Latin and Cyrillic letters: the result is the
same on every machine.
"""

import json
from dataclasses import asdict
from datetime import datetime
from importlib.resources import files

from archiver.extras import extra
from archiver.statement.parts import Document
from archiver.text.templates import visible


def need_pdf() -> None:
    """Raise ExtraMissing if PDF files cannot be created."""
    with extra("pdf"):
        import typst  # noqa: F401 - only whether it is there


def pdf_of(document: Document, at: datetime) -> bytes:
    """The PDF file, dated `at`. Raises ExtraMissing without the extra `pdf`. Blocks."""
    with extra("pdf"):
        import typst
    template = files("archiver.statement").joinpath("assets", "statement.typ").read_bytes()
    told = json.dumps(_seen(asdict(document)), ensure_ascii=False)
    made = typst.compile(
        template,
        format="pdf",
        sys_inputs={"document": told},
        ignore_system_fonts=True,
        pdf_standards="ua-1",
        timestamp=at.replace(microsecond=0),
    )
    assert isinstance(made, bytes)  # noqa: S101 - one file, as no template of pages was named
    return made


def _seen(value: object) -> object:
    if isinstance(value, dict):
        return {name: _seen(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_seen(one) for one in value]
    return visible(value)
