"""Takes the picture of `index.html` that the documentation shows.

    python -m tests.export.screenshot docs/export.png
    python -m tests.export.screenshot /tmp/look.png light dark narrow print custody

The picture is to be looked at by a person; the browser tests check what a machine can. The fonts
Inter and Caladea stand in for those of Windows and macOS.
"""

import sys
import tempfile
from pathlib import Path

import anyio
from playwright.sync_api import Browser

from tests.export.browser import chromium
from tests.export.packages import LEAD, Package, exported, one_lead
from tests.support.world import bench

WIDTH, HEIGHT, NARROW = 1180, 1300, 420


def main(picture: Path, *variants: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        anyio.run(_make, Path(folder))
        package = Package(Path(folder) / "lead-789")
        with chromium() as browser:
            for variant in variants or ("light",):
                plain = variant == "light"
                name = picture if plain else picture.with_stem(f"{picture.stem}-{variant}")
                _take(browser, package, name, variant)


def _take(browser: Browser, package: Package, name: Path, variant: str) -> None:
    width = NARROW if variant == "narrow" else WIDTH
    tab = browser.new_page(
        viewport={"width": width, "height": HEIGHT},
        color_scheme="dark" if variant == "dark" else "light",
    )
    tab.goto((package.root / "data/index.html").as_uri())
    tab.click("#recording-900106 .play")
    tab.locator("#wave svg").first.wait_for()
    tab.locator("#clock", has_text="0:06").wait_for()
    tab.click("#toggle")
    tab.evaluate("window.scrollTo(0, 0)")
    if variant == "print":
        tab.pdf(path=str(name.with_suffix(".pdf")), prefer_css_page_size=True)
    elif variant == "custody":
        tab.goto((package.root / "custody.html").as_uri())
        tab.screenshot(path=str(name), full_page=True)
    else:
        tab.screenshot(path=str(name))


async def _make(folder: Path) -> None:
    settings = {"window": {"timezone": "Europe/Berlin", "since": "2026-11-01"}}
    async with bench(folder, one_lead(), settings=settings) as night:
        night.clock.advance(days=3)
        await exported(night, folder / "lead-789", leads=(LEAD,), waveforms=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
