"""A desk that goes away while somebody listens is noticed, and the call goes on when it is back."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from archiver.sandbox.audio import wav
from archiver.sandbox.world import World
from tests.export.browser import needs_chromium
from tests.web.browser.acts import at, plays, press, ready, wait_until_at
from tests.web.desks import Made, archived, served, until_listed

pytestmark = needs_chromium

LONG, UNDRAWN = 11, 12
"""Recordings of forty minutes, far more than a browser fetches ahead; one was never drawn."""


def ten_minutes(folder: Path) -> Made:
    world = World().call(1, talk=600).recording(LONG, audio=wav(20_000_000))
    world.call(2, talk=600).recording(UNDRAWN, audio=wav(20_000_000, 1))
    made = archived(folder, world)
    with served(made) as desk, desk.visitor() as local:
        until_listed(local, 2)
    return made


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Made in a thread of its own: a browser that runs keeps the event loop of this one."""
    with ThreadPoolExecutor(1) as aside:
        return aside.submit(ten_minutes, tmp_path_factory.mktemp("away")).result()


def opened(browser: Browser, url: str, *, mute: str = "") -> Page:
    """The page of the recording; what is asked for under `mute` is never answered."""
    page = browser.new_page()
    if mute:
        page.route(mute, lambda route: None)
    page.goto(f"{url}/recordings/{LONG}")
    ready(page)
    return page


@pytest.mark.nightly
def test_a_desk_that_restarts_while_a_call_plays_is_noticed_and_the_call_goes_on(
    made: Made, browser: Browser
) -> None:
    with ExitStack() as stack:
        desk = stack.enter_context(served(made))
        port = urlsplit(desk.url).port
        assert port is not None
        page = opened(browser, desk.url)
        press(page, "Space")
        wait_until_at(page, 0.5)
        stack.close()
        expect(page.locator("#flow")).to_contain_text("does not respond")
        expect(page.locator("#flow .i-warn")).to_be_visible()
        press(page, "9")  # nothing of that was fetched
        page.wait_for_function("document.querySelector('audio').readyState < 3")
        page.locator("#note").fill("While it was away")
        page.locator("#note-form button").click()
        expect(page.locator("#note-form [data-state]")).to_contain_text("Not saved")
        with served(made, port=port):
            expect(page.locator("#flow")).to_be_hidden()
            seconds = float(page.locator("#seek").get_attribute("max") or 0)
            wait_until_at(page, 0.9 * seconds + 0.2)
            assert plays(page)
            assert at(page) < 0.9 * seconds + 10
            expect(page.locator("[data-note] p.prose")).to_have_text(["While it was away"])
    page.close()


@pytest.mark.nightly
def test_a_slow_desk_is_told_from_silence(made: Made, browser: Browser) -> None:
    with served(made) as desk:
        page = opened(browser, desk.url, mute="**/audio")
        press(page, "Space")
        expect(page.locator("#flow")).to_have_text("Loading audio …")
        expect(page.locator("#flow .i-loop")).to_be_visible()
        page.unroute_all(behavior="ignoreErrors")
        page.close()


@pytest.mark.nightly
def test_a_long_call_is_drawn_roughly_at_once_then_exactly_and_can_be_zoomed(
    made: Made, browser: Browser
) -> None:
    with served(made) as desk:
        page = browser.new_page()
        held: list[Route] = []

        def hold(route: Route) -> None:
            held.append(route)

        page.route("**/peaks", hold)
        page.goto(f"{desk.url}/recordings/{UNDRAWN}")
        expect(page.locator(".flat")).to_contain_text("Rough waveform")
        expect(page.locator(".wave[data-drawn]")).to_be_visible()
        for route in held:
            route.continue_()
        page.unroute_all(behavior="ignoreErrors")
        ready(page)
        expect(page.locator(".flat")).to_be_hidden()
        width = (
            "document.querySelector('.wave > div').shadowRoot.querySelector('.wrapper').clientWidth"
        )
        before = page.evaluate(width)
        press(page, "z", "z")
        page.wait_for_function(f"{width} > {3.5 * before}")
        expect(page.locator("#told")).to_have_text("Zoom 4×")
        press(page, "x", "x")
        page.wait_for_function(f"{width} === {before}")
        page.close()
