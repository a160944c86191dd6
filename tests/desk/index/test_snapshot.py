"""What is shown of new events and sidecars without looking it up is what the file has."""

import random
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from archiver.desk.index.batches import batch_of
from archiver.desk.index.columns import Columns
from archiver.desk.index.sidecars import Card
from archiver.desk.index.snapshot import Picture, Upkeep
from archiver.desk.index.store import Store
from archiver.ledger.events import (
    CallJudged,
    Event,
    Held,
    Inspected,
    OpenRecording,
    Removed,
    Removing,
    Stored,
)
from archiver.ledger.lines import encode

AT = datetime(2026, 11, 1, tzinfo=UTC)
CODED = ("order", "agent", "direction", "status", "findings")


@pytest.fixture
def upkeep(tmp_path: Path) -> Iterator[Upkeep]:
    """Of an index of forty-one recordings, about which the ledger says much or little."""
    store = Store(tmp_path / "index.sqlite", "an-archive")
    upkeep = Upkeep(store, UTC)
    upkeep.take(_lines(_first_events()), None)
    upkeep.refresh()
    yield upkeep
    store.close()


@pytest.mark.parametrize("seed", range(8))
def test_whatever_a_ledger_says_is_shown_as_if_each_line_was_taken_in_by_itself(
    upkeep: Upkeep, tmp_path: Path, seed: int
) -> None:
    singly = Upkeep(Store(tmp_path / "other.sqlite", "an-archive"), UTC)
    for line in _lines(_first_events()):
        singly.take([line], None)
    chance = random.Random(seed)
    for _ in range(4):
        lines = _lines(
            event
            for one in chance.choices(range(30, 70), k=25)
            for event in (*_events(one, chance), *_acts(one, chance))
        )
        upkeep.take(lines, None)
        for line in lines:
            singly.take([line], None)
        if chance.random() < 0.5:
            upkeep.refresh()
    upkeep.refresh()
    singly.refresh()
    assert _shown(upkeep.picture) == _looked_up(upkeep) == _shown(singly.picture)
    singly.store.close()


def test_recordings_that_a_segment_adds_with_their_calls_are_shown_without_looking_them_up(
    upkeep: Upkeep, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = [_call(one, random.Random(one)) for one in range(100, 120)]
    stored = [_stored(one, random.Random(one)) for one in range(100, 120)]
    with monkeypatch.context() as patched:
        patched.setattr(upkeep.store, "rows", _fail)
        upkeep.take(_lines([*stored, *calls]), None)
        upkeep.keep(batch_of([Card(record_id=one, revision=1) for one in range(100, 120)]))
        upkeep.refresh()
    assert len(upkeep.picture.columns) == 61
    assert _shown(upkeep.picture) == _looked_up(upkeep)


def test_first_cards_are_shown_as_the_file_has_them(upkeep: Upkeep) -> None:
    before, edition = _looked_up(upkeep), upkeep.edition
    for start in (1, 21):
        upkeep.keep(batch_of(_cards(range(start, start + 20), revision=1)))
    upkeep.refresh()
    assert _shown(upkeep.picture) == _looked_up(upkeep) != before
    assert upkeep.edition is not edition


def test_what_a_card_changes_later_or_may_not_change_is_shown_as_the_file_has_it(
    upkeep: Upkeep,
) -> None:
    upkeep.keep(batch_of(_cards(range(1, 31), revision=1)))
    upkeep.keep(batch_of(_cards(range(20, 35), revision=2)))
    upkeep.take(_lines([Removing(record_ids=(35, 2), why="retention")]), None)
    upkeep.keep(batch_of(_cards(range(35, 42), revision=1)))
    upkeep.refresh()
    assert _shown(upkeep.picture) == _looked_up(upkeep)
    assert upkeep.store.counts()[0] == 0


def test_a_card_of_a_recording_that_is_not_shown_yet_is_shown_with_it(upkeep: Upkeep) -> None:
    chance = random.Random(2)
    upkeep.take(_lines(event for one in range(50, 60) for event in _events(one, chance)), None)
    upkeep.keep(batch_of(_cards(range(45, 60), revision=1)))
    upkeep.refresh()
    shown = _shown(upkeep.picture)
    assert shown == _looked_up(upkeep)
    assert len(shown["record_id"]) == 51


def test_a_disk_that_fails_during_a_refresh_costs_nothing_that_is_shown(
    upkeep: Upkeep, monkeypatch: pytest.MonkeyPatch
) -> None:
    upkeep.keep(batch_of(_cards(range(1, 41), revision=1)))
    with monkeypatch.context() as patched, pytest.raises(OSError, match="no disk"):
        patched.setattr(upkeep.store, "names", _fail)
        upkeep.refresh()
    upkeep.refresh()
    assert _shown(upkeep.picture) == _looked_up(upkeep)


def _fail(*_: object) -> None:
    raise OSError("no disk")


def _looked_up(upkeep: Upkeep) -> dict[str, list[Any]]:
    return _shown(Upkeep(upkeep.store, UTC).picture)


def _shown(picture: Picture) -> dict[str, list[Any]]:
    """The columns, with values instead of codes, whose numbers depend on the order of cards."""
    shown = {name: getattr(picture.columns, name).tolist() for name in Columns.__slots__}
    for name in CODED:
        shown[name] = [getattr(picture.legends, name).values[code] for code in shown[name]]
    return shown


def _cards(record_ids: range, revision: int) -> Iterator[Card]:
    chance = random.Random(revision)
    for one in record_ids:
        if chance.random() < 0.1:
            yield Card(record_id=one, revision=revision, trouble="its sidecar is missing")
            continue

        yield Card(
            record_id=one,
            revision=revision,
            lead_id=_maybe(chance.randrange(1, 9), chance),
            order_id=_maybe(chance.randrange(1, 5), chance),
            user_id=_maybe(chance.randrange(1, 5), chance),
            created_at=_maybe(int(AT.timestamp()) + chance.choice((0, 0, 0, 90_000)), chance),
            seconds=_maybe(chance.random() * 100, chance),
            direction=_maybe(chance.choice(("incoming", "outgoing")), chance),
            status=_maybe(chance.choice(("answered", "busy")), chance),
            phone=_maybe("+79001", chance),
            digits=_maybe(79001, chance),
            summary=_maybe("A refund.", chance),
        )


def _lines(events: Iterable[Event]) -> list[bytes]:
    return [encode(AT, "run", event) for event in events]


def _first_events() -> Iterator[Event]:
    chance = random.Random(1)
    for one in range(1, 41):
        yield from _events(one, chance)
    yield CallJudged(call_id=41, state="waiting", attempts=1, open=(_waiting(41),))


def _events(record_id: int, chance: random.Random) -> Iterator[Event]:
    yield _stored(record_id, chance)
    if chance.random() < 0.8:
        yield _call(record_id, chance)


def _acts(record_id: int, chance: random.Random) -> Iterator[Event]:
    """Rarely, something else about a recording."""
    match chance.randrange(20):
        case 0:
            yield Removing(record_ids=(record_id,), why="retention")
        case 1:
            yield Removed(record_id=record_id, call_id=record_id, why="retention")
        case 2:
            yield CallJudged(
                call_id=record_id, state="waiting", attempts=1, open=(_waiting(record_id),)
            )
        case 3:
            yield Held(hold_id=f"{record_id}", key="k", sha256="5" * 64, call_ids=(record_id,))
        case 4:
            yield Inspected(
                record_id=record_id, sha256="5" * 64, rules=1, seconds=1.0, findings=("clipped",)
            )
        case _:
            pass


def _stored(record_id: int, chance: random.Random) -> Stored:
    return Stored(
        record_id=record_id,
        call_id=record_id,
        key=f"1/{record_id}/{record_id}.mp3",
        bytes=1,
        sha256="5" * 64,
        content_type="audio/mpeg",
        sidecar_bytes=1,
        sidecar_sha256="5" * 64,
        metadata_sha256="5" * 64,
        has_summary=chance.random() < 0.5,
        lead_id=_maybe(11, chance),
        user_id=_maybe(12, chance),
        created_at=_maybe(AT, chance),
        duration_seconds=_maybe(13.5, chance),
        findings=("unreadable",) if chance.random() < 0.3 else (),
    )


def _call(record_id: int, chance: random.Random) -> CallJudged:
    return CallJudged(
        call_id=record_id,
        state="archived",
        attempts=0,
        lead_id=_maybe(21, chance),
        order_id=_maybe(3, chance),
        user_id=_maybe(22, chance),
        created_at=_maybe(AT, chance),
        recordings=(record_id,),
    )


def _maybe(value: Any, chance: random.Random) -> Any:
    return value if chance.random() < 0.6 else None


def _waiting(record_id: int) -> OpenRecording:
    return OpenRecording(
        record_id=record_id, state="waiting", reason="no-address", attempts=1, since=AT
    )
