"""A lead's week at the desk: a plan, what it drew, a search to share, moments to coach with."""

import re
import sqlite3
from contextlib import closing
from datetime import date

from archiver.desk.review.plans import Stratum
from archiver.web.planning import strata_of
from tests.desk.quality.test_report import calls
from tests.web.desks import Served, csrf_of, post, text
from tests.web.test_quality import judge

CALL = "/recordings/900112"


def test_a_plan_is_made_draws_what_is_over_and_ends(desk: Served) -> None:
    with desk.visitor("lead") as lead, desk.visitor("rita") as rita, desk.visitor("ada") as ada:
        fields = {"csrf": csrf_of(text(lead)), "title": "Two a week", "per-agent": "2"}
        wrong = lead.post("/plans", data={**fields, "per-agent": "0"})
        assert wrong.status_code == 422
        assert "Recordings per agent, weekly" in wrong.text
        chosen = {"people": ["rita", "nobody"], "strata": ["length", "colour"]}
        assert (
            lead.post("/plans?agent=101&since=2026-01-01", data={**fields, **chosen}).status_code
            == 303
        )
        page = text(lead, "/plans")
        assert "No calls in that week" in page
        assert "Length (1 and 5 minutes)." in page
        assert 'href="/?agent=101"' in page
        assert rita.get("/plans").status_code == 403
        (end,) = re.findall(r'action="(/plans/\d+/end)"', page)
        assert post(lead, end).status_code == 303
        assert post(lead, end).status_code == 404
        assert "Ended" in text(lead, "/plans")
        assert ",draw,,plan" in ada.get("/journal.csv").text


def test_weeks_that_are_long_over_are_folded_away(desk: Served) -> None:
    with desk.visitor("lead") as lead:
        assert post(lead, "/plans", **{"title": "For years", "per-agent": "1"}).status_code == 303
        (file,) = desk.made.state.rglob("desk.sqlite")
        with closing(sqlite3.connect(file)) as db, db:
            db.executemany(
                "INSERT INTO plan_weeks (plan_id, week, due_at)"
                " SELECT plan_id, ?, 1760000000 FROM plans WHERE title = 'For years'",
                [(date(2025, month, 1).toordinal(),) for month in range(1, 10)],
            )
        shown, folded = text(lead, "/plans").split("<details>", 1)
        assert "1 Sep 2025" in shown
        assert "1 Jan 2025" not in shown
        assert "1 Jan 2025" in folded


def test_strata_are_told_apart_by_what_the_plan_names() -> None:
    found = strata_of(calls(), (Stratum.LENGTH, Stratum.ORDER))
    assert found == {101: {(1, 7): [1], (0, 7): [2]}, 102: {(1, 7): [3]}, 0: {(0, 0): [4]}}
    assert strata_of(calls(), ())[101] == {(): [1, 2]}


def test_a_search_is_saved_shared_and_removed(desk: Served) -> None:
    with desk.visitor("rita") as rita, desk.visitor("lena") as lena:
        saved = {"name": "My <refunds>", "query": "?q=refund&after=x&nonsense=1", "shared": "yes"}
        answer = post(rita, "/searches", **saved)
        assert answer.headers["location"] == "/?q=refund"
        page = text(lena)
        assert 'href="/?q=refund"><bdi>My &lt;refunds&gt;' in page
        assert "/searches/" not in page.replace('action="/searches"', "")
        (remove,) = set(re.findall(r'action="(/searches/\d+/remove)"', text(rita)))
        assert post(lena, remove).status_code == 404
        assert post(rita, remove).status_code == 303
        assert "My &lt;refunds&gt;" not in text(lena)
        assert post(rita, "/searches", name=" ", query="?q=x").status_code == 422


def test_moments_are_put_together_and_shown_with_their_place(desk: Served) -> None:
    with desk.visitor("rita") as rita, desk.visitor("lena") as lena:
        moment = {"at": "0:04", "title": "Openings", "text": "A <good> one", "token": "once"}
        target = post(rita, f"{CALL}/moments", **moment).headers["location"]
        assert post(rita, f"{CALL}/moments", **moment).headers["location"] == target
        page = text(lena, target)
        assert page.count("A &lt;good&gt; one") == 1
        assert f'href="{CALL}?t=4.0"' in page
        assert "Openings" in text(lena, "/playlists")
        assert "Openings" in text(rita, CALL)
        for wrong in (
            {"at": "soon"},
            {"at": "0:01", "title": ""},
            {"at": "0:01", "playlist": "99"},
        ):
            assert post(rita, f"{CALL}/moments", **wrong).status_code in {404, 422}
        assert post(lena, f"{target}/remove").status_code == 403
        assert post(rita, f"{target}/remove").status_code == 303
        assert lena.get(target).status_code == 404


def test_the_filters_of_reviews_and_sound_are_on_the_page(desk: Served) -> None:
    with desk.visitor("lead") as lead:
        page = text(lead, "/?min-score=12.5&max-silence=40&words=late&reviewer=rita&finding=silent")
        for chip in (
            "Score at least 12.5",
            "Silence at most 40%",
            "“late”",
            "Reviewer rita",
        ):
            assert chip in page, chip
        assert 'name="min-score" inputmode="decimal" placeholder="0" value="12.5"' in page
    with desk.visitor("lena") as lena:
        assert 'name="min-score"' not in text(lena)
        assert 'name="failed"' not in text(lena)


def test_what_is_sought_in_verdicts_is_chosen_on_the_page_and_removed_there(desk: Served) -> None:
    judge(desk, "ross", 900104, greeting="no", tone="2")
    with desk.visitor("lead") as lead:
        form = "failed=no&played=no&card=scorecard&question=greeting&is=no&reviewer=ross"
        page = text(lead, f"/?{form}")
        assert 'data-record="900104"' in page
        for name in ("failed", "played", "card"):
            field = re.search(rf'<select name="{name}">.*?</select>', page)
            assert field is not None
            assert " selected>" in field[0]
            assert f'type="hidden" name="{name}"' not in page.partition('id="find"')[0]
        assert 'type="hidden" name="answer" value="greeting:no"' in page
        for chip in ("No auto-fail", "Not played by the reviewer", "Scorecard scorecard", ": No"):
            without = re.search(rf'<a class="chip tag" href="([^"]+)"><bdi>[^<]*{chip}</bdi>', page)
            assert without is not None, chip
            assert chip + "</bdi>" not in text(lead, without[1].replace("&amp;", "&"))


def test_an_unknown_name_in_an_address_is_said_by_its_name(desk: Served) -> None:
    with desk.visitor("lead") as lead:
        assert "Ignored because invalid: colour." in text(lead, "/?colour=red&all=agents")
        assert "Ignored because invalid: colour." in text(lead, "/quality?colour=red")
        page = text(lead, "/?reviewer=nobody&card=none")
        assert "There is no reviewer or scorecard with this name: nobody, none." in page
        assert "There is no reviewer" not in text(lead, "/?reviewer=rita&lead=1")
