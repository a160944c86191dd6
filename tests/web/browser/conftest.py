"""A desk and a Chromium for all tests of this folder, and pages of somebody in it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Page

from archiver.desk.accounts.person import Role
from archiver.sandbox.world import World
from archiver.web.cookies import SESSION
from tests.export.browser import PATIENCE, chromium
from tests.retention.acts import erased
from tests.support.world import Night
from tests.web.browser.acts import Visit
from tests.web.desks import Served, archived, calls, damage, enrol, served, until_listed
from tests.web.sounds import DAMAGED, DOOMED_LEAD, RECORDINGS, strange_calls

HOSTILE = '<img src=x onerror="window.intruded=1"> "cats" & \u202edogs'

REVIEWERS = ("rita", "ross", "rosa", "rolf")


@pytest.fixture(scope="package")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    world = calls()
    assert isinstance(world, World)
    strange_calls(world).change_recording(900102, summary=HOSTILE)

    async def erase_the_doomed(night: Night) -> None:
        await erased(night, 1, DOOMED_LEAD)

    made = archived(tmp_path_factory.mktemp("desk"), world, runs=erase_the_doomed)
    damage(made, DAMAGED)
    people = {"lena": Role.LISTENER, "ada": Role.ADMIN, "anna": Role.AGENT}
    enrol(made, people | dict.fromkeys(REVIEWERS, Role.REVIEWER))
    with served(made) as desk:
        with desk.visitor("ada") as ada:
            until_listed(ada, RECORDINGS)
        yield desk


@pytest.fixture(scope="package")
def browser(desk: Served) -> Iterator[Browser]:
    """Started after the archive is made: its driver keeps the event loop of this thread."""
    with chromium() as running:
        yield running


@pytest.fixture(scope="package")
def keys(desk: Served) -> Mapping[str, str]:
    """The session of each person; the log-in itself has a test of its own."""
    sessions = {}
    for name in ("lena", "ada", "anna", *REVIEWERS):
        with desk.visitor(name) as client:
            sessions[name] = client.cookies[SESSION]
    return sessions


@pytest.fixture
def visit(browser: Browser, desk: Served, keys: Mapping[str, str]) -> Iterator[Visit]:
    """Pages of somebody; they must neither fail nor ask for anything foreign."""
    with ExitStack() as opened:

        def visit(name: str, path: str = "/", *, expects_trouble: bool = False) -> Page:
            context = browser.new_context(viewport={"width": 1360, "height": 900})
            context.set_default_timeout(PATIENCE)
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
