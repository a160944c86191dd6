"""Takes the pictures of the desk that the documentation shows.

    python -m tests.web.screenshots docs

They are to be looked at by a person; the browser tests check what a machine can.
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page

from archiver.web.cookies import SESSION
from tests.export.browser import chromium
from tests.web.desks import Served, archived, calls, enrol, post, served, until_listed

WIDTH, HEIGHT = 1280, 800
TAGS = {900106: "complaint", 900114: "refund", 900108: "refund", 900103: "retention"}
NOTES = (
    (900114, "3.2", "Asks for the order number before greeting"),
    (900113, "4.1", "Repeats the address to be sure"),
    (900113, "11.6", "Says when the courier comes, and asks whether it suits"),
)
MARKS = {
    "greeting": "yes", "consent": "yes", "need": "4", "answer": "5", "tone": "5", "speech": "4",
    "next_step": "yes", "farewell": "no",
}  # fmt: skip


def main(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as where:
        settings = {"window": {"timezone": "Europe/Berlin", "since": "2026-11-01"}}
        made = archived(Path(where), calls(), settings=settings)
        enrol(made)
        with served(made) as desk, desk.visitor("rita") as rita:
            until_listed(rita, 17)
            work(rita)
            session = rita.cookies[SESSION]
            with chromium() as browser:
                for scheme in ("light", "dark"):
                    suffix = "" if scheme == "light" else "-dark"
                    with opened(browser, desk, session, scheme) as page:
                        take(page, desk, folder, suffix)


def work(rita: httpx.Client) -> None:
    """What a reviewer has done in a morning."""
    for record_id, tag in TAGS.items():
        post(rita, f"/recordings/{record_id}/tags", tag=tag)
    for record_id, seconds, text in NOTES:
        post(rita, f"/recordings/{record_id}/notes", seconds=seconds, text=text)
    answers = {f"q.{name}": mark for name, mark in MARKS.items()}
    for record_id in (900114, 900106):
        post(rita, f"/recordings/{record_id}/verdict", act="submit", **answers)
    some = dict(list(answers.items())[:5])
    post(rita, "/recordings/900113/verdict", act="draft", **some)


@contextmanager
def opened(browser: Browser, desk: Served, session: str, scheme: str) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": WIDTH, "height": HEIGHT},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    context.add_cookies([{"name": SESSION, "value": session, "url": desk.url}])
    yield context.new_page()
    context.close()


def take(page: Page, desk: Served, folder: Path, suffix: str) -> None:
    page.goto(f"{desk.url}/?q=refund")
    page.goto(desk.url)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.screenshot(path=folder / f"desk-list{suffix}.png")
    play(page, desk, "/recordings/900113?q=delivery", "5")
    page.screenshot(path=folder / f"desk-player{suffix}.png")
    play(page, desk, "/recordings/900108?tag=refund", "4")
    page.keyboard.press("g")
    if not page.locator("#card-form input:checked").count():
        for key in ("y", "y", "4"):
            page.keyboard.press(key)
    page.locator("#draft .chip", has_text="Draft").wait_for()
    page.screenshot(path=folder / f"desk-scorecard{suffix}.png")


def play(page: Page, desk: Served, path: str, tenth: str) -> None:
    page.goto(desk.url + path)
    page.locator("#player[data-ready]").wait_for()
    page.keyboard.press(tenth)
    page.keyboard.press("Space")
    page.wait_for_timeout(400)
    page.keyboard.press("Space")
    page.wait_for_timeout(200)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
