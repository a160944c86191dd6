"""How fast the desk finds recordings: lists, facets and full text over a million recordings.

    python -m benchmarks.desk [--recordings 1000000] [--folder PATH] [--json PATH]

The index is filled as by the desk itself, from events of the ledger and sidecars with generated
content: three years of calls, thirty orders, two hundred agents; summaries of about twenty-five
words, Russian and English, common and rare. With --folder, the index is kept there and reused.
Every question is asked nine times, each time as if it had never been asked before; the output has
the median of both the list and its facets in milliseconds, and the slowest.
"""

import argparse
import hashlib
import json
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import anyio

from archiver.desk.index.batches import batch_of
from archiver.desk.index.index import DeskIndex
from archiver.desk.index.sidecars import read_card
from archiver.desk.index.store import Store
from archiver.desk.index.view import Sort, View
from archiver.ledger.events import CallJudged, Stored
from archiver.ledger.lines import encode
from archiver.ledger.segments import Head
from archiver.liner.models import Call, Recording
from archiver.recordings import sidecar
from archiver.recordings.sidecar import Audio, Names
from archiver.storage.keys import audio_key
from benchmarks.machine import describe_machine

ARCHIVE_ID = "00000000-0000-4000-8000-000000000001"
START = datetime(2023, 11, 1, tzinfo=UTC)
YEARS = timedelta(days=3 * 365)
DIGEST = "5" * 64
A_SEGMENT = 1000
ROUNDS = 9

COMMON = (
    "the customer asked about an order and was told that delivery is planned for the next week "
    "клиент спросил о заказе и получил ответ что доставка будет на следующей неделе оператор"
)
TOPICS = (
    "refund complaint address courier warranty invoice discount payment cancelled voicemail "
    "возврат жалоба адрес курьер гарантия счёт скидка оплата отмена автоответчик"
)


def words(rng: random.Random) -> str:
    """A summary: common words, a topic, and occasionally a rare word."""
    topics = TOPICS.split()
    told = rng.choices(COMMON.split(), k=21) + rng.choices(topics, k=3)
    told.append(f"{rng.choice(topics)}{rng.randrange(20_000)}")
    rng.shuffle(told)
    return " ".join(told)


@dataclass(frozen=True, slots=True)
class Sound:
    """The size and digest of a recording's audio."""

    size: int = 250_000
    sha256: str = DIGEST


@dataclass(frozen=True, slots=True)
class Made:
    """One recording: the ledger lines about its call and itself, and its sidecar."""

    record_id: int
    key: str
    lines: list[bytes]
    card: bytes


def recording(number: int, of: int, rng: random.Random, sound: Sound = Sound()) -> Made:
    """One call with one recording, whose audio is `sound`."""
    at = START + YEARS * (number / of)
    call_id, record_id, lead = number + 10**6, number + 10**7, rng.randrange(50_000, 400_000)
    order, agent = rng.randrange(200, 230), rng.randrange(100, 300)
    seconds = float(round(rng.lognormvariate(4.5, 0.9), 1))
    status = rng.choices(("answered", "call-back", "busy", "no-answer"), (80, 12, 5, 3))[0]
    summary = words(rng) if rng.random() < 0.9 else None
    row = {
        "id": call_id,
        "clientPhone": f"+7900{lead:07}",
        "direction": rng.choice(("incoming", "outgoing")),
    }
    key = audio_key(lead, call_id, record_id, "mp3")
    facts = Audio(key, sound.size, sound.sha256, "audio/mpeg", seconds, ())
    card = sidecar.compose(
        Call(call_id, lead, order, agent, status_code=status, created_at=at, row=row),
        Recording(record_id, lead, duration_seconds=seconds, summary=summary, created_at=at),
        Names(f"Agent {agent:03} Of-Two-Hundred", f"Line {order}", status),
        facts,
        found_under=call_id,
        archived_at=at,
        version="1",
    ).encode()
    stored = Stored(
        record_id=record_id,
        call_id=call_id,
        key=key,
        bytes=facts.size,
        sha256=sound.sha256,
        content_type="audio/mpeg",
        sidecar_bytes=len(card),
        sidecar_sha256=hashlib.sha256(card).hexdigest(),
        metadata_sha256=DIGEST,
        has_summary=summary is not None,
        lead_id=lead,
        user_id=agent,
        created_at=at,
        duration_seconds=seconds,
    )
    judged = CallJudged(
        call_id=call_id,
        state="archived",
        attempts=0,
        lead_id=lead,
        order_id=order,
        user_id=agent,
        created_at=at,
        recordings=(record_id,),
    )
    return Made(record_id, key, [encode(at, "run", stored), encode(at, "run", judged)], card)


def fill(path: Path, recordings: int) -> float:
    """Create the index; returns the seconds spent on indexing."""
    rng, spent = random.Random(1), 0.0
    store = Store(path, ARCHIVE_ID)
    for start in range(0, recordings, A_SEGMENT):
        numbers = range(start, min(start + A_SEGMENT, recordings))
        made = [recording(number, recordings, rng) for number in numbers]
        began = time.monotonic()
        lines = [line for one in made for line in one.lines]
        store.take(lines, Head(start // A_SEGMENT + 1, DIGEST))
        store.keep(batch_of(read_card(one.record_id, 1, one.card) for one in made))
        spent += time.monotonic() - began
        if start % 100_000 == 0:
            print(f"{start:>9,} recordings taken in, {spent:.0f} s", flush=True)
    store.close()
    return spent


def questions() -> Iterator[tuple[str, View]]:
    """Typical questions, from no filter to all of them."""
    day = date(2025, 3, 4)
    yield "everything, newest first", View()
    yield "one day", View(days=(day,))
    yield "a month, by length", View(since=day, until=date(2025, 4, 3), sort=Sort.SECONDS)
    yield "everything, by agent", View(sort=Sort.AGENT, ascending=True)
    yield (
        "two orders, three agents, incoming",
        View(orders=(201, 202), agents=(101, 102, 103), directions=("incoming",)),
    )
    yield (
        "outgoing, with summary, over a minute",
        View(directions=("outgoing",), has_summary=True, min_seconds=60),
    )
    yield "a rare word: refund77", View(text="refund77")
    yield "a word in one of eight: refund", View(text="refund")
    yield "a beginning: доставк*", View(text="доставк*")
    yield 'a phrase: "order and"', View(text='"order and"')
    yield "two words: refund курьер", View(text="refund курьер")
    yield "the most common word: customer", View(text="customer")
    yield "a telephone number", View(phone="+7 900 015-23-33")
    yield (
        "text, month, agent at once",
        View(text="refund", since=day, until=date(2025, 4, 3), agents=(101, 102)),
    )


async def measure(path: Path) -> list[dict[str, Any]]:
    """The time of each question in milliseconds."""
    index = await DeskIndex.open(path, ARCHIVE_ID, ZoneInfo("Europe/Berlin"))
    found = []
    for name, view in questions():
        rounds = [await one_round(index, view) for _ in range(ROUNDS)]
        medians = {part: statistics.median(one[part] for one in rounds) for part in rounds[0]}
        slowest = max(one["together"] for one in rounds)
        found.append({"question": name, **medians, "slowest": slowest})
    await index.aclose()
    return found


async def one_round(index: DeskIndex, view: View) -> dict[str, Any]:
    # Nothing is kept of the rounds before: people ask most questions only once.
    upkeep = index.upkeep
    upkeep.picture, upkeep.edition = replace(upkeep.picture), object()
    began = time.perf_counter()
    page = await index.find(view, 50)
    listed = time.perf_counter()
    await index.facets(view)
    counted = time.perf_counter()
    last = page.rows[-1].record_id if page.rows else 1
    await index.neighbours(view, last)
    ended = time.perf_counter()
    return {
        "rows": page.total,
        "list": 1000 * (listed - began),
        "facets": 1000 * (counted - listed),
        "together": 1000 * (counted - began),
        "neighbours": 1000 * (ended - counted),
    }


def table(found: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The figures in milliseconds, as a Markdown table."""
    yield "| question | rows | list | facets | both | slowest | next and previous |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    for one in found:
        yield (
            f"| {one['question']} | {one['rows']:,.0f} | {one['list']:.0f} | {one['facets']:.0f} |"
            f" {one['together']:.0f} | {one['slowest']:.0f} | {one['neighbours']:.0f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recordings", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        path = (arguments.folder or Path(name)) / f"{arguments.recordings}.sqlite"
        filling = None if path.exists() else fill(path, arguments.recordings)
        began = time.monotonic()
        found = anyio.run(measure, path)
        print(*table(found), sep="\n")
        facts = {
            "recordings": arguments.recordings,
            "seconds to fill": filling,
            "seconds in all": time.monotonic() - began,
            "size of the file": path.stat().st_size,
            "greatest memory, MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            "questions": found,
            "machine": describe_machine(),
        }
        print(json.dumps({name: one for name, one in facts.items() if name != "questions"}))
        if arguments.json:
            arguments.json.write_text(json.dumps(facts, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
