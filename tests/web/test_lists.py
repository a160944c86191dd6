"""Calls are found by what an address asks for, and taken away as a table."""

import csv
import io
import re

import pytest

from archiver.desk.index.entries import Progress
from archiver.desk.library import Library
from tests.web.desks import (
    Served,
    post,
    text,
)
from tests.web.sounds import FORMULA, RECORDINGS


def test_a_view_is_found_by_its_address_with_names_for_people(desk: Served) -> None:
    with desk.visitor("lena") as lena:
        page = text(lena, "/?agent=101&way=outgoing&min=10&max=0:20&sort=seconds&up=yes")
        assert "2 recordings" in page
        assert page.index('data-record="900113"') < page.index('data-record="900101"')
        assert "Anna Price" in page
        assert "Delivery line" in page
        assert "1 recording<" in text(lena, '/?q="two desk lamps"')
        assert "1 recording<" in text(lena, "/?q=жалоба курьер")
        assert "1 recording<" in text(lena, "/?q=900101")


def test_what_was_tagged_is_found_by_its_tag(desk: Served) -> None:
    with desk.visitor("rita") as rita:
        assert "1 recording<" not in text(rita, "/?tag=callback")
        post(rita, "/recordings/900116/tags", tag="#Callback")
        assert "1 recording<" in text(rita, "/?tag=callback")
        assert 'href="/?tag=callback"' in text(rita)
        post(rita, "/recordings/900116/tags", remove="callback")
        assert "0 recordings" in text(rita, "/?tag=callback")
        assert 'href="/?tag=callback"' not in text(rita)


def test_pages_follow_one_another_and_miss_nothing(
    desk: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archiver.web.listing.ROWS", 4)
    with desk.visitor("lena") as lena:
        seen: list[str] = []
        path = "/?sort=agent"
        while path:
            page = text(lena, path)
            seen += re.findall(r'data-record="(\d+)"', page)
            more = re.search(r'rel="next" href="([^"]+)"', page)
            path = more[1].replace("&amp;", "&") if more else ""
        assert len(seen) == len(set(seen)) == RECORDINGS


@pytest.mark.parametrize(
    "address",
    [
        "/?after=%00%ff",
        "/?lead=99999999999999999999",
        "/?q=%22%22%22*(",
        "/?day=x&sort=y",
        "/?&&=%",
    ],
)
def test_an_address_that_makes_no_sense_is_a_list_all_the_same(desk: Served, address: str) -> None:
    with desk.visitor("lena") as lena:
        answer = lena.get(address)
        assert answer.status_code == 200
        assert "<table" in answer.text or "No recordings match" in answer.text


def test_a_view_is_taken_away_as_a_table_that_is_no_program(desk: Served) -> None:
    with desk.visitor("rita") as rita:
        for tag in ("retention", "callback"):
            post(rita, "/recordings/900103/tags", tag=tag)
        answer = rita.get("/recordings.csv?agent=101")
        assert answer.headers["content-disposition"] == 'attachment; filename="recordings.csv"'
        rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert {row["agent"] for row in rows} == {"Anna Price"}
        told = next(row for row in rows if row["recordId"] == "900103")
        assert (told["summary"], told["tags"]) == (f"'{FORMULA}", "callback, retention")


def test_an_index_that_is_being_built_is_told_and_can_be_used(
    desk: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def building(library: Library) -> Progress:
        return Progress(3, 1000, 10, 0, is_current=False, trouble="")

    monkeypatch.setattr(Library, "progress", property(building))
    with desk.visitor("lena") as lena:
        page = text(lena)
        assert "10 of 1,000 recordings read" in page
        assert 'data-record="900101"' in page
        assert "may appear shortly" in text(lena, "/recordings/5")
        assert "10 of 1,000" in text(lena, "/recordings/900101")


def test_an_index_whose_ledger_is_still_read_says_how_many_recordings_there_will_be(
    desk: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def building(library: Library) -> Progress:
        return Progress(3, 1000, 0, 0, is_current=False, known_segments=9, expected=20_000)

    monkeypatch.setattr(Library, "progress", property(building))
    with desk.visitor("lena") as lena:
        assert "1,000 of 20,000 recordings listed" in text(lena)


def test_an_archive_that_cannot_be_followed_is_told(
    desk: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(library: Library) -> Progress:
        return Progress(
            3, RECORDINGS, RECORDINGS, 0, is_current=False, trouble="the bucket is <gone>"
        )

    monkeypatch.setattr(Library, "progress", property(lost))
    with desk.visitor("lena") as lena:
        assert "cannot be read at the moment" in text(lena)
        assert "the bucket is &lt;gone&gt;" in text(lena)
