"""What is needed stays in reach: on a phone, at 200 % zoom, and on paper."""

import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Locator, ViewportSize, expect

from tests.export.browser import needs_chromium
from tests.web.browser.acts import Visit, press, ready

pytestmark = needs_chromium

SIZES: list[ViewportSize] = [
    {"width": 390, "height": 800},
    {"width": 683, "height": 384},
    {"width": 820, "height": 1000},
]
"""A phone; 1366 × 768 at 200 %; a tablet."""


def is_in_sight(one: Locator) -> bool:
    return bool(
        one.evaluate(
            """one => {
                const box = one.getBoundingClientRect();
                return box.width > 0 && box.left >= 0 && box.right <= innerWidth
                    && box.top >= 0 && box.bottom <= innerHeight;
            }"""
        )
    )


@pytest.mark.nightly
def test_help_account_and_filters_are_reachable(visit: Visit) -> None:
    page = visit("rita")
    for size in SIZES:
        page.set_viewport_size(size)
        page.goto(page.url.partition("#")[0])
        for name in ("#help", "#log-out", ".bar .who", ".to-filters"):
            assert is_in_sight(page.locator(name)), (name, size)
        page.click(".to-filters")
        expect(page.locator("#filters")).to_be_in_viewport()


def test_a_long_word_in_a_plan_or_a_search_makes_no_page_wider(visit: Visit) -> None:
    page = visit("ada", "/plans?q=" + "w" * 60)
    page.fill("#plan-form [name=title]", "W" * 60)
    page.click("#plan-form [type=submit]")
    expect(page.get_by_role("heading", name="W" * 60)).to_be_visible()
    page.set_viewport_size(SIZES[0])
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.goto(page.url.split("/plans")[0] + "/?q=" + "w" * 60)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.nightly
def test_the_navigation_of_an_admin_fits_in_russian(visit: Visit) -> None:
    page = visit("ada")
    page.click("#language button")
    expect(page.locator("html")).to_have_attribute("lang", "ru")
    for width in (980, 1057, 1200, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wider <= 0, width


def test_the_player_stays_in_sight_while_the_page_is_scrolled(visit: Visit) -> None:
    page = visit("rita", "/recordings/900108")
    ready(page)
    for size in SIZES:
        page.set_viewport_size(size)
        page.evaluate("scrollTo(0, 0)")
        page.locator("#comment").scroll_into_view_if_needed()
        assert is_in_sight(page.locator("#toggle")), size


@pytest.mark.nightly
def test_submit_is_in_sight_on_a_small_laptop(visit: Visit) -> None:
    page = visit("rita", "/recordings/900108")
    page.set_viewport_size({"width": 1366, "height": 768})
    ready(page)
    assert is_in_sight(page.locator("button[value=submit]"))


@pytest.mark.nightly
def test_a_judged_call_on_paper_has_answers_comment_and_notes_and_no_controls(
    visit: Visit, tmp_path: Path
) -> None:
    page = visit("rosa", "/recordings/900113")
    ready(page)
    page.locator("#note").fill("A note for the paper")
    page.locator("#note-form button").click()
    expect(page.locator("[data-note]")).to_be_visible()
    for group in page.locator(".question").all():
        group.locator("label", has_text="Yes").or_(group.locator("label", has_text="4")).click()
    page.fill("#comment", "A comment for the paper")
    press(page, "Control+Enter")
    expect(page.locator("#draft .chip.good")).to_have_text("Submitted")
    expect(page.locator("#judge .paper")).to_contain_text("A comment for the paper")
    page.pdf(path=tmp_path / "call.pdf")
    told = subprocess.run(
        ["pdftotext", "-layout", str(tmp_path / "call.pdf"), "-"],
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    for words in ("A note for the paper", "A comment for the paper", "Yes", "Submitted"):
        assert words in told, words
    for words in ("Skip silence", "Submit changes", "Add note", "Log out", "Edit"):
        assert words not in told, words
