"""A lead's work in a real Chromium: plans, a calibration, how well a verdict was listened for."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from archiver.desk.accounts.person import Role
from archiver.web.cookies import SESSION
from tests.export.browser import PATIENCE, needs_chromium
from tests.support.world import ManualClock
from tests.web.browser.acts import Visit, press, ready, wait_until_at
from tests.web.browser.test_axe import look, violations
from tests.web.desks import Made, Served, archived, calls, enrol, served, until_listed

pytestmark = needs_chromium

GOOD = ("g", "y", "y", "4", "4", "5", "5", "y", "y")
"""The keys that answer the eight questions of the usual scorecard."""
POOR = ("g", "n", "y", "2", "4", "5", "5", "y", "y")


def judge(page: Page, keys: tuple[str, ...]) -> None:
    ready(page)
    press(page, *keys, "Control+Enter")
    expect(page.locator("#draft .chip.good")).to_have_text("Submitted")


def test_a_plan_without_calls_says_so_and_what_it_draws_from(visit: Visit) -> None:
    page = visit("ada", "/queue?q=nothingatall")
    page.get_by_role("link", name="Plans").click()
    page.get_by_label("Plan name").fill("Nothing to draw")
    page.get_by_label("rita").check()
    page.get_by_role("button", name="Create a plan").click()
    plan = page.locator("section", has=page.get_by_role("heading", name="Nothing to draw"))
    expect(plan).to_contain_text("Reviewers: rita")
    expect(plan.locator(".selection .chip")).to_have_text("“nothingatall”")
    expect(plan.locator("tbody tr")).to_contain_text("No calls in that week")
    plan.get_by_role("button", name="End the plan").click()
    expect(plan).to_contain_text("Ended")


@pytest.mark.nightly
def test_two_reviewers_calibrate_blind_and_the_lead_closes_with_an_agreed_verdict(
    visit: Visit,
) -> None:
    lead = visit("ada", "/calibrations?agent=104")
    lead.get_by_label("Session name").fill("Tone of voice")
    lead.get_by_label("Calls").fill("1")
    for name in ("rosa", "rolf"):
        lead.get_by_label(name).check()
    lead.get_by_role("button", name="Draw the sample").click()
    expect(lead.locator(".notice")).to_contain_text("hidden until every reviewer")
    assert lead.locator("table").count() == 0, "a lead does not see them either"
    for name, keys in (("rolf", GOOD), ("rosa", POOR)):
        page = visit(name, "/calibrations")
        page.get_by_role("link", name="Tone of voice").click()
        page.locator("tbody a").click()
        ready(page)
        assert page.locator("#judge .verdicts").count() == 0
        judge(page, keys)
    lead.reload()
    differing = lead.locator(".compare tr.differs")
    expect(differing).to_have_count(2)
    expect(differing.first).to_contain_text("Differs")
    agreement = lead.locator("section", has=lead.get_by_role("heading", name="Agreement"))
    expect(agreement.locator("tbody tr").last).to_contain_text("75%")
    for scheme in ("dark", "light"):
        look(lead, scheme)
        assert violations(lead) == []
    differing.first.locator("select").select_option("no")
    lead.get_by_label("Comment").fill("Said the name, not the company")
    other = visit("ada", urlsplit(lead.url).path, expects_trouble=True)
    lead.get_by_role("button", name="Save the agreed verdict").click()
    expect(lead.locator(".compare .chip.good")).to_have_text("Agreed")
    assert "#call-" in lead.url, "the page comes back at the call that was saved"
    expect(lead.locator(".compare h2")).to_be_in_viewport()
    other.get_by_label("Comment").fill("Another opinion")
    other.get_by_role("button", name="Save the agreed verdict").click()
    conflict = other.get_by_role("alertdialog")
    expect(conflict).to_contain_text("Said the name, not the company")
    expect(conflict).to_contain_text("Another opinion")
    conflict.locator("[data-theirs]").click()
    expect(other.get_by_label("Comment")).to_have_value("Said the name, not the company")
    lead.get_by_role("button", name="Close the session").click()
    expect(lead.locator("h1 .chip")).to_have_text("Closed")
    page = visit("rolf", "/calibrations")
    page.get_by_role("link", name="Tone of voice").click()
    expect(page.locator(".compare .prose")).to_have_text("Said the name, not the company")
    assert page.locator(".compare select").count() == 0


@pytest.mark.nightly
def test_the_share_that_was_heard_and_a_verdict_without_a_play_are_seen_by_the_lead(
    visit: Visit,
) -> None:
    page = visit("rolf", "/recordings/900115")
    judge(page, GOOD)
    page = visit("rosa", "/recordings/900115")
    ready(page)
    press(page, "Space")
    wait_until_at(page, 3)
    press(page, "Space")
    judge(page, GOOD)
    lead = visit("ada", "/recordings/900115")
    told = {name: lead.locator(".verdicts li", has_text=name) for name in ("rolf", "rosa")}
    expect(told["rolf"].locator(".chip.warn")).to_have_text("Not played")
    expect(told["rosa"].locator(".chip.warn")).to_have_count(0)
    for line in told.values():
        line.locator("summary").first.click()
    expect(told["rolf"]).to_contain_text("0% heard")
    heard = re.search(r"(\d+)% heard", told["rosa"].inner_text())
    assert heard is not None
    assert 0 < int(heard[1]) < 100
    lead.goto(lead.url.partition("/recordings")[0] + "/quality?since=2026-10-01&until=2026-12-31")
    lead.locator(".tiles div", has_text="Not played").locator("a").click()
    expect(lead.locator("tr[data-record='900115']")).to_have_count(1)
    lead.locator(".chips a", has_text="Not played").click()
    expect(lead.locator(".chips a", has_text="Not played")).to_have_count(0)


@pytest.fixture
def clock() -> ManualClock:
    """On the Tuesday of the week after that of the calls."""
    return ManualClock(datetime(2026, 11, 10, 9, 0, tzinfo=UTC))


def _made(folder: Path) -> Made:
    made = archived(folder, calls())
    enrol(made, {"rita": Role.REVIEWER, "lead": Role.LEAD})
    return made


@pytest.fixture
def weekly(tmp_path: Path, clock: ManualClock) -> Iterator[Served]:
    """Made in a thread of its own: a browser that runs keeps the event loop of this one."""
    with ThreadPoolExecutor(1) as aside:
        made = aside.submit(_made, tmp_path).result()
    with served(made, clock=clock) as desk:
        with desk.visitor("lead") as lead:
            until_listed(lead, 17)
        yield desk


@pytest.mark.nightly
def test_a_plan_draws_every_week_and_says_what_is_overdue(
    weekly: Served, browser: Browser, clock: ManualClock
) -> None:
    def visit(name: str, path: str) -> Page:
        with weekly.visitor(name) as client:
            session = client.cookies[SESSION]
        context = browser.new_context()
        context.set_default_timeout(PATIENCE)
        context.add_cookies([{"name": SESSION, "value": session, "url": weekly.url}])
        page = context.new_page()
        page.goto(weekly.url + path)
        return page

    lead = visit("lead", "/plans")
    lead.get_by_label("Plan name").fill("One of everybody")
    lead.get_by_label("Recordings per agent, weekly").fill("1")
    lead.get_by_label("Due after, days").fill("3")
    lead.get_by_label("rita").check()
    lead.get_by_role("button", name="Create a plan").click()
    weeks = lead.locator("section", has_text="One of everybody").locator("tbody tr")
    expect(weeks).to_have_count(1)
    drawn = int(weeks.locator("td.number").inner_text())
    assert drawn > 1
    expect(weeks).to_contain_text(f"{drawn} recordings")
    workload = lead.locator("section", has_text="Workload").locator("tbody tr")
    expect(workload.locator("td.number")).to_have_text([str(drawn), "0"])
    rita = visit("rita", "/")
    press(rita, "q")
    rita.wait_for_url(re.compile(r"/recordings/\d+\?queue="))
    judge(rita, GOOD)
    clock.advance(days=7)
    lead = visit("lead", "/plans")
    weeks = lead.locator("section", has_text="One of everybody").locator("tbody tr")
    expect(weeks.nth(0)).to_contain_text("No calls in that week")
    expect(weeks.nth(1)).to_contain_text("Overdue")
    workload = lead.locator("section", has_text="Workload").locator("tbody tr")
    expect(workload.locator("td.number")).to_have_text([str(drawn - 1)] * 2)
    for context in browser.contexts:
        context.close()
