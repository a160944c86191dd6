"""How fast the page of an export opens and searches, in Chromium, from the file system.

    python -m benchmarks.export_page 3000 20000

Creates the page of a package with this many calls, and prints the milliseconds until the first row
is shown, until all calls are loaded, and until the first rows of several searches are laid out. For
searches, it also prints the processor time of the page, which other jobs on the machine hardly
change.
"""

import statistics
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, CDPSession, Page

from archiver.export.entries import CallEntry, RecordingEntry
from archiver.export.page import CHUNK, Index, Totals, chunk, page
from archiver.export.voice import Voice
from tests.export.browser import chromium

AGENTS = ("Anna Price", "David Walsh", "Maria Lopez", "Karen Mills", "Олег Иванов", "Tom Ash")
WORDS = ("order", "parcel", "refund", "delivery", "invoice", "courier", "warranty", "payment")
SEARCHES = ("a", "refund", "ИВАНОВ", "courier 7", "x77", "payment walsh", "no such word")
WORK = ("ScriptDuration", "LayoutDuration", "RecalcStyleDuration")
BEGINNING = datetime(2026, 1, 5, 8, tzinfo=UTC)

FIRST_ROW = """() => new Promise((done) => {
    const look = () => document.querySelector(".call")
        ? done(performance.now()) : requestAnimationFrame(look);
    look();
})"""
ALL_LOADED = """() => new Promise((done) => {
    const look = () => /so far/.test(document.getElementById("found").textContent)
        ? setTimeout(look, 5) : done(performance.now());
    look();
})"""
AT_REST = """() => new Promise((done) => {
    const idle = (then) => requestIdleCallback(() => setTimeout(then));
    requestAnimationFrame(() => idle(() => requestIdleCallback(done)));
})"""
SEARCH = """(text) => {
    const field = document.getElementById("search"), began = performance.now();
    field.value = text;
    field.dispatchEvent(new Event("input"));
    document.body.offsetHeight;
    return performance.now() - began;
}"""


def main(counts: list[int]) -> None:
    with chromium() as browser:
        for count in counts:
            with tempfile.TemporaryDirectory() as folder:
                write(Path(folder), count)
                print(measured(browser, Path(folder), count))


def write(folder: Path, count: int) -> None:
    voice, index = Voice(), Index()
    calls = [call(number) for number in range(count)]
    (folder / "view").mkdir()
    for start in range(0, count, CHUNK):
        some = calls[start : start + CHUNK]
        index.chunks.append(len(some))
        number = len(index.chunks)
        (folder / f"view/calls-{number:04}.js").write_text(chunk(number, some, voice), "utf-8")
    for one in calls:
        index.count(one, voice)
    totals = Totals("Order 202", count, count, count * 90.0, calls[0].at, calls[-1].at, 0)
    (folder / "index.html").write_text(page(totals, index, voice), "utf-8")


def call(number: int) -> CallEntry:
    at = BEGINNING + timedelta(minutes=11 * number)
    agent = AGENTS[number % len(AGENTS)]
    summary = " ".join(WORDS[(number * step) % len(WORDS)] for step in range(1, 30))
    recording = RecordingEntry(
        record_id=900_000 + number,
        state="archived",
        note="",
        at=at,
        agent=agent,
        seconds=90.0,
        is_transfer=False,
        summary=f"x{number} {summary}",
        lead_id=789,
        file=f"audio/{at:%Y-%m-%d_%H-%M-%S}_outgoing_Anna-Price_{900_000 + number}.mp3",
        sidecar=f"sidecars/{number}.json",
        sha256=f"{number:064x}",
        size=360_000,
        content_type="audio/mpeg",
        key=f"789/{number}/{900_000 + number}.mp3",
        archived_at=at,
    )
    return CallEntry(
        call_id=number + 1,
        state="archived",
        note="",
        at=at,
        direction="outgoing",
        agent=agent,
        phone="+79001234567",
        status="answered",
        talk_seconds=88.0,
        lead_id=789,
        order_id=202,
        order="Delivery line",
        source="sidecar",
        differences=(),
        recordings=(recording,),
    )


def measured(browser: Browser, folder: Path, count: int) -> str:
    opened, loaded = [], []
    for _ in range(3):
        tab = browser.new_page()
        tab.goto((folder / "index.html").as_uri(), wait_until="commit")
        opened.append(float(tab.evaluate(FIRST_ROW)))
        loaded.append(float(tab.evaluate(ALL_LOADED)))
        session = tab.context.new_cdp_session(tab)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        searches = [searched(tab, session, text) for text in (*SEARCHES, *SEARCHES)]
        nodes = tab.evaluate("document.querySelectorAll('*').length")
        tab.close()
    waits, works = zip(*searches, strict=True)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
    return (
        f"{count:,} calls, {size:.1f} MB: first row {statistics.median(opened):.0f} ms,"
        f" all loaded {statistics.median(loaded):.0f} ms; search {statistics.median(waits):.0f} ms"
        f" (slowest {max(waits):.0f}), of the processor {statistics.median(works):.0f} ms"
        f" (most {max(works):.0f}); {nodes:,} nodes"
    )


def searched(tab: Page, session: CDPSession, text: str) -> tuple[float, float]:
    """Milliseconds of a search until its first rows are laid out, and of the processor in it."""
    tab.evaluate(AT_REST)
    before = worked(session)
    waited = float(tab.evaluate(SEARCH, text))
    return waited, worked(session) - before


def worked(session: CDPSession) -> float:
    metrics = session.send("Performance.getMetrics")["metrics"]
    return 1000 * sum(float(one["value"]) for one in metrics if one["name"] in WORK)


if __name__ == "__main__":
    main([int(one) for one in sys.argv[1:]] or [3000, 20_000])
