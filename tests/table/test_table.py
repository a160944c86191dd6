"""The table of everything: one row each, exact in every format, whole or not there at all."""

import csv
import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from archiver.errors import NothingToExport, UsageError
from archiver.export.masking import Mask
from archiver.retention.acts import Why
from archiver.sandbox.audio import wav
from archiver.sandbox.world import World
from archiver.table.columns import COLUMNS
from archiver.table.table import TableReport, TableRequest, write_table
from archiver.table.writers import WRITERS
from tests.export.packages import PHONE, flip, left_in, nobody, one_lead
from tests.support.witness import Witness
from tests.support.world import QUICK, Night, bench

pytestmark = pytest.mark.anyio

BIG = 2**63 - 1


async def tabled(night: Night, target: Path, **request: Any) -> TableReport:
    return await write_table(
        night.config(),
        TableRequest(target=target, **request),
        on_event=nobody,
        state_folder=night.state,
        clock=night.clock,
        pace=QUICK,
    )


def read(path: Path) -> list[dict[str, Any]]:
    """The rows as DuckDB has them."""
    source = {
        ".parquet": f"read_parquet('{path}')",
        ".csv": f"read_csv('{path}')",
    }[path.suffix]
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        found = db.execute(f"SELECT * FROM {source}")
        names = [one[0] for one in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def read_sqlite(path: Path) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(path)) as db:
        db.row_factory = sqlite3.Row
        return [dict(row) for row in db.execute("SELECT * FROM calls")]


@pytest.mark.parametrize("ending", [".parquet", ".csv"])
async def test_duckdb_reads_ids_nulls_and_moments_as_they_are(tmp_path: Path, ending: str) -> None:
    world = one_lead()
    world.call(BIG - 1, lead=BIG - 2, at="2026-11-05T08:00:00Z", phone=PHONE)
    world.recording(BIG, audio=wav(8044), summary='=1+1, "quoted"\nline', duration=None)
    async with bench(tmp_path, world) as night:
        night.clock.advance(days=5)
        await night.run()
        report = await tabled(night, tmp_path / f"calls{ending}")
        rows = read(tmp_path / f"calls{ending}")
        assert len(rows) == report.rows == 9
        assert list(rows[0]) == [column.name for column in COLUMNS]
        by_id = {row["recordId"]: row for row in rows}
        assert len([one for one in by_id if one is not None]) == report.recordings == 8
        big = by_id[BIG]
        assert (big["callId"], big["leadId"]) == (BIG - 1, BIG - 2)
        assert big["callCreatedAt"] == datetime(2026, 11, 5, 8, tzinfo=UTC)
        assert big["recordSummary"] == '=1+1, "quoted"\nline'
        assert str(big["clientPhone"]).removeprefix("+") == PHONE.removeprefix("+")
        none = by_id[None]
        assert (none["callId"], none["callState"], none["state"]) == (124, "none", None)
        assert none["bytes"] is none["sha256"] is none["createdAt"] is None
        sidecar = Witness(tmp_path / "archive").sidecar(900101)
        one = by_id[900101]
        for name in ("userName", "orderTitle", "recordSummary", "isTransfer", "statusCode"):
            assert one[name] == sidecar[name]
        assert one["sha256"] == sidecar["audio"]["sha256"]
        assert one["measuredSeconds"] == sidecar["audio"]["measuredSeconds"]


async def test_parquet_has_types_and_says_what_columns_mean(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=5)
        await night.run()
        await tabled(night, tmp_path / "calls.parquet")
    with duckdb.connect() as db:
        described = db.execute(f"DESCRIBE SELECT * FROM '{tmp_path}/calls.parquet'").fetchall()
    kinds = {name: kind for name, kind, *_ in described}
    assert kinds["recordId"] == "BIGINT"
    assert kinds["createdAt"] == "TIMESTAMP WITH TIME ZONE"
    assert kinds["isTransfer"] == "BOOLEAN"
    assert kinds["talkSeconds"] == "DOUBLE"


async def test_sqlite_has_the_same_rows_and_a_key(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=5)
        await night.run()
        await tabled(night, tmp_path / "calls.sqlite")
        await tabled(night, tmp_path / "calls.csv")
        rows = read_sqlite(tmp_path / "calls.sqlite")
        with (tmp_path / "calls.csv").open(newline="", encoding="utf-8") as file:
            texts = list(csv.DictReader(file))
        assert [str(row["recordId"] or "") for row in rows] == [row["recordId"] for row in texts]
        assert [row["createdAt"] or "" for row in rows] == [row["createdAt"] for row in texts]
        with closing(sqlite3.connect(tmp_path / "calls.sqlite")) as db:
            told = dict(db.execute("SELECT name, meaning FROM columns").fetchall())
            plan = db.execute(
                "EXPLAIN QUERY PLAN SELECT * FROM calls WHERE recordId = 1"
            ).fetchall()
        assert told == {column.name: column.meaning for column in COLUMNS}
        assert "calls_by_record" in plan[0][3]


async def test_the_period_narrows_and_an_empty_one_makes_nothing(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=5)
        await night.run()
        since, until = datetime(2026, 11, 3, tzinfo=UTC), datetime(2026, 11, 4, tzinfo=UTC)
        report = await tabled(night, tmp_path / "calls.csv", since=since, until=until)
        assert (report.rows, report.recordings) == (3, 3)
        with pytest.raises(NothingToExport):
            await tabled(night, tmp_path / "empty.csv", since=datetime(2030, 1, 1, tzinfo=UTC))
        with pytest.raises(UsageError, match="already exists"):
            await tabled(night, tmp_path / "calls.csv")
        assert left_in(tmp_path) == ["calls.csv"]


async def test_the_ledger_and_an_act_say_who_took_it(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=5)
        await night.run()
        why = Why(reason="monthly figures", recipient="finance")
        report = await tabled(night, tmp_path / "calls.parquet", why=why)
        witness = Witness(tmp_path / "archive")
        (event,) = [one for one in witness.events("act") if one["did"] == "table"]
        act = json.loads((tmp_path / "archive" / event["key"]).read_bytes())
        assert act["actId"] == report.act_id
        assert (act["reason"], act["recipient"]) == ("monthly figures", "finance")
        assert act["concerning"]["sha256"] == report.sha256


async def test_what_is_masked_is_not_in_it(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=5)
        await night.run()
        await tabled(night, tmp_path / "calls.csv", masked=frozenset(Mask))
        text = (tmp_path / "calls.csv").read_text("utf-8")
        for word in ("Price", PHONE.removeprefix("+"), "desk lamps"):
            assert word not in text


async def test_a_damaged_sidecar_is_named_and_the_rest_is_there(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=5)
        await night.run()
        flip(tmp_path / "archive/789/123/900101.json")
        report = await tabled(night, tmp_path / "calls.csv")
        assert report.exit_code == 4
        (row,) = [one for one in read(tmp_path / "calls.csv") if one["recordId"] == 900101]
        assert "900101.json" in row["problem"]
        assert row["userName"] is None
        assert row["bytes"] == 54657


async def test_a_recording_under_two_calls_has_one_row(tmp_path: Path) -> None:
    world = World().call(1, lead=5).recording(11, audio=wav(8044))
    world.call(2, lead=5).recording(11, audio=wav(8044))
    async with bench(tmp_path, world) as night:
        night.clock.advance(days=5)
        await night.run()
        await tabled(night, tmp_path / "calls.csv")
        assert [row["recordId"] for row in read(tmp_path / "calls.csv")].count(11) == 1


def test_every_format_can_be_abandoned(tmp_path: Path) -> None:
    for ending, make in WRITERS.items():
        writer = make(tmp_path / f"part{ending}")
        writer.add([tuple(None for _ in COLUMNS)])
        writer.close()
