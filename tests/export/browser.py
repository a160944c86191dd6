"""Headless Chromium, where the machine has one; tests without it are skipped, and say so."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

needs_chromium = pytest.mark.skipif(
    CHROMIUM is None,
    reason="there is no Chromium here: apt-get install --no-install-recommends chromium"
    " fonts-dejavu-core",
)

_ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--autoplay-policy=no-user-gesture-required", "--mute-audio",
)  # fmt: skip

PATIENCE = 60_000.0
"""Milliseconds until a page that does not come to what a test expects fails it: machines differ."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running browser. Every `expect` has patience from then on."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=list(_ARGUMENTS), timeout=PATIENCE
        )
        try:
            yield browser
        finally:
            browser.close()
