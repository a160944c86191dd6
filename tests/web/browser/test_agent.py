"""An agent in a real Chromium listens to an own call and disputes an answer, and a lead decides."""

import pytest
from playwright.sync_api import expect

from tests.export.browser import needs_chromium
from tests.web.browser.acts import Visit, at, plays, ready

pytestmark = [needs_chromium, pytest.mark.nightly]


def test_an_agent_hears_an_own_call_and_disputes_an_answer(visit: Visit) -> None:
    page = visit("rosa", "/?agent=101")
    page.locator("tr.row a.open").last.click()
    ready(page)
    first = page.locator(".question").first
    first.locator("summary").click()
    first.locator("input[name^='e.']").fill("0:02")
    for question in page.locator(".question").all():
        question.locator("label").last.click()
    page.locator("button[value=submit]").click()
    expect(page.locator("#draft .chip.good")).to_be_visible()
    page = visit("anna", "/")
    page.locator("main table a").first.click()
    ready(page)
    page.locator("button.at").first.click()
    assert at(page) == pytest.approx(2, abs=0.5)
    page.locator("#toggle").click()
    page.wait_for_function(
        "() => [...document.querySelectorAll('audio')].some((one) => !one.paused)"
    )
    assert plays(page)
    page.locator(".decide summary").click()
    page.locator(".decide textarea").fill("It was said at 0:05")
    page.locator(".decide button").click()
    expect(page.locator(".steps")).to_contain_text("It was said at 0:05")
    lead = visit("ada", "/quality")
    lead.get_by_role("link", name="Disputes 1").click()
    dispute = lead.locator("form.decide")
    dispute.get_by_label("Answer").select_option(index=0)
    dispute.get_by_label("Reason for the decision").fill("Heard it as well")
    dispute.get_by_role("button", name="Decide").click()
    expect(lead.locator(".empty")).to_be_visible()
    page.reload()
    expect(page.locator(".steps")).to_contain_text("Heard it as well")
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.locator(".chip.good")).to_have_text("Acknowledged")
