"""Two hours of sound: heard at once, wherever one goes in it, and drawn by the server."""

from collections.abc import Iterator

import pytest

from archiver.sandbox.audio import wav
from archiver.sandbox.world import World
from tests.export.browser import chromium, needs_chromium
from tests.web.browser.acts import loads
from tests.web.desks import Served, archived, served, until_listed

pytestmark = [needs_chromium, pytest.mark.nightly]

SECONDS = 7200
LONG = 900_301

FIRST_SOUND = """() => new Promise((done) => {
    const audio = document.querySelector("audio");
    const begun = performance.now();
    const from = Number(document.getElementById("seek").value);
    const look = () => {
        const isHeard = !audio.paused && !audio.seeking && audio.currentTime > from + 0.01;
        const taken = performance.now() - begun;
        if (isHeard || taken > 20000) done(isHeard); else setTimeout(look, 5);
    };
    document.getElementById("toggle").click();
    look();
})"""
"""Presses play; whether the sound moves on from where the player stands within 20 seconds."""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    sound = wav(44 + 8000 * SECONDS)
    world = World().user(101).call(1, user_id=101, talk=SECONDS)
    world.recording(LONG, audio=sound, duration=SECONDS)
    world.call(2).recording(LONG + 1)
    made = archived(tmp_path_factory.mktemp("long"), world)
    with served(made) as desk:
        with desk.visitor() as local:
            until_listed(local, 2)
        yield desk


@pytest.mark.parametrize("at", [0, SECONDS / 2, SECONDS - 60])
def test_two_hours_are_heard_from_wherever_one_goes(desk: Served, at: float) -> None:
    with chromium() as browser:
        page = browser.new_page()
        page.goto(f"{desk.url}/recordings/{LONG}?t={at}")
        assert page.evaluate(FIRST_SOUND)
        page.locator(".wave[data-drawn]").wait_for()


def test_the_page_begins_to_load_a_rough_waveform_which_its_script_does_not_load_again(
    desk: Served,
) -> None:
    with chromium() as browser:
        page = browser.new_page()
        page.goto(f"{desk.url}/recordings/{LONG}")
        page.locator(".wave[data-drawn]").wait_for()
        assert loads(page, "/peaks?sketch") == ["link"]
