"""A scorecard in a real Chromium: evidence from the player, and the way to what is unanswered."""

import pytest
from playwright.sync_api import expect

from tests.export.browser import needs_chromium
from tests.web.browser.acts import Visit, ready

pytestmark = [needs_chromium, pytest.mark.nightly]


def test_evidence_is_taken_from_the_player_and_shown_with_the_verdict(visit: Visit) -> None:
    page = visit("rosa", "/recordings/900111?t=4")
    ready(page)
    first = page.locator(".question").first
    first.locator("summary").click()
    first.locator("[data-here]").click()
    expect(first.locator("input[name^='e.']")).to_have_value("0:04")
    first.locator("textarea").fill("yes, 1 of 5: no name")
    expect(page.locator("[data-state-of=card-form]")).to_have_attribute("data-state", "saved")
    page.reload()
    ready(page)
    expect(first.locator("textarea")).to_have_value("yes, 1 of 5: no name")
    expect(first.locator("input:checked")).to_have_count(0)
    page.locator("[data-unanswered]").click()
    expect(first.locator("input[type=radio]").first).to_be_focused()
    for question in page.locator(".question").all():
        question.locator("label", has_text="N/A").click()
    page.locator("button[value=submit]").click()
    expect(page.locator("#draft .chip.good")).to_be_visible()
