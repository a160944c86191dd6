"""What every page keeps: the archive as it is, and sense in its answers."""

from pathlib import Path

import pytest

from archiver.web import listing
from tests.support.world import tree
from tests.web.desks import (
    Served,
    archived,
    calls,
    enrol,
    post,
    served,
    text,
    until_listed,
)


def test_the_archive_is_the_same_to_the_byte_after_a_day_of_work(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    made = archived(tmp_path_factory.mktemp("desk"), calls())
    enrol(made)
    before, stamps = tree(made.archive), times(made.archive)
    with served(made) as desk, desk.visitor("ada") as ada:
        until_listed(ada, 17)
        for path in ("/?q=refund", "/recordings.csv", "/recordings/900108", "/journal", "/queue"):
            assert ada.get(path).status_code == 200
        for part in ("audio", "peaks", "file"):
            assert ada.get(f"/recordings/900101/{part}").status_code == 200
        post(ada, "/recordings/900101/notes", seconds="3.5", text="a note")
        post(ada, "/recordings/900101/tags", tag="a tag")
        post(ada, "/recordings/900101/verdict", act="draft", **{"q.greeting": "yes"})
        post(ada, "/queue", title="all of them", share="100")
        assert post(ada, "/queue/next").headers["location"].startswith("/recordings/")
    assert tree(made.archive) == before
    assert times(made.archive) == stamps


def times(folder: Path) -> dict[str, int]:
    return {str(one): one.lstat().st_mtime_ns for one in (folder, *folder.rglob("*"))}


@pytest.mark.parametrize(
    "path",
    [
        "/recordings/1",
        "/recordings/99999999999999999999999",
        "/recordings/0",
        "/recordings/-1",
        "/recordings/1e3",
        "/recordings/900101/../../etc/passwd",
        "/recordings/..%2f..%2fetc%2fpasswd",
        "/static/..%2fapp.py",
        "/static/../app.py",
        "/calls/1",
        "/recordings/1/audio",
        "/recordings/99999999999999999999999/audio",
        "/recordings/1/file",
    ],
)
def test_what_is_not_there_is_404_whatever_its_name(desk: Served, path: str) -> None:
    with desk.visitor("ada") as ada:
        assert ada.get(path).status_code == 404
        assert "Traceback" not in text(ada, path)


def test_a_call_leads_to_its_first_recording(desk: Served) -> None:
    with desk.visitor("lena") as lena:
        assert lena.get("/calls/70108").headers["location"] == "/recordings/900108"


def test_a_bug_of_ours_is_a_sentence_on_the_page(
    desk: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*given: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(listing, "counts_of", broken)
    with desk.visitor("lena") as lena:
        answer = lena.get("/")
        assert answer.status_code == 500
        assert "Something went wrong inside the desk" in answer.text
        assert "secret detail" not in answer.text
