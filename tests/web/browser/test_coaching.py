"""A playlist in a real Chromium: the moment that plays is added, and leads back to its place."""

import pytest
from playwright.sync_api import expect

from tests.export.browser import needs_chromium
from tests.web.browser.acts import Visit, at, ready

pytestmark = [needs_chromium, pytest.mark.nightly]


def test_the_moment_that_plays_becomes_one_of_a_playlist(visit: Visit) -> None:
    page = visit("rolf", "/recordings/900103?t=7")
    ready(page)
    page.locator(".moment summary").click()
    page.locator(".moment [data-here]").click()
    expect(page.locator(".moment [name=at]")).to_have_value("0:07")
    page.locator(".moment [name=title]").fill("Openings")
    page.locator(".moment [name=text]").fill("Says the name")
    page.locator(".moment button[type=submit]").click()
    page.locator("a.at").click()
    ready(page)
    assert at(page) == pytest.approx(7, abs=0.5)
