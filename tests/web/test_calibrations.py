"""A calibration at the desk: drawn, judged by two, compared, agreed on, closed."""

import re

from tests.web.desks import Served, csrf_of, post, text
from tests.web.test_quality import judge


def test_two_reviewers_are_blind_until_both_are_done_and_then_compared(desk: Served) -> None:
    with desk.visitor("lead") as lead, desk.visitor("rita") as rita, desk.visitor("ross") as ross:
        fields = {"csrf": csrf_of(text(lead)), "title": "Refunds", "calls": "1"}
        fields |= {"card": "scorecard"}
        answer = lead.post("/calibrations?q=refund", data={**fields, "people": ["rita"]})
        assert answer.status_code == 422
        assert "Reviewers: at least 2" in answer.text
        answer = lead.post(
            "/calibrations?q=refund", data={**fields, "people": ["rita", "ross", "nobody"]}
        )
        path = answer.headers["location"]
        assert "Refunds" in text(rita, "/calibrations")
        (call,) = re.findall(r'href="(/recordings/\d+\?calibration=\d+)"', text(rita, path))
        record_id = int(re.findall(r"\d+", call)[0])
        assert path in text(rita, call)
        judge(desk, "rita", record_id, greeting="yes", tone="2")
        assert "The verdicts of others are hidden" in text(lead, path)
        judge(desk, "ross", record_id, greeting="no", tone="2")
        page = text(ross, path)
        assert page.count("Differs") == 1
        assert "Alpha" in page
        assert "<select" not in page
        agreed = dict(
            re.findall(r'<select name="(q\.\w+)".*?value="(\w+)" selected', text(lead, path))
        )
        stale = {**agreed, "version": "0", "q.greeting": "yes"}
        agreed["version"] = "0"
        assert agreed["q.tone"] == "2"
        target = f"{path}/recordings/{record_id}"
        assert (
            post(lead, target, **{**agreed, "q.greeting": "no"}, comment="Too late").status_code
            == 303
        )
        refused = post(lead, target, **stale, comment="Just in time")
        assert refused.status_code == 409
        for shown in ("Too late", "Just in time", 'name="version" value="1"'):
            assert shown in refused.text
        assert text(lead, path).count("Too late") == 1
        assert "Just in time" not in text(lead, path)
        kept = post(lead, target, **{**stale, "version": "1"}, comment="Just in time")
        assert kept.status_code == 303
        assert post(lead, f"{path}/close").status_code == 303
        page = text(ross, path)
        assert "Just in time" in page
        assert "Closed" in page
        assert post(lead, target, **agreed).status_code == 404
        assert lead.get("/calibrations/999").status_code == 404
    with desk.visitor("ada") as ada:
        log = ada.get("/journal.csv").text
        assert ",draw,," in log
        assert ",close,," in log
