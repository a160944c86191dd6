"""What people do at the desk: judged, noted, queued, logged, and taken away by who may."""

import csv
import io
import re

import pytest

from archiver.desk.accounts.person import Person
from archiver.desk.review.queue import Queues
from tests.web.desks import (
    Served,
    post,
    text,
)
from tests.web.sounds import FORMULA


def test_plays_downloads_and_tables_are_in_the_access_log(desk: Served) -> None:
    with desk.visitor("ross") as ross:
        for _ in range(3):
            ross.get("/recordings/900112/audio", headers={"range": "bytes=0-99"})
        ross.head("/recordings/900111/audio")
        ross.get("/recordings/900112/file")
        ross.get("/recordings.csv?q=refund")
    with desk.visitor("ada") as ada:
        page = text(ada, "/journal?name=ross")
        rows = re.findall(r"<tr><td>.*?</tr>", page, re.DOTALL)
        told = [re.sub(r"<[^>]+>", " ", row) for row in rows]
        acts = [next(a for a in ("played", "downloaded", "CSV", "logged") if a in r) for r in told]
        assert acts == ["CSV", "downloaded", "played", "logged"]
        assert "900112" in told[2]
        assert "/recordings.csv?q=refund" in told[0]
        assert "127.0.0.1" in told[0]
        table = ada.get("/journal.csv").content.decode("utf-8-sig")
        assert "ross,127.0.0.1,play,900112" in table


def test_whoever_listens_or_writes_keeps_the_place_in_the_queue(
    desk: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = []

    async def keep(queues: Queues, by: Person, record_id: int) -> None:
        kept.append((by.name, record_id))

    monkeypatch.setattr(Queues, "keep", keep)
    with desk.visitor("rita") as rita:
        rita.get("/recordings/900112/audio", headers={"range": "bytes=0-99"})
        post(rita, "/recordings/900113/notes", seconds="1", text="on hold")
        post(rita, "/recordings/900114/verdict", act="draft", **{"q.greeting": "yes"})
    assert kept == [("rita", 900112), ("rita", 900113), ("rita", 900114)]


def test_what_a_page_is_told_is_checked(desk: Served) -> None:
    with desk.visitor("rita") as rita:
        for path, fields, status in (
            ("/recordings/900101/notes", {"seconds": "nan", "text": "x"}, 400),
            ("/recordings/900101/notes", {"seconds": "-1", "text": "x"}, 400),
            ("/recordings/900101/notes", {"seconds": "1", "text": " "}, 422),
            ("/recordings/900101/notes", {"seconds": "1", "text": "x" * 70_000}, 422),
            ("/recordings/900101/notes", {"seconds": "1", "text": "x" * 600_000}, 413),
            ("/recordings/1/notes", {"seconds": "1", "text": "x"}, 404),
            ("/recordings/900101/tags", {"tag": ""}, 422),
            ("/recordings/900101/verdict", {"act": "submit"}, 422),
            ("/recordings/900101/verdict", {"q.greeting": "6", "act": "draft"}, 400),
            ("/recordings/900101/skip", {"queue": "x", "reason": "y"}, 400),
            ("/queue/next", {"queue": "99999999999999999999"}, 400),
            ("/settings", {"theme": "pink"}, 400),
        ):
            assert post(rita, path, **fields).status_code == status, (path, fields)
        answer = rita.post("/recordings/900101/tags", json={"tag": "x"})
        assert answer.status_code == 415


def test_a_draw_from_nothing_and_a_tag_too_many_are_refused_in_their_own_words(
    desk: Served,
) -> None:
    with desk.visitor("lead") as lead:
        for path, fields in (
            ("/queue", {"share": "5"}),
            ("/calibrations", {"card": "scorecard", "people": "rita"}),
        ):
            answer = post(lead, f"{path}?q=nothingatall", title="Nothing", **fields)
            assert answer.status_code == 422
            assert "The selection has no recordings." in answer.text
    with desk.visitor("rita") as rita:
        tags = [f"tag {number}" for number in range(30)]
        for tag in tags:
            assert post(rita, "/recordings/900109/tags", tag=tag).status_code == 303
        answer = post(rita, "/recordings/900109/tags", tag="one more")
        assert (answer.status_code, "Tag: at most 30" in answer.text) == (422, True)
        assert "22 more" in text(rita), "of all tags the list shows some, and leads to the others"
        assert '<bdi>tag 29</bdi> <span class="count">1' in text(rita, "/?all=tags")
        for tag in tags:
            post(rita, "/recordings/900109/tags", remove=tag)


def test_verdicts_and_notes_are_tables_for_whoever_oversees(desk: Served) -> None:
    with desk.visitor("rita") as rita:
        post(rita, "/recordings/900117/notes", seconds="1", text=FORMULA)
        marks = {"greeting": "yes", "consent": "no", "need": "4", "answer": "5", "tone": "3"}
        marks |= {"speech": "na", "next_step": "yes", "farewell": "yes"}
        fields = {f"q.{name}": answer for name, answer in marks.items()}
        assert post(rita, "/recordings/900117/verdict", act="submit", **fields).status_code == 303
    with desk.visitor("ada") as ada:
        sheet = ada.get("/verdicts.csv").content.decode("utf-8-sig")
        (row,) = [one for one in csv.DictReader(io.StringIO(sheet)) if one["recordId"] == "900117"]
        assert (row["reviewer"], row["agent"], row["need"]) == ("rita", "David Walsh", "4")
        assert f"'{FORMULA}"[:20] in ada.get("/notes.csv").text.replace('""', '"')
        assert "Reviewed" in text(ada, "/?reviewed=yes")


def test_whoever_oversees_sees_what_a_verdict_was_before(desk: Served) -> None:
    names = ("greeting", "consent", "next_step", "farewell", "need", "answer", "tone", "speech")
    with desk.visitor("rita") as rita:
        for greeting, comment in (("no", "First thought"), ("yes", "Second thought")):
            answers = dict.fromkeys(names, "na") | {"greeting": greeting}
            fields = {f"q.{name}": answer for name, answer in answers.items()}
            post(rita, "/recordings/900105/verdict", act="submit", comment=comment, **fields)
    with desk.visitor("ada") as ada:
        page = text(ada, "/recordings/900105")
        assert (
            page.index("Previous version,")
            < page.index("First thought")
            < page.index("Second thought")
        )
        (before,) = re.findall(r'class="before".*?</div></dl>', page, re.DOTALL)
        assert re.findall(r"<dd>(.*?)</dd>", before) == ["No"], "only what was changed since"
    with desk.visitor("ross") as ross:
        assert "thought" not in text(ross, "/recordings/900105")


def test_a_place_is_put_back_for_somebody_else_and_a_skip_tells_why(desk: Served) -> None:
    with desk.visitor("ada") as ada:
        post(ada, "/queue?q=refund", title="Refunds", share="100")
        (number,) = re.findall(r'href="(/queue/\d+)"><bdi>Refunds', text(ada, "/queue"))
    queue = number.removeprefix("/queue/")
    with desk.visitor("rita") as rita, desk.visitor("ross") as ross:
        first = post(rita, "/queue/next", queue=queue).headers["location"]
        path = first.partition("?")[0]
        assert post(ross, "/queue/next", queue=queue).headers["location"] != first
        assert post(rita, f"{path}/put-back", queue=queue).headers["location"] != first
        assert post(ross, f"{path}/skip", queue=queue, reason="only <music>").status_code == 303
        assert rita.get(number).status_code == 403
    with desk.visitor("ada") as ada:
        page = text(ada, number)
        (row,) = [row for row in page.split("<tr>") if f'href="{path}"' in row]
        assert [told for told in ("Skipped", "ross", "only &lt;music&gt;") if told not in row] == []
        places = page.count("/recordings/")
        assert page.count("Pending") == places - 1
        assert ada.get("/queue/999").status_code == 404
        assert text(ada, f"{number}?after=1").count("/recordings/") == places - 1
