"""Who exported what, when and from where: the custody record, and the ledger's own event."""

import json
from pathlib import Path

import pytest

from archiver.archive import watched_archive
from tests.export.packages import LEAD, Package, exported, one_lead
from tests.world import audio_of, bench

pytestmark = pytest.mark.anyio


async def test_the_custody_record_says_who_when_from_where_and_how_the_ledger_stood(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=2)
        await night.run()
        head = night.archive.head()
        report = await exported(
            night, tmp_path / "lead", leads=(LEAD,), offline=True, by="Anna <b>"
        )
        told = Package(tmp_path / "lead").custody
        assert told["exportedBy"] == {"name": "Anna <b>", "user": "tester", "host": "testhost"}
        assert told["exportedAt"] == "2026-11-05T01:00:00Z"
        assert told["archive"]["id"] == night.archive.format()["archiveId"]
        assert told["archive"]["ledgerHead"]["sha256"] == head
        assert told["recordedIn"]["sha256"] == night.archive.head() == report.head.digest
        assert told["counts"]["recordings"] == len(told["recordings"]) == 7
        page = (tmp_path / "lead/custody.html").read_text("utf-8")
        assert "Anna &lt;b&gt;" in page
        assert str(head) in page


async def test_the_ledger_tells_of_the_export_and_a_new_catalog_knows_it(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=2)
        report = await exported(night, tmp_path / "lead", leads=(LEAD,))
        (told,) = night.archive.events("exported")
        assert told["run"] == report.export_id
        assert told["leadIds"] == [LEAD]
        assert told["manifestSha256"] == report.manifest_sha256
        assert sorted(told["recordIds"]) == sorted(audio_of(night.world))
        assert "Anna" not in json.dumps(told)
        night.archive.check()
        async with watched_archive(night.config(), state_folder=tmp_path / "new") as archive:
            rows = await archive.catalog.ask(
                lambda db: db.execute("SELECT export_id, count(*) FROM exported").fetchall()
            )
        assert rows == [(report.export_id, 7)]
        assert (await night.run()).exit_code == 0
