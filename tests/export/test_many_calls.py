"""The page of an export with thousands of calls: few rows at a time, all of them found."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from benchmarks.export_page import write
from tests.export.browser import chromium, needs_chromium

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


def test_of_many_calls_a_hundred_are_in_the_document_and_all_are_found(
    browser: Browser, tmp_path: Path
) -> None:
    write(tmp_path, 1200)
    tab = browser.new_page()
    tab.goto((tmp_path / "index.html").as_uri())
    expect(tab.locator("#found")).to_have_text("1,200 calls")
    expect(tab.locator(".call")).to_have_count(100)
    tab.locator("#below .later").click()
    expect(tab.locator(".call").first).to_have_id("call-101")
    expect(tab.locator("#above .where")).to_have_text("101–200 of 1,200")
    tab.fill("#search", "x1199")
    expect(tab.locator(".call")).to_have_count(1)
    expect(tab.locator("#above")).to_be_hidden()
    tab.fill("#search", "иванов")
    expect(tab.locator("#found")).to_have_text("200 of 1,200 calls")
    at_once = """() => {
        document.getElementById("search").dispatchEvent(new Event("input"));
        return document.querySelectorAll(".call").length;
    }"""
    assert tab.evaluate(at_once) == 12, "the rest comes after the first screen"
    expect(tab.locator(".call")).to_have_count(100)
    tab.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    expect(tab.locator(".call")).to_have_count(200)
    tab.evaluate("window.dispatchEvent(new Event('afterprint'))")
    expect(tab.locator(".call")).to_have_count(100)
    tab.close()


@pytest.mark.nightly
def test_visible_labels_alone_lead_to_one_call_among_three_thousand(
    browser: Browser, tmp_path: Path
) -> None:
    write(tmp_path, 3000)
    tab = browser.new_page()
    tab.goto((tmp_path / "index.html").as_uri())
    found = tab.get_by_role("status")
    expect(found).to_have_text("3,000 calls")
    tab.get_by_label("From").fill("2026-01-14")
    tab.get_by_label("to", exact=True).fill("2026-01-14")
    expect(found).to_have_text("131 of 3,000 calls")
    tab.get_by_role("navigation", name="Agents").get_by_role("button", name="Karen Mills").click()
    expect(found).to_have_text("22 of 3,000 calls")
    tab.get_by_role("searchbox", name="Search these calls").fill("x1221")
    expect(found).to_have_text("1 of 3,000 calls")
    expect(tab.get_by_role("button", name="Play: 14 January 2026")).to_be_visible()
    tab.get_by_role("button", name="Clear").click()
    tab.keyboard.press("Escape")
    tab.keyboard.press("/")
    tab.keyboard.type("x1221")
    expect(found).to_have_text("1 of 3,000 calls")
    tab.close()
