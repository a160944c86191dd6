"""Listening in a real Chromium: found, heard, sped up, looped, without a mouse."""

import re

import pytest
from playwright.sync_api import expect

from tests.export.browser import needs_chromium
from tests.web.browser.acts import Visit, at, loads, plays, press, ready, wait_until_at
from tests.web.desks import Served
from tests.web.sounds import DAMAGED, DOOMED, FOREIGN, PAUSE, PAUSED, WAITING

pytestmark = needs_chromium


def test_a_call_is_found_by_a_word_of_its_summary_and_heard_without_a_mouse(visit: Visit) -> None:
    page = visit("lena")
    press(page, "/")
    page.keyboard.type("warehouse refund")
    press(page, "Enter")
    expect(page.locator("#count")).to_have_text("1 recording")
    expect(page.locator("mark").first).to_be_visible()
    page.wait_for_load_state("load")  # until the scripts hear keys
    press(page, "j", "Enter")
    ready(page)
    expect(page).to_have_url(re.compile(r"/recordings/900114\?q=warehouse\+refund"))
    press(page, "Space")
    wait_until_at(page, 0.3)
    assert plays(page)
    press(page, "ArrowRight")
    wait_until_at(page, 5)
    press(page, "Space")
    assert not plays(page)
    press(page, "5")
    assert at(page) == pytest.approx(7.5, abs=0.2)
    press(page, "Home")
    assert at(page) == 0
    press(page, "u")
    expect(page.locator("#search")).to_have_value("warehouse refund")
    expect(page.locator("a.open")).to_be_focused()


def test_the_page_begins_to_load_the_waveform_which_its_script_does_not_load_again(
    visit: Visit,
) -> None:
    page = visit("lena", "/recordings/900101")
    ready(page)
    assert loads(page, "/peaks") == ["link"]


@pytest.mark.nightly
def test_keys_work_on_a_russian_keyboard(visit: Visit) -> None:
    page = visit("lena", "/recordings/900101")
    ready(page)
    page.evaluate(
        """() => document.body.dispatchEvent(new KeyboardEvent("keydown",
            { key: "ы", code: "KeyS", bubbles: true, cancelable: true }))"""
    )
    expect(page.locator("#silence")).to_have_attribute("aria-pressed", "true")


COUNT_ROUNDS = """() => {
    const audio = document.querySelector("audio");
    Object.assign(window, { rounds: 0, furthest: 0 });
    const look = () => { furthest = Math.max(furthest, audio.currentTime); };
    audio.addEventListener("timeupdate", look);
    audio.addEventListener("seeked", () => { rounds++; });
}"""
"""How often the sound is set back from now on, and how far it comes, in seconds."""


@pytest.mark.nightly
def test_speed_silence_and_loop_do_what_they_say(visit: Visit) -> None:
    page = visit("lena", "/recordings/900106")
    ready(page)
    press(page, "+", "+")
    expect(page.locator("#speed")).to_have_value("1.5")
    press(page, "Space")
    wait_until_at(page, 0.2)
    rate = "document.querySelector('audio').playbackRate"
    assert page.evaluate(rate) == 1.5
    assert page.evaluate("document.querySelector('audio').preservesPitch")
    press(page, "Space", "2", "[")
    begun = at(page)
    page.locator("#seek").evaluate(
        "(one, to) => { one.value = to; one.dispatchEvent(new Event('input')); }", begun + 0.5
    )
    press(page, "]")
    expect(page.locator("#loop")).to_have_attribute("aria-pressed", "true")
    assert at(page) == pytest.approx(begun, abs=0.1)
    page.evaluate(COUNT_ROUNDS)
    press(page, "Space")
    page.wait_for_function("() => rounds >= 3")
    assert page.evaluate("furthest") <= begun + 1.3  # the loop is half a second long
    assert at(page) >= begun - 0.1
    press(page, "\\")
    expect(page.locator("#loop")).to_have_attribute("aria-pressed", "false")


@pytest.mark.nightly
def test_silence_is_skipped_where_the_server_found_it(visit: Visit) -> None:
    page = visit("lena", f"/recordings/{PAUSED}")
    ready(page)
    press(page, "s", "Space")
    wait_until_at(page, 0.1)
    wait_until_at(page, PAUSE[1] - 0.5)
    assert plays(page)


@pytest.mark.parametrize(
    ("record_id", "drawn", "played"),
    [
        (FOREIGN, "this audio format is not supported", "cannot play this audio format"),
        (DAMAGED, "No waveform", "damaged"),
    ],
)
def test_what_is_the_matter_is_said_and_the_rest_goes_on(
    visit: Visit, record_id: int, drawn: str, played: str
) -> None:
    page = visit("ross", f"/recordings/{record_id}", expects_trouble=True)
    ready(page)
    expect(page.locator(".flat")).to_contain_text(drawn)
    press(page, "Space")
    expect(page.locator("#trouble")).to_contain_text(played)
    press(page, "i")
    page.keyboard.type("cannot be heard")
    press(page, "Control+Enter")
    expect(page.locator("[data-note]")).to_contain_text("cannot be heard")


@pytest.mark.nightly
def test_a_recording_that_is_not_here_yet_says_so(visit: Visit) -> None:
    page = visit("lena", f"/recordings/{WAITING}")
    ready(page)
    expect(page.get_by_text("has no address for this recording yet")).to_have_count(1)
    press(page, "Space")
    assert not plays(page)


@pytest.mark.nightly
def test_the_keys_lead_past_a_recording_that_was_removed(visit: Visit) -> None:
    page = visit("lena", f"/recordings/{DOOMED}")
    expect(page.locator(".notice")).to_contain_text("erased on request")
    press(page, "p")
    ready(page)
    press(page, "n")
    expect(page).to_have_url(re.compile(f"/recordings/{DOOMED}$"))
    page = visit("lena", f"/recordings/{DOOMED}?up=yes")
    press(page, "n")
    ready(page)
    press(page, "p")
    expect(page).to_have_url(re.compile(rf"/recordings/{DOOMED}\?up=yes$"))


@pytest.mark.nightly
def test_the_sides_of_a_stereo_call_are_shown_apart_and_muted_apart(visit: Visit) -> None:
    page = visit("lena", "/recordings/900113")
    ready(page)
    assert page.locator(".wave[data-drawn='2']").count() == 1
    press(page, "Space")
    wait_until_at(page, 0.1)
    press(page, "l")
    expect(page.locator("#left")).to_have_attribute("aria-pressed", "false")
    wait_until_at(page, at(page) + 0.3)
    press(page, "l", "r")
    expect(page.locator("#left")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#right")).to_have_attribute("aria-pressed", "false")


def test_the_parts_of_a_call_are_one_timeline(visit: Visit) -> None:
    page = visit("lena", "/recordings/900108")
    ready(page)
    assert page.locator(".leg").count() == 2
    expect(page.locator("#leg-900108")).to_have_attribute("data-current", "")
    expect(page.locator("#whole")).to_have_text("0:34")
    press(page, "5", "Space")
    wait_until_at(page, 17.3)
    press(page, "+", "+", "+", "+", "+")
    wait_until_at(page, 18.6)
    expect(page.locator("#leg-900109")).to_have_attribute("data-current", "")
    assert plays(page)
    press(page, "ArrowLeft")
    expect(page.locator("#leg-900108")).to_have_attribute("data-current", "")


@pytest.mark.nightly
def test_a_link_leads_to_the_moment_and_a_place_is_kept(visit: Visit, desk: Served) -> None:
    page = visit("lena", "/recordings/900107?t=7.5")
    ready(page)
    assert at(page) == pytest.approx(7.5, abs=0.1)
    press(page, "Space")
    wait_until_at(page, 8)
    press(page, "Space", "n")
    expect(page).not_to_have_url(re.compile("900107"))
    page.goto(f"{desk.url}/recordings/900107")
    ready(page)
    assert at(page) == pytest.approx(8.1, abs=0.6)
    press(page, "y")
    expect(page.locator("#flash")).to_contain_text(re.compile("copied|Link"))


@pytest.mark.nightly
def test_a_queue_plays_on_by_itself(visit: Visit) -> None:
    page = visit("lena", "/recordings/900104?way=outgoing")
    ready(page)
    press(page, "a", "9", "ArrowRight", "Space")
    expect(page).not_to_have_url(re.compile("/900104"))
    ready(page)
    wait_until_at(page, 0.2)
    assert plays(page)
    press(page, "a")
