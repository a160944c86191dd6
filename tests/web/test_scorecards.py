"""Several scorecards at the desk: proposed, chosen, judged on, changed while people work."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.desks import Served, archived, calls, enrol, post, served, text, until_listed

SALES = """
title: Sales
for: {directions: [outgoing]}
questions:
  - id: offer
    text: Made an offer
    help: Ask for the budget first
    kind: yes_no
    auto_fail: card
    causes: [{id: script, text: Script unclear}]
  - {id: tone, text: Tone, kind: scale}
"""
SUPPORT = """
title: Support
questions:
  - {id: help, text: Helped, kind: scale}
  - {id: comment, text: Said goodbye, kind: yes_no}
"""
CALL = "/recordings/900101"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Served]:
    cards = tmp_path / "cards"
    cards.mkdir()
    (cards / "sales.yaml").write_text(SALES)
    (cards / "support.yaml").write_text(SUPPORT)
    made = archived(tmp_path, calls(), desk={"scorecard": str(cards)})
    enrol(made)
    with served(made) as desk:
        with desk.visitor("ada") as ada:
            until_listed(ada, 17)
        yield desk


def digest_of(page: str) -> str:
    found = re.search(r'name="card" value="(\w+)"', page)
    assert found is not None
    return found[1]


def test_a_scorecard_is_chosen_judged_on_and_changed_under_an_open_page(
    desk: Served, caplog: pytest.LogCaptureFixture
) -> None:
    cards = desk.made.folder / "cards"
    with desk.visitor("rita") as rita, desk.visitor("ada") as ada:
        page = text(rita, f"{CALL}?scorecard=sales")
        assert "Ask for the budget first" in page
        assert 'href="#q-offer">2 unanswered' in page
        card = digest_of(page)
        (cards / "sales.yaml").write_text(SALES.replace("Made an offer", "Offered something"))
        answers = {"q.offer": "no", "c.offer": "Never asked", "e.offer": "0:07", "q.tone": "5"}
        answers |= {"r.offer": "script", "card": card, "act": "submit"}
        assert post(rita, f"{CALL}/verdict", **answers).status_code == 303
        page = text(rita, CALL)
        assert "The current one is version 2" in page
        for told in ("Made an offer", "Never asked", 'value="0:07"', "Auto-fail"):
            assert told in page
        assert "Offered something" in text(rita, f"{CALL}?scorecard=sales&anew=1")
        assert "Helped" in text(rita, f"{CALL}?scorecard=support")
        page = text(rita, f"{CALL}?scorecard=%3Cnone%3E")
        assert "There is no scorecard named “&lt;none&gt;”" in page
        assert "Script unclear" in text(ada, CALL)
        (cards / "sales.yaml").write_text(SALES.replace("scale", "stars"))
        assert "sales.yaml, line 11: questions.kind" in text(ada, "/queue")
        assert "The current one is version 2" in text(rita, CALL)
        assert "sales.yaml" not in text(rita, "/queue")


@pytest.mark.parametrize(
    ("fields", "status", "named", "field"),
    [
        ({"card": "0" * 64}, 404, "", None),
        ({"q.help": "9"}, 400, "", None),
        ({"e.help": "soon"}, 422, "Helped", "q.help"),
        ({"c.help": "x" * 501}, 422, "Helped: at most 500", "q.help"),
        ({"q.comment": ""}, 422, "Said goodbye", "q.comment"),
        ({"comment": "x" * 4001}, 422, "Comment: at most 4,000", "comment"),
    ],
)
def test_what_a_verdict_cannot_say_is_refused_by_name(
    desk: Served, fields: dict[str, str], status: int, named: str, field: str | None
) -> None:
    with desk.visitor("rita") as rita:
        card = digest_of(text(rita, f"{CALL}?scorecard=support"))
        answers = {"card": card, "act": "submit", "q.help": "5", "q.comment": "yes"}
        answer = post(rita, f"{CALL}/verdict", **answers | fields)
        assert answer.status_code == status
        assert answer.headers.get("x-desk-field") == field
        assert named in answer.text


def test_fifty_questions_with_the_longest_comments_are_kept_whole(desk: Served) -> None:
    names = [f"q{number}" for number in range(50)]
    questions = "".join(f"\n  - {{id: {name}, text: Text, kind: yes_no}}" for name in names)
    cards = desk.made.folder / "cards"
    (cards / "fifty.yaml").write_text(f"title: Fifty\nquestions:{questions}\n")
    answers = {f"q.{name}": "yes" for name in names} | {f"c.{name}": "Ж" * 500 for name in names}
    with desk.visitor("rita") as rita:
        page = text(rita, f"{CALL}?scorecard=fifty")
        answers |= {"card": digest_of(page), "act": "submit", "comment": "Я" * 4000}
        assert post(rita, f"{CALL}/verdict", **answers).status_code == 303
        page = text(rita, f"{CALL}?scorecard=fifty")
        assert page.count("Ж" * 500) == 2 * 50, "in the form and on paper"
        assert "Я" * 4000 in page
