"""Who exported what, when and from where: the custody record, and the ledger's own event."""

import html
import json
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from archiver.archive.opening import watched_archive
from archiver.clock import stamp
from archiver.export import custody
from archiver.sandbox.world import World
from tests.export.packages import LEAD, Package, exported, flip, one_lead
from tests.support.world import audio_of, bench

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
        assert (
            told["recordedIn"]["sha256"]
            == night.archive.head()
            == report.custody.recorded_in.digest
        )
        assert told["counts"]["recordings"] == len(told["recordings"]) == 7
        page = (tmp_path / "lead/custody.html").read_text("utf-8")
        assert "Anna &lt;b&gt;" in page
        assert str(head) in page


@pytest.mark.parametrize(
    ("since", "until", "asked"),
    [
        (None, None, "all time, as of"),
        (datetime(2026, 11, 1, tzinfo=UTC), None, "since 2026-11-01 00:00:00 UTC, as of"),
        (None, datetime(2026, 12, 1, tzinfo=UTC), "before 2026-12-01 00:00:00 UTC, as of"),
    ],
)
async def test_the_custody_record_of_an_offline_export_names_the_requested_period(
    tmp_path: Path, since: datetime | None, until: datetime | None, asked: str
) -> None:
    async with bench(tmp_path, one_lead()) as night:
        await night.run()
        await exported(
            night, tmp_path / "out", leads=(LEAD,), since=since, until=until, offline=True
        )
    period = Package(tmp_path / "out").custody["period"]
    assert (period["askedSince"], period["askedUntil"]) == (
        since and stamp(since),
        until and stamp(until),
    )
    assert asked in (tmp_path / "out/custody.html").read_text("utf-8")
    assert asked in (tmp_path / "out/certificate.html").read_text("utf-8")


async def test_the_ledger_tells_of_the_export_and_a_new_catalog_knows_it(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=2)
        report = await exported(night, tmp_path / "lead", leads=(LEAD,))
        (told,) = night.archive.events("exported")
        assert told["run"] == report.custody.export_id
        assert told["leadIds"] == [LEAD]
        assert told["manifestSha256"] == report.custody.manifest_sha256
        assert sorted(told["recordIds"]) == sorted(audio_of(night.world))
        assert "Anna" not in json.dumps(told)
        night.archive.check()
        async with watched_archive(night.config(), state_folder=tmp_path / "new") as archive:
            rows = await archive.catalog.ask(
                lambda db: db.execute("SELECT export_id, count(*) FROM exported").fetchall()
            )
        assert rows == [(report.custody.export_id, 7)]
        assert (await night.run()).exit_code == 0


async def test_what_the_page_leaves_out_for_its_length_is_counted(tmp_path: Path) -> None:
    world = World()
    for call in (1, 2, 3, 4):
        world.call(call, lead=LEAD, talk=60, has_records=False)
        world.call(10 + call, lead=LEAD).recording(call, file_url=None)
    async with bench(tmp_path, world) as night:
        report = await exported(night, tmp_path / "lead", leads=(LEAD,))
        page = "".join(custody.page_parts(report.custody, shown=2))
        assert page.count("And 2 more, all of them in custody.json.") == 2
        told = Package(tmp_path / "lead").custody
        assert (len(told["missing"]), len(told["differences"])) == (4, 4)


def check_with(command: str, folder: Path) -> int:
    """The exit code of a command that the page tells."""
    return subprocess.run(["bash", "-c", command], cwd=folder, check=False).returncode


async def test_whoever_receives_a_package_finds_the_calls_and_how_to_check_them(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, one_lead()) as night:
        night.clock.advance(days=2)
        await exported(night, tmp_path / "lead", leads=(LEAD,))
        page = (tmp_path / "lead/custody.html").read_text("utf-8")
        assert 'href="data/index.html"' in page
        assert 'href="data/calls.csv"' in page
        shell, powershell = re.findall("<pre>(.*?)</pre>", html.unescape(page), re.DOTALL)
        assert check_with(shell, tmp_path / "lead") == 0
        flip(next((tmp_path / "lead/data/audio").iterdir()))
        assert check_with(shell, tmp_path / "lead") != 0
        assert "Get-FileHash" in powershell
