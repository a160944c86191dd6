"""index.html in headless Chromium, over `file:`: it plays, obeys the keyboard, and runs no text."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks.export_page import write
from tests.export.browser import CONTRAST, PATIENCE, chromium, needs_chromium
from tests.export.packages import HOSTILE, LEAD, Package, exported, one_lead
from tests.support.nightly import some_by_day
from tests.support.world import bench

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    folder = tmp_path_factory.mktemp("browser")
    world = one_lead().change_recording(900102, summary=HOSTILE)
    world.change_recording(900116, file_url=None)

    async def make() -> None:
        async with bench(folder, world) as night:
            night.clock.advance(days=3)
            await exported(night, folder / "lead-789", leads=(LEAD,), waveforms=True)

    anyio.run(make)
    return Package(folder / "lead-789")


@pytest.fixture(scope="module")
def browser(package: Package) -> Iterator[Browser]:
    """Started after the package is made: its driver keeps the event loop of this thread."""
    with chromium() as running:
        yield running


@pytest.fixture
def page(browser: Browser, package: Package) -> Iterator[Page]:
    """The page, which must neither fail nor ask for anything but its own audio."""
    tab = browser.new_page()
    tab.set_default_timeout(PATIENCE)
    troubles: list[str] = []
    asked: list[str] = []
    tab.on("pageerror", lambda error: troubles.append(str(error)))
    tab.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto((package.root / "data/index.html").as_uri())
    expect(tab.locator("#found")).to_have_text("7 calls")
    yield tab
    assert troubles == []
    here = package.root.as_uri()
    assert [url for url in asked if not url.startswith(here)] == []
    tab.close()


def at(page: Page) -> float:
    return float(page.locator("#seek").input_value())


def playing_at(page: Page) -> float:
    return float(page.evaluate("document.getElementById('audio').currentTime"))


def plays(page: Page) -> bool:
    return bool(page.evaluate("!document.getElementById('audio').paused"))


def wait_until_at(page: Page, seconds: float) -> None:
    page.wait_for_function("to => Number(document.getElementById('seek').value) >= to", arg=seconds)


def test_the_calls_stand_in_order_with_what_is_known_of_them(page: Page) -> None:
    assert page.title() == "Recorded calls: Lead 789"
    times = page.locator(".call .line time").all_inner_texts()
    assert times == [
        "09:14:05",
        "10:02:51",
        "15:31:47",
        "08:48:52",
        "13:11:02",
        "09:20:15",
        "10:17:44",
    ]
    expect(page.locator(".facts")).to_contain_text("David Walsh")
    first = page.locator(".call").first
    expect(first).to_contain_text("Outgoing")
    expect(first).to_contain_text("Anna Price")
    expect(first).to_contain_text("+79001234567")
    expect(first).to_contain_text("Answered")
    expect(first).to_contain_text("0:18")
    expect(page.locator("#call-124")).to_contain_text("No recording.")
    expect(page.locator("#recording-900116")).to_contain_text("Not in this package")
    expect(page.locator(".notice")).to_contain_text("1 item that belongs here could not")


@pytest.mark.parametrize("record_id", some_by_day([900101, 900109], 2))
def test_a_call_plays_over_file(page: Page, record_id: int) -> None:
    page.click(f"#recording-{record_id} .play")
    wait_until_at(page, 0.3)
    assert plays(page)
    assert playing_at(page) > 0.2
    page.click(f"#recording-{record_id} .play")
    assert not plays(page)


@pytest.mark.nightly
def test_the_position_can_be_moved_and_the_speed_changed(page: Page) -> None:
    page.click("#recording-900106 .play")
    wait_until_at(page, 0.1)
    page.click("#toggle")
    page.locator("#seek").fill("12")
    assert page.evaluate("document.getElementById('audio').currentTime") == pytest.approx(
        12, abs=0.3
    )
    expect(page.locator("#clock")).to_have_text("0:12")
    page.select_option("#speed", "1.5")
    assert page.evaluate("document.getElementById('audio').playbackRate") == 1.5
    page.click("#next")
    wait_until_at(page, 0.1)
    assert page.evaluate("document.getElementById('audio').playbackRate") == 1.5


def test_the_keyboard_does_it_all(page: Page) -> None:
    page.keyboard.press("Space")
    wait_until_at(page, 0.1)
    expect(page.locator(".recording.current")).to_have_id("recording-900101")
    page.keyboard.press("k")
    assert not plays(page)
    page.keyboard.press("Home")
    page.keyboard.press("l")
    assert at(page) == pytest.approx(15, abs=0.3)
    page.keyboard.press("ArrowLeft")
    assert at(page) == pytest.approx(10, abs=0.3)
    page.keyboard.press("]")
    expect(page.locator("#speed")).to_have_value("1.25")
    page.keyboard.press("n")
    expect(page.locator(".recording.current")).to_have_id("recording-900102")
    page.keyboard.press("p")
    expect(page.locator(".recording.current")).to_have_id("recording-900101")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()


@pytest.mark.nightly
def test_a_button_under_the_keyboard_is_pressed_once(page: Page) -> None:
    page.focus("#recording-900106 .play")
    page.keyboard.press("Space")
    wait_until_at(page, 0.1)
    assert plays(page)
    page.keyboard.press("Enter")
    assert not plays(page)


def test_the_search_finds_words_of_any_case_and_says_how_many(page: Page) -> None:
    page.keyboard.press("/")
    page.keyboard.type("COFFEE machine")
    expect(page.locator("#found")).to_have_text("1 of 7 calls")
    expect(page.locator(".call:visible")).to_have_count(1)
    expect(page.locator(".day:visible")).to_have_count(1)
    page.keyboard.type(" zebra")
    expect(page.locator("#nothing")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#found")).to_have_text("7 calls")
    page.select_option("#way", "outgoing")
    expect(page.locator("#found")).to_have_text("4 of 7 calls")
    page.select_option("#way", "recorded")
    expect(page.locator("#found")).to_have_text("5 of 7 calls")


def test_dates_and_agents_narrow_and_the_head_says_what_is_chosen(page: Page) -> None:
    page.fill("#from", "2026-11-03")
    page.fill("#to", "2026-11-03")
    expect(page.locator("#found")).to_have_text("2 of 7 calls")
    page.select_option("#agent", "Karen Mills")
    expect(page.locator(".call")).to_have_count(1)
    expect(page.locator("#fact-recordings")).to_have_text("2")
    expect(page.locator("#fact-period")).to_have_text("3 November 2026")
    expect(page.locator("#fact-agents")).to_have_text("Maria Lopez, Karen Mills")
    expect(page.locator("#chosen")).to_contain_text("Selection: 1 of 7 calls. Karen Mills, from 3")
    page.click("#clear")
    expect(page.locator("#found")).to_have_text("7 calls")
    expect(page.locator("#chosen")).to_be_hidden()
    expect(page.locator("#fact-calls")).to_have_text("7")


@pytest.mark.nightly
def test_the_index_of_days_leads_to_a_day(page: Page) -> None:
    page.get_by_role("button", name=re.compile("Wednesday,? 4 November 2026: 2 calls")).click()
    expect(page.locator(".call").first).to_have_id("call-128")


@pytest.mark.nightly
def test_the_index_of_agents_narrows_to_one_and_back(page: Page) -> None:
    agent = page.locator("#agents button", has_text="David Walsh")
    expect(agent).to_have_text("David Walsh2")
    agent.click()
    expect(page.locator("#found")).to_have_text("2 of 7 calls")
    expect(agent).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#agent")).to_have_value("David Walsh")
    agent.click()
    expect(page.locator("#found")).to_have_text("7 calls")
    expect(agent).to_have_attribute("aria-pressed", "false")


@pytest.mark.nightly
def test_a_stranger_finds_one_call_among_three_thousand_in_four_steps(
    browser: Browser, tmp_path: Path
) -> None:
    """All that is known: Maria Lopez, on 19 January, in the afternoon at about half past four."""
    write(tmp_path, 3000)
    tab = browser.new_page()
    tab.goto((tmp_path / "index.html").as_uri())
    expect(tab.locator("#found")).to_have_text("3,000 calls")
    tab.locator("#agents button", has_text="Maria Lopez").click()
    tab.fill("#from", "2026-01-19")
    tab.fill("#to", "2026-01-19")
    expect(tab.locator(".call")).to_have_count(22)
    times = tab.locator(".call time").all_text_contents()
    (one,) = (place for place, at in enumerate(times) if "16:10" <= at < "16:50")
    tab.locator(".call .play").nth(one).click()
    expect(tab.locator("#title")).to_contain_text("19 January 2026 · " + times[one])
    tab.close()


@pytest.mark.nightly
def test_both_sides_of_a_stereo_recording_are_drawn_and_lead_to_a_position(page: Page) -> None:
    page.click("#recording-900113 .play")
    page.click("#toggle")
    expect(page.locator("#wave .side")).to_have_count(2)
    expect(page.locator("#wave .side span").first).to_have_text("Left")
    box = page.locator("#wave .side svg").first.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 5)
    assert 0.4 < playing_at(page) / float(page.locator("#seek").get_attribute("max") or 0) < 0.6


@pytest.mark.nightly
def test_an_address_with_a_call_leads_to_it(page: Page) -> None:
    page.fill("#search", "coffee")
    expect(page.locator(".call")).to_have_count(1)
    page.evaluate("location.hash = '#recording-900109'")
    expect(page.locator("#call-70108")).to_be_in_viewport()


@pytest.mark.nightly
def test_a_selection_prints_as_a_selection(page: Page) -> None:
    page.fill("#search", "coffee")
    expect(page.locator("#fact-calls")).to_have_text("1")
    page.emulate_media(media="print")
    expect(page.locator("#chosen")).to_be_visible()
    expect(page.locator("#chosen")).to_contain_text("1 of 7 calls. “coffee”")
    expect(page.locator(".call:visible")).to_have_count(1)


def test_a_hostile_summary_stays_text(page: Page) -> None:
    summary = page.locator("#recording-900102 .summary")
    expect(summary).to_have_text(HOSTILE)
    assert summary.locator("*").count() == 0
    assert page.locator("img").count() == 0
    assert page.title() == "Recorded calls: Lead 789"


def test_the_policy_runs_no_script_that_came_in_as_markup(
    browser: Browser, package: Package, tmp_path: Path
) -> None:
    shutil.copytree(package.root / "data", tmp_path / "data")
    (tmp_path / "data/evil.js").write_text("window.intruded = true;")
    path = tmp_path / "data/index.html"
    intruders = (
        '<script>window.intruded = true</script><script src="evil.js"></script>'
        '<img src="x" onerror="window.intruded = true"><iframe src="evil.html"></iframe>'
    )
    path.write_text(path.read_text("utf-8").replace("<main>", f"<main>{intruders}"), "utf-8")
    tab = browser.new_page()
    refused: list[str] = []
    tab.on("console", lambda said: refused.append(said.text))
    tab.goto(path.as_uri())
    expect(tab.locator("#found")).to_have_text("7 calls")
    assert tab.evaluate("window.intruded") is None
    assert len([text for text in refused if "Content Security Policy" in text]) >= 3
    tab.close()


def test_print_shows_files_and_digests_and_no_player(page: Page, package: Package) -> None:
    page.click("#recording-900101 .play")
    page.emulate_media(media="print")
    expect(page.locator("#player")).to_be_hidden()
    expect(page.locator("#tools")).to_be_hidden()
    digest = package.rows()[0]["sha256"]
    expect(page.get_by_text(digest)).to_be_visible()


@pytest.mark.nightly
def test_print_sets_what_is_missing_where_the_recordings_stand(page: Page) -> None:
    page.emulate_media(media="print")
    boxes = [page.locator(f"#recording-{one} .text").bounding_box() for one in (900113, 900116)]
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert boxes[0]["x"] == boxes[1]["x"]


@pytest.mark.nightly
def test_a_long_status_leaves_room_for_the_names(page: Page) -> None:
    page.evaluate(
        "document.querySelector('#call-123 .status').textContent = 'of a status '.repeat(20)"
    )
    name = page.locator("#call-123 .who").bounding_box()
    assert name is not None
    assert name["width"] > 250


@pytest.mark.parametrize("scheme", some_by_day(["light", "dark"], 2))
def test_text_has_enough_contrast_in_light_and_dark(page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    worst = page.evaluate(CONTRAST)
    assert worst["ratio"] >= 4.5, worst


@pytest.mark.nightly
def test_every_control_has_a_name(page: Page) -> None:
    page.click("#recording-900101 .play")
    page.click("#toggle")
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll("button, input, select")].filter((one) =>
            !(one.getAttribute("aria-label") || one.labels?.length || one.textContent.trim()))
            .map((one) => one.outerHTML)"""
    )
    assert unnamed == []


def test_without_scripts_the_calls_can_still_be_read(browser: Browser, package: Package) -> None:
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto((package.root / "data/index.html").as_uri())
    expect(tab.locator("#player")).to_be_hidden()
    tab.click("noscript a")
    expect(tab.locator(".call")).to_have_count(7)
    expect(tab.locator("audio[controls]")).to_have_count(6)
    expect(tab.locator("#call-124")).to_contain_text("No answer")
    tab.click(".kicker a")
    expect(tab).to_have_title("Recorded calls: Lead 789")
    context.close()


def test_the_custody_record_opens_and_leads_to_the_calls(
    browser: Browser, package: Package
) -> None:
    tab = browser.new_page()
    tab.goto((package.root / "custody.html").as_uri())
    expect(tab.get_by_role("heading", level=1)).to_have_text("Lead 789")
    expect(tab.get_by_text("Call 128, recording 900116")).to_be_visible()
    expect(tab.get_by_text("Table of the calls")).to_have_attribute("href", "data/calls.csv")
    tab.click("text=Open the calls")
    expect(tab).to_have_title("Recorded calls: Lead 789")
    tab.close()
