"""An agent at the desk: own reviewed calls, a dispute, a lead's decision, each step in the log."""

import re

from tests.web.desks import Served, csrf_of, post, text
from tests.web.test_quality import judge

OTHERS = 900102


def own_recording(desk: Served) -> int:
    """A recording of Anna's that nobody else's test judges."""
    with desk.visitor("ada") as ada:
        found = re.findall(r'data-record="(\d+)"', text(ada, "/?agent=101"))
    return int(found[-1])


def respond(client, path: str, act: str, **fields: str):  # type: ignore[no-untyped-def]
    page = text(client, path)
    for name in ("verdict", "version", "token"):
        found = re.search(rf'name="{name}" value="([^"]+)"', page)
        assert found is not None, page
        fields.setdefault(name, found[1])
    return client.post(f"{path}/{act}", data={"csrf": csrf_of(page), **fields})


def test_an_agent_disputes_a_lead_decides_and_every_step_is_kept(desk: Served) -> None:
    own = own_recording(desk)
    path = f"/my/recordings/{own}"
    with desk.visitor("anna") as anna, desk.visitor("lead") as lead:
        assert anna.get("/").headers["location"] == "/my"
        assert anna.get(path).status_code == 404
        judge(desk, "rita", own, greeting="no", tone="2")
        assert f"/my/recordings/{own}" in text(anna, "/my")
        assert anna.get(f"{path}/audio", headers={"range": "bytes=0-9"}).status_code == 206
        assert anna.get(f"{path}/peaks").status_code == 200
        for other in (
            f"/my/recordings/{OTHERS}",
            "/my/recordings/5",
            f"/my/recordings/{OTHERS}/audio",
        ):
            assert anna.get(other).status_code == 404
        for closed in (f"/recordings/{own}", f"/recordings/{own}/audio", "/quality", "/journal"):
            assert anna.get(closed).status_code == 403
        assert respond(anna, path, "dispute", question="tone", reason=" ").status_code == 422
        assert (
            respond(anna, path, "dispute", question="tone", reason="I was <calm>").status_code
            == 303
        )
        assert "I was &lt;calm&gt;" in text(anna, path)
        page = text(lead, "/disputes")
        assert "I was &lt;calm&gt;" in page
        (step,) = re.findall(r'action="(/disputes/\d+)"', page)
        (version,) = re.findall(r'name="version" value="(\d+)"', page)
        fields = {"q.tone": "4", "decision": "Agreed", "version": version}
        stale = post(lead, step, **{**fields, "version": "1"})
        assert stale.status_code == 409
        assert stale.text.count("<tr>") == 2, "the head, and the question with both answers"
        assert post(lead, step, **fields).status_code == 303
        assert post(lead, step, **fields).status_code == 404
        page = text(anna, path)
        assert "changed the answer" in page
        assert "The verdict has been changed since your response" not in page
        assert respond(anna, path, "acknowledge").status_code == 303
        assert "Acknowledged" in text(anna, "/my")
    with desk.visitor("rita") as rita, desk.visitor("ada") as ada:
        assert "disputed" in text(rita, f"/recordings/{own}")
        log = ada.get("/journal.csv").text
        for act in ("dispute", "decide", "acknowledge"):
            assert f",{act},{own}," in log
