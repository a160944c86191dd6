"""axe-core finds nothing on any page, in both themes and both languages."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.export.browser import needs_chromium
from tests.web.browser.acts import Visit, press
from tests.web.desks import Served, post
from tests.web.sounds import DAMAGED, DOOMED, WAITING

pytestmark = needs_chromium

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PAGES: Mapping[str, tuple[str, str]] = {
    "list": ("ada", "/"),
    "search": ("ada", "/?q=refund&agent=101&since=2026-01-01"),
    "nothing found": ("ada", "/?q=nothingatall"),
    "player": ("ada", "/recordings/900108"),
    "transferred": ("rita", "/recordings/900107"),
    "listener": ("lena", "/recordings/900103"),
    "damaged": ("rita", f"/recordings/{DAMAGED}"),
    "waiting": ("rita", f"/recordings/{WAITING}"),
    "erased": ("ada", f"/recordings/{DOOMED}"),
    "unknown": ("ada", "/recordings/5"),
    "queues": ("ada", "/queue?agent=101"),
    "exports": ("ada", "/exports"),
    "new export": ("ada", "/exports/new?agent=101"),
    "quality": ("ada", "/quality?since=2026-10-01&until=2026-12-31"),
    "calibrations": ("ada", "/calibrations"),
    "disputes": ("ada", "/disputes"),
    "plans": ("ada", "/plans"),
    "plan": ("ada", "/plans?since=2026-01-01"),
    "playlists": ("lena", "/playlists"),
    "playlist": ("ross", "{playlist}"),
    "own calls": ("anna", "/my"),
    "statement": ("ada", "/statement?month=2026-11"),
    "log": ("ada", "/journal"),
    "refused": ("lena", "/journal"),
    "no such page": ("lena", "/nothing"),
}


@pytest.fixture(scope="module", autouse=True)
def made(desk: Served) -> Mapping[str, str]:
    """A plan, which is on the page of all plans, and a playlist: the path of its page."""
    with desk.visitor("ada") as ada, desk.visitor("ross") as ross:
        plan = {"title": "A week", "people": "rita", "strata": "order", "token": "axe"}
        assert post(ada, "/plans?q=nothingatall", **plan).status_code == 303
        moment = {"at": "0:01", "text": "greeting", "title": "Greetings", "token": "axe"}
        answer = post(ross, "/recordings/900112/moments", **moment)
    return {"playlist": answer.headers["location"]}


def violations(page: Page) -> list[str]:
    """What axe-core finds: rule, and the markup that it is about."""
    page.evaluate(AXE)
    found: list[dict[str, Any]] = page.evaluate(
        "rules => axe.run(document, { runOnly: rules }).then((told) => told.violations)", RULES
    )
    return [f"{one['id']}: {node['html'][:160]}" for one in found for node in one["nodes"]]


def look(page: Page, scheme: str, language: str = "en") -> None:
    """Show the page in that theme and language, without motion."""
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    if language != "en":
        page.context.add_cookies([{"name": "desk-language", "value": language, "url": page.url}])
        page.goto(page.url)
    if page.locator("#player").count():
        page.locator("#player[data-ready]").wait_for()


@pytest.mark.parametrize("name", ["list", "player"])
def test_a_page_is_accessible(visit: Visit, name: str) -> None:
    page = visit(*PAGES[name], expects_trouble=True)
    look(page, "light")
    assert violations(page) == []


@pytest.mark.nightly
@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_accessible_in_every_look(
    visit: Visit, made: Mapping[str, str], name: str, scheme: str, language: str
) -> None:
    person, path = PAGES[name]
    page = visit(person, path.format_map(made), expects_trouble=True)
    look(page, scheme, language)
    assert violations(page) == []
    page.click("#help")
    assert violations(page) == []


@pytest.mark.nightly
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_a_page_says_of_saving_is_accessible(visit: Visit, scheme: str) -> None:
    page = visit("rolf", "/recordings/900114", expects_trouble=True)
    look(page, scheme)
    page.route("**/notes", lambda route: route.abort())
    page.locator("#note").fill("Later")
    page.locator("#note-form button").click()
    page.locator("#unsent").wait_for()
    press(page, "Escape")
    page.locator("button[value=submit]").click()
    page.locator("#card-form .refused").wait_for()
    assert violations(page) == []


@pytest.mark.nightly
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_log_in_page_is_accessible(visit: Visit, scheme: str) -> None:
    page = visit("lena")
    page.context.clear_cookies()
    look(page, scheme, "ru")
    assert violations(page) == []
