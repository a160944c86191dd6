"""What is typed is saved, or the page says that it is not; it is never lost and never doubled."""

import re

import pytest
from playwright.sync_api import Dialog, Page, Route, expect

from tests.export.browser import needs_chromium
from tests.web.browser.acts import Visit, press, ready

pytestmark = needs_chromium


def write_note(page: Page, text: str) -> None:
    page.locator("#note").fill(text)
    page.locator("#note-form button").click()


def refuse_forms(route: Route) -> None:
    """The desk is away for whatever is sent, not for what is read."""
    if route.request.method == "POST":
        route.abort()
    else:
        route.continue_()


def lose_answers(page: Page, path: str) -> None:
    """The desk gets what is sent there, and its answer is lost on the way, once."""

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route(f"**{path}", lose, times=1)


def test_a_note_written_offline_survives_a_reload_and_is_saved_once(visit: Visit) -> None:
    page = visit("rita", "/recordings/900104", expects_trouble=True)
    ready(page)
    page.route("**/notes", lambda route: route.abort())
    write_note(page, "Written in a tunnel")
    expect(page.locator("#note-form [data-state]")).to_contain_text("Not saved")
    expect(page.locator("#unsent")).to_contain_text("not saved yet: 1")
    page.reload()
    ready(page)
    expect(page.locator("#note")).to_have_value("Written in a tunnel")
    page.unroute("**/notes")
    page.locator("#unsent button").evaluate("one => one.click()")  # if it is still there
    expect(page.locator("[data-note] p.prose")).to_have_text(["Written in a tunnel"])
    expect(page.locator("#note")).to_have_value("")
    expect(page.locator("#unsent")).to_be_hidden()


@pytest.mark.nightly
def test_what_was_not_saved_is_sent_from_whatever_page_comes_next(visit: Visit) -> None:
    page = visit("rita", "/recordings/900105", expects_trouble=True)
    ready(page)
    page.route("**/notes", lambda route: route.abort())
    write_note(page, "Left in a hurry")
    expect(page.locator("#unsent")).to_be_visible()
    page.unroute("**/notes")
    with page.expect_response("**/recordings/900105/notes"):
        page.goto(page.url.partition("/recordings")[0] + "/queue")
    page.goto(page.url.partition("/queue")[0] + "/recordings/900105")
    expect(page.locator("[data-note] p.prose")).to_have_text(["Left in a hurry"])


@pytest.mark.nightly
def test_three_clicks_and_a_lost_answer_make_one_note(visit: Visit) -> None:
    page = visit("rita", "/recordings/900106", expects_trouble=True)
    ready(page)
    lose_answers(page, "/notes")
    page.locator("#note").fill("Only once")
    page.locator("#note-form button").evaluate("one => { one.click(); one.click(); one.click(); }")
    expect(page.locator("[data-note] p.prose")).to_have_text(["Only once"])
    page.reload()
    expect(page.locator("[data-note] p.prose")).to_have_text(["Only once"])


def test_a_stale_tab_shows_the_difference_and_overwrites_nothing(visit: Visit) -> None:
    first = visit("rosa", "/recordings/900107", expects_trouble=True)
    ready(first)
    second = first.context.new_page()
    second.goto(first.url)
    ready(second)
    first.bring_to_front()  # timers of a tab in the background may wait for minutes
    press(first, "g", "y")
    expect(first.locator("[data-state-of=card-form]")).to_have_text("Saved")
    second.evaluate("localStorage.clear()")  # as another browser of hers
    second.bring_to_front()
    press(second, "g", "n")
    conflict = second.locator(".conflict")
    expect(conflict).to_contain_text("Nothing has been overwritten")
    expect(conflict.locator("tbody td")).to_have_text(["No", "Yes"])
    expect(conflict.locator("h3")).to_be_focused()
    conflict.locator("[data-mine]").click()
    expect(second.locator("[data-state-of=card-form]")).to_have_text("Saved")
    first.reload()
    assert first.locator("#card-form input:checked").input_value() == "no"


@pytest.mark.nightly
def test_a_draft_whose_answer_was_lost_is_no_conflict_with_itself(visit: Visit) -> None:
    page = visit("rosa", "/recordings/900108", expects_trouble=True)
    ready(page)
    lose_answers(page, "/verdict?*")
    press(page, "g", "y")
    expect(page.locator("[data-state-of=card-form]")).to_contain_text("Not saved")
    press(page, "y")
    expect(page.locator("[data-state-of=card-form]")).to_have_text("Saved")
    assert page.locator(".conflict").count() == 0
    page.reload()
    ready(page)
    assert page.locator("#card-form input:checked").count() == 2


@pytest.mark.nightly
def test_a_refusal_names_the_field_and_the_limit_and_leads_to_it(visit: Visit) -> None:
    page = visit("rita", "/recordings/900109", expects_trouble=True)
    ready(page)
    page.locator("#note").evaluate("one => one.removeAttribute('maxlength')")
    write_note(page, "x" * 4001)
    expect(page.locator("#note-form .refused")).to_have_text("Note: at most 4,000 characters.")
    expect(page.locator("#note")).to_be_focused()
    expect(page.locator("#note")).to_have_attribute("aria-invalid", "true")
    assert len(page.locator("#note").input_value()) == 4001
    press(page, "Escape")
    page.locator("button[value=submit]").click()
    told = page.locator("#card-form .refused")
    expect(told).to_contain_text("Questions not answered")
    expect(page.locator(".question").first.locator("input").first).to_be_focused()


@pytest.mark.nightly
def test_a_form_that_leaves_the_page_does_so_once_the_desk_has_taken_it(visit: Visit) -> None:
    page = visit("ada", "/plans?q=nothingatall", expects_trouble=True)
    page.route("**/plans?*", refuse_forms)
    page.get_by_label("Plan name").fill("Made once")
    for name in ("Direction", "rita", "ross"):
        page.get_by_label(name).check()
    page.get_by_role("button", name="Create a plan").click()
    expect(page.locator("#plan-form [data-state]")).to_contain_text("Not saved")
    page.goto(page.url)
    expect(page.get_by_label("Plan name")).to_have_value("Made once")
    checked = page.locator("#plan-form :checked").evaluate_all("all => all.map((one) => one.value)")
    assert checked == ["direction", "rita", "ross"]
    page.unroute("**/plans?*")
    page.locator("#unsent button").evaluate("one => one.click()")  # if it is still there
    plan = page.locator("section", has=page.get_by_role("heading", name="Made once"))
    expect(plan).to_have_count(1)
    expect(plan).to_contain_text("Reviewers: rita, ross")
    expect(page.get_by_label("Plan name")).to_have_value("")


@pytest.mark.nightly
def test_a_refused_form_stays_as_it_was_filled_in_and_says_what_is_wrong(visit: Visit) -> None:
    page = visit("ada", "/calibrations", expects_trouble=True)
    page.get_by_label("Session name").fill("With one reviewer")
    page.get_by_label("rita").check()
    page.get_by_role("button", name="Draw the sample").click()
    expect(page.locator("#calibration-form .refused")).to_have_text("Reviewers: at least 2.")
    assert page.get_by_label("Session name").input_value() == "With one reviewer"
    cookies = page.context.cookies()
    page.context.clear_cookies()
    page.get_by_label("ross").check()
    page.get_by_role("button", name="Draw the sample").click()
    expect(page.locator("#calibration-form [data-state]")).to_contain_text("session has ended")
    page.context.add_cookies(cookies)  # type: ignore[arg-type]
    page.goto(page.url)
    page.wait_for_url(re.compile(r"/calibrations/\d+"))
    expect(page.locator("h1")).to_contain_text("With one reviewer")


@pytest.mark.nightly
def test_a_session_that_ended_keeps_what_was_typed(visit: Visit) -> None:
    page = visit("rolf", "/recordings/900110", expects_trouble=True)
    ready(page)
    cookies = page.context.cookies()
    page.context.clear_cookies()
    write_note(page, "After the night")
    expect(page.locator("#note-form [data-state]")).to_contain_text("session has ended")
    page.context.add_cookies(cookies)  # type: ignore[arg-type]
    page.reload()
    expect(page.locator("[data-note] p.prose")).to_have_text(["After the night"])


@pytest.mark.nightly
def test_leaving_is_warned_of_only_where_the_browser_keeps_nothing(visit: Visit) -> None:
    page = visit("rolf", "/recordings/900111", expects_trouble=True)
    ready(page)
    warned: list[str] = []

    def leave(dialog: Dialog) -> None:
        warned.append(dialog.type)
        dialog.accept()

    page.on("dialog", leave)
    page.locator("#note").type("Half a thought")
    page.reload()
    expect(page.locator("#note")).to_have_value("Half a thought")
    assert warned == []
    page.evaluate("() => { Storage.prototype.setItem = () => { throw new Error('full'); }; }")
    page.locator("#note").type(", and more")
    page.reload()
    assert warned == ["beforeunload"]


@pytest.mark.nightly
def test_the_focus_stays_where_the_reader_was(visit: Visit) -> None:
    page = visit("rolf", "/recordings/900112")
    ready(page)
    for text in ("One", "Two"):
        write_note(page, text)
        expect(page.locator("[data-note]", has_text=text)).to_be_visible()
    page.locator("[data-note] .remove button").first.click()
    expect(page.locator("[data-note]")).to_have_count(1)
    expect(page.locator("[data-note] button").first).to_be_focused()
    for tag in ("aa", "bb"):
        page.locator("#tag").fill(tag)
        press(page, "Enter")
        expect(page.locator("#tags .chip", has_text=tag)).to_be_visible()
        expect(page.locator("#tag")).to_be_focused()
    page.locator("#tags .chip button").first.click()
    expect(page.locator("#tags .chip")).to_have_count(1)
    expect(page.locator("#tags .chip button")).to_be_focused()
