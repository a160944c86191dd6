"""A statement as a PDF: tagged, with text that can be selected, and nothing in it is markup."""

import io
import zlib
from datetime import UTC, datetime
from typing import Any

import pytest
from pypdf import PdfReader

from archiver.statement.pdf import pdf_of
from tests.statement.documents import CYRILLIC, document

AT = datetime(2026, 11, 30, 5, 7, 9, 123456, tzinfo=UTC)


def text_of(data: bytes) -> str:
    pages = PdfReader(io.BytesIO(data)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


@pytest.mark.parametrize("language", ["en", "ru"])
def test_text_can_be_selected_in_both_alphabets_and_stays_text(language: str) -> None:
    text = text_of(pdf_of(document(language), AT))
    assert CYRILLIC in text
    assert "<script>alert(1)</script>" in text
    assert '#panic("x") $x$ *b* @ref' in text
    assert "abc\ufffdgnp.exe" in text


def test_it_is_a_tagged_a4_with_its_title_and_loads_nothing() -> None:
    data = pdf_of(document("ru"), AT)
    reader = PdfReader(io.BytesIO(data))
    root: Any = reader.root_object
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "ru"
    assert reader.metadata is not None
    assert reader.metadata.title == "Archive statement: 1 – 31 October 2026"
    assert reader.metadata.creation_date == AT.replace(microsecond=0)
    assert [round(float(side)) for side in reader.pages[0].mediabox[2:]] == [595, 842]
    assert b"/JavaScript" not in data
    assert b"/URI" not in data


def test_the_same_statement_is_the_same_file() -> None:
    assert zlib.crc32(pdf_of(document(), AT)) == zlib.crc32(pdf_of(document(), AT))
