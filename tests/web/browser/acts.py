"""What a person does on a page of the desk, and waits for."""

from collections.abc import Callable
from typing import TypeAlias

from playwright.sync_api import Page

Visit: TypeAlias = Callable[..., Page]


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def ready(page: Page) -> None:
    """The player has drawn all that it can draw."""
    page.locator("#player[data-ready]").wait_for()


def at(page: Page) -> float:
    return float(page.locator("#seek").input_value())


def wait_until_at(page: Page, seconds: float) -> None:
    page.wait_for_function("to => Number(document.getElementById('seek').value) >= to", arg=seconds)


def loads(page: Page, ending: str) -> list[str]:
    """What began each request for an address with that ending: `link` or `fetch`, for instance."""
    script = """ending => performance.getEntriesByType("resource")
        .filter(({ name }) => name.endsWith(ending)).map(({ initiatorType }) => initiatorType)"""
    return list(page.evaluate(script, ending))


def plays(page: Page) -> bool:
    return bool(page.evaluate("[...document.querySelectorAll('audio')].some((one) => !one.paused)"))
