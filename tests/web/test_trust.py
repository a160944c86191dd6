"""What a lead can rely on: who listened, who looked for whom, who removed what of whom."""

import csv
import io
import re

from tests.web.desks import Served, post, text
from tests.web.test_quality import judge

CALL = 900110


def test_a_verdict_without_a_play_is_flagged_and_found(desk: Served) -> None:
    judge(desk, "ross", CALL, greeting="yes")
    with desk.visitor("lead") as lead:
        assert "Not played" in text(lead, f"/recordings/{CALL}")
        assert f'data-record="{CALL}"' in text(lead, "/?played=no")
        sheet = lead.get("/verdicts.csv").content.decode("utf-8-sig")
        (row,) = [r for r in csv.DictReader(io.StringIO(sheet)) if r["recordId"] == str(CALL)]
        assert (row["played"], row["heardShare"], row["autoFail"]) == ("0", "0.0", "0")
        assert row["createdAt"].endswith("+00:00")
    with desk.visitor("ross") as ross:
        ross.get(f"/recordings/{CALL}/audio", headers={"range": "bytes=0-9"})
    judge(desk, "ross", CALL, greeting="no")
    with desk.visitor("lead") as lead:
        assert "Not played" not in text(lead, f"/recordings/{CALL}")


def test_removing_anothers_note_asks_and_leaves_a_trace(desk: Served) -> None:
    path = f"/recordings/{CALL}"
    with desk.visitor("rita") as rita, desk.visitor("ada") as ada:
        post(rita, f"{path}/notes", seconds="1", text="Too <loud>")
        found = re.findall(rf"{path}/notes/\d+/remove", text(ada, path))
        (target,) = set(found)
        answer = post(ada, target)
        assert "Too &lt;loud&gt;" in answer.text
        assert "Remove the note" in answer.text
        assert "Too &lt;loud&gt;" in text(ada, path)
        assert post(ada, target, sure="yes").status_code == 303
        page = text(rita, path)
        assert "Too &lt;loud&gt;" not in page
        assert "A note by rita was removed by ada" in page
        assert f"ada,127.0.0.1,remove-note,{CALL},note" in ada.get("/journal.csv").text


def test_who_searches_by_number_is_logged_and_the_log_is_filtered_as_its_table(
    desk: Served,
) -> None:
    with desk.visitor("rita") as rita, desk.visitor("ada") as ada:
        for address in ("/?phone=50280", "/?q=50280", "/?lead=50280", "/?q=refund"):
            text(rita, address)
        page = text(ada, "/journal?name=rita&act=search")
        assert page.count("<tr><td>") == 3
        table = ada.get("/journal.csv?name=rita&act=search").text
        assert table.count("\r\n") == 4
        assert "Ignored because invalid: act, recording, since" in text(
            ada, "/journal?act=dance&since=x&recording=-1"
        )
        assert "No entries" in text(ada, "/journal?until=1999-01-01")
