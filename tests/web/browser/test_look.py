"""What every page keeps in a real Chromium: who may come in, what may run, and legibility."""

import re
from collections import Counter

import pytest
from playwright.sync_api import Browser, expect

from tests.export.browser import needs_chromium
from tests.web.accessibility import CONTRAST, UNNAMED
from tests.web.browser.acts import Visit, press, ready
from tests.web.desks import PASSWORD, Served
from tests.web.sounds import RECORDINGS

pytestmark = needs_chromium


def test_one_logs_in_and_out_and_sees_what_the_role_allows(browser: Browser, desk: Served) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{desk.url}/?q=refund")
    expect(page).to_have_url(re.compile("/log-in"))
    page.keyboard.type("lena")
    press(page, "Tab")
    page.keyboard.type("wrong")
    press(page, "Enter")
    expect(page.get_by_role("alert")).to_contain_text("Incorrect user name or password")
    page.fill("#password", PASSWORD)
    press(page, "Enter")
    expect(page.locator("#search")).to_have_value("refund")
    assert page.locator("nav[aria-label='Main navigation'] a").all_inner_texts() == [
        "Calls",
        "Playlists",
    ]
    page.goto(f"{desk.url}/journal")
    expect(page.locator("h1")).to_have_text("Access denied")
    page.goto(desk.url)
    page.click("#log-out")
    expect(page.locator("#password")).to_be_visible()
    page.goto(desk.url)
    expect(page).to_have_url(re.compile("/log-in"))
    context.close()


def test_a_hostile_summary_stays_text(visit: Visit) -> None:
    page = visit("lena", "/?q=cats")
    shown = page.locator("tr[data-record='900102'] .summary p").first
    expect(shown).to_contain_text('<img src=x onerror="window.intruded=1"> "cats" & \ufffddogs')
    press(page, "j", "Enter")
    ready(page)
    assert page.locator("img").count() == 0
    assert page.evaluate("window.intruded") is None


def test_the_policy_runs_no_script_but_our_own(browser: Browser, desk: Served) -> None:
    context = browser.new_context()
    tab = context.new_page()
    tab.goto(f"{desk.url}/log-in")
    ran = tab.evaluate(
        """() => new Promise((done) => {
            const script = document.createElement("script");
            script.textContent = "window.intruded = true";
            document.addEventListener("securitypolicyviolation", () => done(false), { once: true });
            document.body.append(script);
            setTimeout(() => done(Boolean(window.intruded)), 500);
        })"""
    )
    assert ran is False
    context.close()


@pytest.mark.nightly
def test_the_interface_speaks_russian(visit: Visit) -> None:
    page = visit("lena")
    page.click("#language button")
    expect(page.locator("#count")).to_have_text("22 записи")
    expect(page.locator("html")).to_have_attribute("lang", "ru")
    page.click("#language button")
    expect(page.locator("#count")).to_have_text(f"{RECORDINGS} recordings")


OVERFLOW = """() => [document.documentElement, ...document.querySelectorAll(".card.scroller")]
    .map((box) => box.scrollWidth - box.clientWidth)"""


@pytest.mark.nightly
def test_the_list_gives_a_summary_room_on_a_narrow_screen(visit: Visit) -> None:
    page = visit("lena")
    for width in (390, 768, 900, 1000):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate(OVERFLOW) == [0, 0], width
        table = page.locator(".rows").bounding_box()
        summary = page.locator(".row .summary").first.bounding_box()
        assert table is not None and summary is not None
        assert summary["width"] > 0.4 * table["width"], width
        expect(page.locator(".row .way .icon").first).to_be_visible()


@pytest.mark.nightly
def test_the_list_is_a_table_for_a_screen_reader_at_every_width(visit: Visit) -> None:
    page = visit("lena")
    session = page.context.new_cdp_session(page)
    for width in (390, 768, 1360):
        page.set_viewport_size({"width": width, "height": 800})
        tree = session.send("Accessibility.getFullAXTree")
        roles = Counter(node["role"]["value"] for node in tree["nodes"] if not node["ignored"])
        cells = page.locator(".row").first.locator("td:visible").count()
        assert roles["table"] == 1, width
        assert roles["row"] == page.locator(".rows tr").count(), width
        assert roles["cell"] == RECORDINGS * cells, width
        assert roles["columnheader"] == page.locator(".rows thead th:visible").count(), width


@pytest.mark.nightly
def test_the_access_log_fits_a_narrow_screen(visit: Visit) -> None:
    page = visit("ada", "/journal")
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate(OVERFLOW)[0] == 0
    for box in page.locator("main form input:visible, main form button").all():
        place = box.bounding_box()
        assert place is not None and place["x"] >= 0 and place["x"] + place["width"] <= 390


@pytest.mark.nightly
@pytest.mark.parametrize("path", ["/?q=refund", "/recordings/900108", "/queue", "/journal"])
def test_text_has_enough_contrast_and_every_control_a_name(visit: Visit, path: str) -> None:
    page = visit("ada", path)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert page.evaluate(UNNAMED) == []
        worst = page.evaluate(CONTRAST)
        assert worst["ratio"] >= 4.5, (scheme, worst)
        page.click("#help")
        expect(page.locator("dialog")).to_be_visible()
        worst = page.evaluate(CONTRAST)
        assert worst["ratio"] >= 4.5, (scheme, worst)
        press(page, "Escape")
        expect(page.locator("dialog")).to_be_hidden()


@pytest.mark.nightly
def test_the_theme_can_be_turned_and_is_kept(visit: Visit) -> None:
    page = visit("lena")
    page.click("#theme")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.wait_for_load_state("networkidle")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    worst = page.evaluate(CONTRAST)
    assert worst["ratio"] >= 4.5, worst
