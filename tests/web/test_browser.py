"""The desk in a real Chromium: found, heard, judged, by keyboard and by role."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import TypeAlias

import pytest
from playwright.sync_api import Browser, Page, expect

from archiver.desk.people.person import Role
from archiver.sandbox.world import World
from archiver.web.cookies import SESSION
from tests.export.browser import chromium, needs_chromium
from tests.web.accessibility import CONTRAST, UNNAMED
from tests.web.desks import PASSWORD, Served, archived, calls, damage, enrol, served, until_listed
from tests.web.sounds import DAMAGED, FOREIGN, PAUSE, PAUSED, WAITING, strange_calls

pytestmark = needs_chromium

HOSTILE = '<img src=x onerror="window.intruded=1"> "cats" & \u202edogs'
Visit: TypeAlias = Callable[..., Page]
RECORDINGS = 21
REVIEWERS = ("rita", "ross", "rosa", "rolf")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    world = calls()
    assert isinstance(world, World)
    strange_calls(world).change_recording(900102, summary=HOSTILE)
    made = archived(tmp_path_factory.mktemp("desk"), world)
    damage(made, DAMAGED)
    people = {"lena": Role.LISTENER, "ada": Role.ADMIN}
    enrol(made, people | dict.fromkeys(REVIEWERS, Role.REVIEWER))
    with served(made) as desk:
        with desk.visitor("ada") as ada:
            until_listed(ada, RECORDINGS)
        yield desk


@pytest.fixture(scope="module")
def browser(desk: Served) -> Iterator[Browser]:
    """Started after the archive is made: its driver keeps the event loop of this thread."""
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def keys(desk: Served) -> Mapping[str, str]:
    """The session of each person; the log-in itself has a test of its own."""
    sessions = {}
    for name in ("lena", "ada", *REVIEWERS):
        with desk.visitor(name) as client:
            sessions[name] = client.cookies[SESSION]
    return sessions


@pytest.fixture
def visit(browser: Browser, desk: Served, keys: Mapping[str, str]) -> Iterator[Visit]:
    """Pages of somebody; they must neither fail nor ask for anything foreign."""
    with ExitStack() as opened:

        def visit(name: str, path: str = "/", *, expects_trouble: bool = False) -> Page:
            context = browser.new_context(viewport={"width": 1360, "height": 900})
            opened.callback(context.close)
            context.add_cookies([{"name": SESSION, "value": keys[name], "url": desk.url}])
            page = context.new_page()
            if not expects_trouble:
                opened.callback(troubles_of(page, desk))
            page.goto(desk.url + path)
            return page

        yield visit


def troubles_of(page: Page, desk: Served) -> Callable[[], None]:
    """Listens to the page; calling it fails for what was wrong with it."""
    troubles: list[str] = []
    asked: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    page.on("request", lambda request: asked.append(request.url))

    def check() -> None:
        assert troubles == []
        assert [url for url in asked if not url.startswith(desk.url)] == []

    return check


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def ready(page: Page) -> None:
    """The player has drawn all that it can draw."""
    page.locator("#player[data-ready]").wait_for()


def at(page: Page) -> float:
    return float(page.locator("#seek").input_value())


def wait_until_at(page: Page, seconds: float) -> None:
    for _ in range(300):
        if at(page) >= seconds:
            return
        page.wait_for_timeout(20)
    raise AssertionError(f"the player stands at {at(page)} s")


def plays(page: Page) -> bool:
    return bool(page.evaluate("[...document.querySelectorAll('audio')].some((one) => !one.paused)"))


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


def test_keys_work_on_a_russian_keyboard(visit: Visit) -> None:
    page = visit("lena", "/recordings/900101")
    ready(page)
    page.evaluate(
        """() => document.body.dispatchEvent(new KeyboardEvent("keydown",
            { key: "ы", code: "KeyS", bubbles: true, cancelable: true }))"""
    )
    expect(page.locator("#silence")).to_have_attribute("aria-pressed", "true")


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
    press(page, "Space")
    page.wait_for_timeout(1500)  # 2.25 s of sound, in a loop of half a second
    assert begun - 0.1 <= at(page) <= begun + 1.3
    press(page, "\\")
    expect(page.locator("#loop")).to_have_attribute("aria-pressed", "false")


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
        (FOREIGN, "this kind of sound is not known", "cannot play this kind of sound"),
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


def test_a_recording_that_is_not_here_yet_says_so(visit: Visit) -> None:
    page = visit("lena", f"/recordings/{WAITING}")
    ready(page)
    expect(page.locator(".notice")).to_contain_text("has no address for this recording yet")
    press(page, "Space")
    assert not plays(page)


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


def test_a_queue_plays_on_by_itself(visit: Visit) -> None:
    page = visit("lena", "/recordings/900104?way=outgoing")
    ready(page)
    press(page, "a", "9", "ArrowRight", "Space")
    expect(page).not_to_have_url(re.compile("/900104"), timeout=15_000)
    ready(page)
    wait_until_at(page, 0.2)
    assert plays(page)
    press(page, "a")


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
            expect(page.locator(".notice")).to_contain_text("Nothing is left")
    assert len(set(seen)) == 2


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
    expect(page.locator(".notice")).to_contain_text("This one is still yours")
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


def test_one_logs_in_and_out_and_sees_what_the_role_allows(browser: Browser, desk: Served) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{desk.url}/?q=refund")
    expect(page).to_have_url(re.compile("/log-in"))
    page.keyboard.type("lena")
    press(page, "Tab")
    page.keyboard.type("wrong")
    press(page, "Enter")
    expect(page.get_by_role("alert")).to_contain_text("do not fit together")
    page.fill("#password", PASSWORD)
    press(page, "Enter")
    expect(page.locator("#search")).to_have_value("refund")
    assert page.locator("nav[aria-label=Pages] a").all_inner_texts() == ["Calls"]
    page.goto(f"{desk.url}/journal")
    expect(page.locator("h1")).to_have_text("Not for your role")
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


def test_the_interface_speaks_russian(visit: Visit) -> None:
    page = visit("lena")
    page.click("#language button")
    expect(page.locator("#count")).to_have_text("21 запись")
    expect(page.locator("html")).to_have_attribute("lang", "ru")
    page.click("#language button")
    expect(page.locator("#count")).to_have_text("21 recordings")


OVERFLOW = """() => [document.documentElement, ...document.querySelectorAll(".card.scroller")]
    .map((box) => box.scrollWidth - box.clientWidth)"""


@pytest.mark.parametrize("width", [390, 768, 900])
def test_the_list_gives_a_summary_room_on_a_narrow_screen(visit: Visit, width: int) -> None:
    page = visit("lena")
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate(OVERFLOW) == [0, 0]
    table = page.locator(".rows").bounding_box()
    summary = page.locator(".row .summary").first.bounding_box()
    assert table is not None and summary is not None
    assert summary["width"] > 0.4 * table["width"]
    expect(page.locator(".row .way .icon").first).to_be_visible()


def test_the_access_log_fits_a_narrow_screen(visit: Visit) -> None:
    page = visit("ada", "/journal")
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate(OVERFLOW)[0] == 0
    for box in page.locator("main form input:visible, main form button").all():
        place = box.bounding_box()
        assert place is not None and place["x"] >= 0 and place["x"] + place["width"] <= 390


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/?q=refund", "/recordings/900108", "/queue", "/journal"])
def test_text_has_enough_contrast_and_every_control_a_name(
    visit: Visit, path: str, scheme: str
) -> None:
    page = visit("ada", path)
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    assert page.evaluate(UNNAMED) == []
    worst = page.evaluate(CONTRAST)
    assert worst["ratio"] >= 4.5, worst
    page.click("#help")
    expect(page.locator("dialog")).to_be_visible()
    worst = page.evaluate(CONTRAST)
    assert worst["ratio"] >= 4.5, worst
    press(page, "Escape")
    expect(page.locator("dialog")).to_be_hidden()


def test_the_theme_can_be_turned_and_is_kept(visit: Visit) -> None:
    page = visit("lena")
    page.click("#theme")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.wait_for_load_state("networkidle")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    worst = page.evaluate(CONTRAST)
    assert worst["ratio"] >= 4.5, worst
