"""The statement in the desk: for whoever oversees it, of the month that is chosen, to download."""

import html
import io
import re

import httpx
import pytest
from pypdf import PdfReader

from tests.web.desks import Served, post

MONTH = "month=2026-11"


def words(answer: httpx.Response) -> str:
    """The text of a page, without its markup."""
    assert answer.status_code == 200
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", answer.text)).split())


def test_the_page_has_the_sums_of_the_month_and_names(desk: Served) -> None:
    with desk.visitor("ada") as ada:
        page = words(ada.get(f"/statement?{MONTH}"))
        assert "Archive statement: 1 – 30 November 2026" in page
        assert re.search(r"Calls \d+ Archived \d+", page)
        assert "Anna Price" in page
        assert "Delivery line" in page
        assert re.search(r"Ledger head segment \d+ [0-9a-f]{64}", page)
        assert "1 – 30 ноября 2026" in words(
            ada.get(f"/statement?{MONTH}", headers={"accept-language": "ru"})
        )


def test_without_a_choice_it_shows_this_month_and_offers_all(desk: Served) -> None:
    with desk.visitor("ada") as ada:
        page = ada.get("/statement").text
        options = re.findall(r'<option value="([^"]+)"( selected)?', page)
        assert options[0][1] == " selected"
        assert ("2026-11", "") in options or ("2026-11", " selected") in options
        assert options[-1] == ("all", "")
        assert ada.get("/statement?month=all").status_code == 200


def test_what_was_reviewed_in_the_desk_counts_as_supervision(desk: Served) -> None:
    with desk.visitor("rita") as rita, desk.visitor("ada") as ada:
        answers = {
            f"q.{name}": mark
            for name, mark in {
                "greeting": "yes", "consent": "yes", "need": "4", "answer": "5",
                "tone": "5", "speech": "4", "next_step": "yes", "farewell": "no",
            }.items()
        }  # fmt: skip
        post(rita, "/recordings/900106/verdict", act="submit", **answers)
        page = words(ada.get(f"/statement?{MONTH}"))
        assert re.search(r"\d\.\d\s%: 1 of \d+ archived recordings", page)


def test_downloads_hold_the_same_and_are_in_the_access_log(desk: Served) -> None:
    with desk.visitor("ada") as ada:
        page = ada.get(f"/statement.html?{MONTH}")
        assert page.headers["content-disposition"] == (
            'attachment; filename="statement-2026-11.html"'
        )
        assert "1 – 30 November 2026" in page.text
        assert "<script" not in page.text
        pdf = ada.get(f"/statement.pdf?{MONTH}")
        assert pdf.headers["content-type"] == "application/pdf"
        told = " ".join(one.extract_text() for one in PdfReader(io.BytesIO(pdf.content)).pages)
        assert "1 – 30 November 2026" in told
        log = words(ada.get("/journal"))
        assert f"/statement.pdf?{MONTH}" in log
        assert f"/statement.html?{MONTH}" in log


@pytest.mark.parametrize("name", ["lena", "rita"])
@pytest.mark.parametrize("path", ["/statement", "/statement.html", "/statement.pdf"])
def test_it_is_for_administrators_alone(desk: Served, name: str, path: str) -> None:
    with desk.visitor(name) as visitor:
        assert visitor.get(path).status_code == 403
        assert 'href="/statement"' not in visitor.get("/").text


@pytest.mark.parametrize("month", ["2026-13", "yesterday", '"><script>', "2026-11/../.."])
def test_an_unknown_month_is_not_found(desk: Served, month: str) -> None:
    with desk.visitor("ada") as ada:
        for path in ("/statement", "/statement.html", "/statement.pdf"):
            assert ada.get(path, params={"month": month}).status_code == 404
