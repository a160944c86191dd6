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
from tests.web.desks import (
    Served,
    archived,
    calls,
    csrf_of,
    enrol,
    post,
    served,
    text,
    until_listed,
)

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


SOME = (900101, 900102, 900104, 900105, 900107, 900109, 900110, 900111)
"""Calls that are judged besides."""


def main(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as where:
        settings = {"window": {"timezone": "Europe/Berlin", "since": "2026-11-01"}}
        made = archived(Path(where), calls(), settings=settings)
        enrol(made)
        with (
            served(made) as desk,
            desk.visitor("rita") as rita,
            desk.visitor("ross") as ross,
            desk.visitor("lead") as lead,
        ):
            until_listed(rita, 17)
            work(rita)
            session = calibrate(lead, rita, ross)
            with chromium() as browser:
                for scheme in ("light", "dark"):
                    suffix = "" if scheme == "light" else "-dark"
                    with opened(browser, desk, rita.cookies[SESSION], scheme) as page:
                        take(page, desk, folder, suffix)
                    with opened(browser, desk, lead.cookies[SESSION], scheme) as page:
                        page.goto(f"{desk.url}/quality?since=2026-10-26&until=2026-11-08")
                        page.screenshot(path=folder / f"desk-quality{suffix}.png")
                        page.goto(f"{desk.url}{session}#call-900103")
                        page.screenshot(path=folder / f"desk-calibration{suffix}.png")


def work(rita: httpx.Client) -> None:
    """What a reviewer has done in a morning."""
    for record_id, tag in TAGS.items():
        post(rita, f"/recordings/{record_id}/tags", tag=tag)
    for record_id, seconds, said in NOTES:
        post(rita, f"/recordings/{record_id}/notes", seconds=seconds, text=said)
    answers = {f"q.{name}": mark for name, mark in MARKS.items()}
    for record_id in (900114, 900106):
        verdict(rita, record_id)
    some = dict(list(answers.items())[:5])
    post(rita, "/recordings/900113/verdict", act="draft", **some)


def calibrate(lead: httpx.Client, rita: httpx.Client, ross: httpx.Client) -> str:
    """Two reviewers judge more calls, and two of them the same; returns the address of these."""
    for number, record_id in enumerate(SOME):
        verdict(rita if number % 2 else ross, record_id, tone=str(3 + number % 3), greeting="yes")
    fields = {"csrf": csrf_of(text(lead)), "title": "Tone of voice", "calls": "2"}
    fields |= {"card": "scorecard"}
    path = "/calibrations?tag=complaint&tag=retention"
    answer = lead.post(path, data={**fields, "people": ["rita", "ross"]})
    verdict(ross, 900106)
    verdict(ross, 900103, tone="3", farewell="yes")
    verdict(rita, 900103)
    return answer.headers["location"]


def verdict(person: httpx.Client, record_id: int, **marks: str) -> None:
    answers = {f"q.{name}": mark for name, mark in (MARKS | marks).items()}
    post(person, f"/recordings/{record_id}/verdict", act="submit", **answers)


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
