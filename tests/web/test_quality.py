"""The Quality page: its numbers are those of the desk, and each leads to its calls."""

import csv
import io
import re

from tests.web.desks import Served, post, text

PERIOD = "since=2026-10-01&until=2026-12-31"
ANSWERS = ("greeting", "consent", "need", "answer", "tone", "speech", "next_step", "farewell")


def judge(desk: Served, name: str, record_id: int, **marks: str) -> None:
    fields = {f"q.{one}": "na" for one in ANSWERS} | {f"q.{one}": to for one, to in marks.items()}
    with desk.visitor(name) as person:
        path = f"/recordings/{record_id}/verdict"
        assert post(person, path, act="submit", **fields).status_code == 303


def test_the_page_its_links_and_its_table_say_the_same(desk: Served) -> None:
    judge(desk, "rita", 900101, greeting="yes", tone="3")
    judge(desk, "ross", 900102, greeting="no", tone="3")
    with desk.visitor("lead") as lead:
        page = text(lead, f"/quality?{PERIOD}&target=50")
        for told in ("Score by agent", "time zone UTC", "1 October 2026", "(below target)"):
            assert told in page
        sheet = lead.get(f"/quality.csv?{PERIOD}").content.decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(sheet)))
        assert {(row["since"], row["until"], row["timezone"]) for row in rows} == {
            ("2026-10-01", "2026-12-31", "UTC")
        }
        (whole,) = [row for row in rows if row["table"] == "all"]
        assert f"<b>{float(whole['meanScore']):.1f}</b>" in page or whole["verdicts"] != "0"
        links = re.findall(r'<a href="(/\?[^"]*)"><bdi>(rita|ross)</bdi></a>', page)
        assert [name for _, name in links] == ["rita", "ross"]
        for target, name in links:
            (row,) = [r for r in rows if (r["table"], r["id"]) == ("reviewer", name)]
            found = text(lead, target.replace("&amp;", "&"))
            assert f"Reviewer {name}" in found
            count = re.search(r'id="count"[^>]*><b>(\d+) recording', found)
            assert count is not None
            assert count[1] == row["verdicts"]
        assert "Greeted" in text(lead, "/?answer=greeting:no")


def test_what_is_wrong_in_its_address_is_named_and_nothing_is_lost(desk: Served) -> None:
    with desk.visitor("lead") as lead:
        page = text(lead, "/quality?since=2026-13-01&target=lots&answer=x&min-score=900")
        assert "Ignored because invalid: answer, min-score, since, target" in page
        assert "No recordings in this period" in text(
            lead, "/quality?since=1999-01-01&until=1999-02-01"
        )
        assert text(lead, "/quality?until=2026-10-01&since=2026-12-31").count("<section") > 5


def test_only_leads_and_admins_see_it(desk: Served) -> None:
    with desk.visitor("rita") as rita:
        assert rita.get("/quality").status_code == rita.get("/quality.csv").status_code == 403
        assert "/quality" not in text(rita)
    with desk.visitor("lead") as lead:
        assert lead.get("/journal").status_code == 403
        assert "/quality" in text(lead)
