"""Notes, scorecards and queues in a real Chromium, by keyboard and by role."""

import re

import pytest
from playwright.sync_api import expect

from tests.export.browser import needs_chromium
from tests.web.browser.acts import Visit, at, plays, press, ready, wait_until_at

pytestmark = needs_chromium


@pytest.mark.nightly
def test_a_note_is_left_at_a_moment_while_the_call_goes_on(visit: Visit) -> None:
    page = visit("rita", "/recordings/900103?t=6")
    ready(page)
    press(page, "Space")
    wait_until_at(page, 6.3)
    press(page, "i")
    page.keyboard.type("Offers ten percent <b>off</b>")
    press(page, "Control+Enter")
    note = page.locator("[data-note]")
    expect(note).to_contain_text("Offers ten percent <b>off</b>")
    expect(note.locator(".at")).to_have_text("0:06")
    assert plays(page)
    press(page, "Escape", "Home", "Space")
    note.locator(".at").click()
    assert at(page) == pytest.approx(6.4, abs=0.4)
    note.locator("summary").click()
    press(page, "Tab", "Control+End")
    page.keyboard.type(" the jacket")
    press(page, "Control+Enter")
    expect(note.locator("p.prose")).to_have_text("Offers ten percent <b>off</b> the jacket")
    press(page, "t")
    page.keyboard.type("Discount")
    press(page, "Enter")
    expect(page.locator("#tags .chip")).to_contain_text("iscount")
    page = visit("lena", "/recordings/900103")
    expect(page.locator("[data-note]")).to_contain_text("Offers ten percent")
    assert page.locator("[data-note] form, #note, #tag, #judge").count() == 0
    page = visit("ada", "/recordings/900103")
    assert page.locator("[data-note] form.remove").count() == 1
    assert page.locator("[data-note] .change").count() == 0, "an admin puts no words into a mouth"


def test_a_call_is_scored_by_keyboard_and_the_draft_is_kept(visit: Visit) -> None:
    page = visit("ross", "/recordings/900110")
    ready(page)
    press(page, "g", "y", "n", "n", "4")  # "no" is no answer on a scale, nor the next call
    expect(page.locator("#draft")).to_contain_text("Draft")
    page.reload()
    ready(page)
    assert page.locator("#card-form input:checked").count() == 3
    press(page, "g", "5", "5", "x", "y", "y")
    page.keyboard.type("Kind & clear")
    press(page, "Control+Enter")
    expect(page.locator("#draft .chip.good")).to_have_text("Submitted")
    assert 0 < int(page.locator("#draft .score").inner_text()) <= 100
    press(page, "u")
    expect(page.locator("tr[data-record='900110'] .chip.good")).to_have_text("Reviewed")
    page = visit("rolf", "/recordings/900110")
    assert page.locator("#card-form input:checked").count() == 0
    expect(page.locator("body")).not_to_contain_text("Kind & clear")
    page = visit("ada", "/recordings/900110")
    expect(page.locator(".verdicts")).to_contain_text("Kind & clear")


@pytest.mark.nightly
def test_the_next_of_the_queue_comes_with_one_key(visit: Visit) -> None:
    page = visit("ada", "/queue?agent=103")
    page.fill("[name=title]", "Maria, November")
    page.fill("[name=share]", "50")
    press(page, "Enter")
    expect(page.locator("tbody tr")).to_contain_text("Maria, November")
    seen = []
    for name in ("rosa", "rolf"):
        page = visit(name)
        press(page, "q")
        page.wait_for_url(re.compile(r"/recordings/\d+\?queue="))
        ready(page)
        expect(page.locator("h1")).to_contain_text("Maria Lopez")
        seen.append(page.url)
        if name == "rolf":
            page.fill("#reason", "noise only")
            press(page, "Enter")
            expect(page.locator(".notice")).to_contain_text("No calls left")
    assert len(set(seen)) == 2


@pytest.mark.nightly
def test_a_queue_is_worked_through_by_keys_and_nothing_else(visit: Visit) -> None:
    page = visit("ada", "/queue?agent=102")
    page.fill("[name=title]", "Two of them")
    page.fill("[name=share]", "60")
    press(page, "Enter")
    expect(page.locator("tbody tr").first).to_contain_text("Two of them")
    page = visit("ross")
    press(page, "q")
    page.wait_for_url(re.compile(r"/recordings/\d+\?queue="))
    ready(page)
    first = page.locator("#player").get_attribute("data-record")
    press(page, "n")  # neither judged nor skipped: it stays, and says so
    expect(page.locator(".notice")).to_contain_text("You are still reviewing this call")
    assert page.locator("#player").get_attribute("data-record") == first
    ready(page)
    press(page, "a", "g", "y", "y", "4", "4", "4", "4", "y", "y")
    press(page, "Control+Enter")
    expect(page.locator("#judge .onward button")).to_contain_text("Next from queue")
    expect(page.locator("#skip")).to_have_count(0)
    press(page, "9", "ArrowRight", "Space")  # what was judged plays on to the next of the queue
    page.wait_for_function(
        "first => document.getElementById('player')?.dataset.record !== first", arg=first
    )
    ready(page)
    expect(page.locator(".chip.tag").first).to_have_text("Two of them")
    wait_until_at(page, 0.2)
    assert plays(page)
    press(page, "a")
