"""What many sidecars say is written and shown at once, and is the same as if looked up."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from archiver.desk.index.batches import batch_of
from archiver.desk.index.columns import Columns
from archiver.desk.index.sidecars import Card
from archiver.desk.index.snapshot import Picture, Upkeep
from archiver.desk.index.store import Store
from archiver.ledger.events import CallJudged, Event, OpenRecording, Removing, Stored
from archiver.ledger.lines import encode

AT = datetime(2026, 11, 1, tzinfo=UTC)
CODED = ("order", "agent", "direction", "status", "findings")


@pytest.fixture
def upkeep(tmp_path: Path) -> Iterator[Upkeep]:
    """Of an index of forty recordings, about which the ledger says much or little."""
    store = Store(tmp_path / "index.sqlite", "an-archive")
    upkeep = Upkeep(store, UTC)
    chance = random.Random(1)
    events = [event for one in range(1, 41) for event in _events(one, chance)]
    events.append(CallJudged(call_id=41, state="waiting", attempts=1, open=(_waiting(41),)))
    upkeep.take([encode(AT, "run", event) for event in events], None)
    upkeep.refresh()
    yield upkeep
    store.close()


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
    removing = Removing(record_ids=(35, 2), why="retention")
    upkeep.take([encode(AT, "run", removing)], None)
    upkeep.keep(batch_of(_cards(range(35, 42), revision=1)))
    upkeep.refresh()
    assert _shown(upkeep.picture) == _looked_up(upkeep)
    assert upkeep.store.counts()[0] == 0


def test_a_card_of_a_recording_that_is_not_shown_yet_is_shown_with_it(upkeep: Upkeep) -> None:
    chance = random.Random(2)
    events = [event for one in range(50, 60) for event in _events(one, chance)]
    upkeep.take([encode(AT, "run", event) for event in events], None)
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


def _fail() -> None:
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

        def maybe(value: Any) -> Any:
            return value if chance.random() < 0.7 else None

        yield Card(
            record_id=one,
            revision=revision,
            lead_id=maybe(chance.randrange(1, 9)),
            order_id=maybe(chance.randrange(1, 5)),
            user_id=maybe(chance.randrange(1, 5)),
            created_at=maybe(int(AT.timestamp()) + chance.choice((0, 0, 0, 90_000))),
            seconds=maybe(chance.random() * 100),
            direction=maybe(chance.choice(("incoming", "outgoing"))),
            status=maybe(chance.choice(("answered", "busy"))),
            phone=maybe("+79001"),
            digits=maybe(79001),
            summary=maybe("A refund."),
        )


def _events(record_id: int, chance: random.Random) -> Iterator[Event]:
    def maybe(value: Any) -> Any:
        return value if chance.random() < 0.6 else None

    yield Stored(
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
        lead_id=maybe(11),
        user_id=maybe(12),
        created_at=maybe(AT),
        duration_seconds=maybe(13.5),
        findings=("unreadable",) if chance.random() < 0.3 else (),
    )
    if chance.random() < 0.8:
        yield CallJudged(
            call_id=record_id,
            state="archived",
            attempts=0,
            lead_id=maybe(21),
            order_id=maybe(3),
            user_id=maybe(22),
            created_at=maybe(AT),
            recordings=(record_id,),
        )


def _waiting(record_id: int) -> OpenRecording:
    return OpenRecording(
        record_id=record_id, state="waiting", reason="no-address", attempts=1, since=AT
    )
