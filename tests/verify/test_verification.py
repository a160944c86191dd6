"""What a verification reads, what it leaves to others, and where it stops."""

import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from archiver.archive.opening import existing_archive
from archiver.archive.unrecorded import Left
from archiver.errors import NoArchive, StorageForbidden, UsageError
from archiver.ledger.events import Stored
from archiver.ledger.lines import encode
from archiver.ledger.log import Ledger
from archiver.ledger.segments import Head
from archiver.storage.lock import archive_lock
from archiver.text.measures import parse_share
from archiver.verify.audit import Patience
from archiver.verify.children import Effort
from archiver.verify.sampling import Sample, load_sample, save_sample
from archiver.verify.verify import Verified, Wanted, Watcher, verify
from tests.support.rights import forbids
from tests.support.witness import digest
from tests.support.world import FIRST_NIGHT
from tests.verify.archives import AT_ONCE, Case, config_of, names
from tests.verify.media import Folder
from tests.verify.tampering import AUDIO, FORMAT, SIDECAR, flipped

pytestmark = pytest.mark.anyio

STRAY = "50001/1/13.wav"


def told(case: Case) -> tuple[bytes, Head]:
    """An event that names the stray recording, and the head that it follows."""
    medium = Folder(case.root)
    audio, card = medium.read(STRAY), medium.read("50001/1/13.json")
    event = Stored(
        record_id=13,
        call_id=1,
        key=STRAY,
        bytes=len(audio),
        sha256=digest(audio),
        content_type="audio/wav",
        sidecar_bytes=len(card),
        sidecar_sha256=digest(card),
        metadata_sha256="0" * 64,
        has_summary=False,
    )
    number, newest = case.segments()[-1]
    return encode(FIRST_NIGHT, "a run", event), Head(int(number), newest)


def add_stray(case: Case) -> None:
    medium = Folder(case.root)
    audio = medium.read(AUDIO)
    card = json.loads(medium.read(SIDECAR)) | {"recordId": 13, "revision": 1}
    card["audio"] |= {"key": STRAY, "sha256": digest(audio)}
    medium.write(STRAY, audio)
    medium.write("50001/1/13.json", json.dumps(card).encode())


async def test_what_a_run_under_way_has_not_told_yet_is_waited_for(case: Case) -> None:
    add_stray(case)
    Folder(case.root).write("_archive/tmp/part-1", b"on its way")

    async def tell(seconds: float) -> None:
        line, head = told(case)
        if head.number == segments:
            await Ledger(storage, archive_id).append([line], after=head)

    segments = len(case.segments())
    async with (
        existing_archive(case.config) as (storage, archive_id),
        archive_lock(storage, "a run"),
    ):
        verified = await verify(
            case.config, Wanted(), state_folder=case.state, patience=Patience(9.0, tell)
        )
    assert verified.found.findings == []
    assert verified.found.segments == segments + 1


async def test_what_a_run_has_not_recorded_yet_is_named_and_no_damage(case: Case) -> None:
    add_stray(case)
    async with existing_archive(case.config) as (storage, _), archive_lock(storage, "a run"):
        verified = await case.verify()
    assert verified.found.findings == []
    left = {(one.key, one.what) for one in verified.found.unrecorded}
    assert left == {(STRAY, Left.RECORDING), ("50001/1/13.json", Left.RECORDING)}


async def test_damage_does_not_wait_for_a_run(case: Case) -> None:
    medium = Folder(case.root)
    medium.write(AUDIO, flipped(medium.read(AUDIO), 9))

    async def never(seconds: float) -> None:
        pytest.fail("a run never changes audio")

    async with existing_archive(case.config) as (storage, _), archive_lock(storage, "a run"):
        verified = await verify(
            case.config, Wanted(), state_folder=case.state, patience=Patience(9.0, never)
        )
    assert names(verified.found.findings) == {("wrong-digest", AUDIO)}


async def test_a_head_that_was_kept_must_be_in_the_ledger(case: Case) -> None:
    case.forget_catalog()
    (_, first), *_, (_, last) = case.segments()
    assert await case.findings(head=first) == []
    assert await case.findings(head=last) == []
    assert names(await case.findings(head="0" * 64)) == {("tail-cut", "_archive/ledger/")}


async def test_since_reads_only_what_came_after(case: Case) -> None:
    medium = Folder(case.root)
    medium.write(AUDIO, flipped(medium.read(AUDIO), 9))
    medium.write(SIDECAR, flipped(medium.read(SIDECAR), 9))
    later = await case.verify(since=FIRST_NIGHT + timedelta(hours=1))
    # The sidecar was revised on the second night, the audio is of the first.
    assert {one.key for one in later.found.findings} == {SIDECAR}
    assert later.found.checked.read < (await case.verify()).found.checked.read


async def test_a_sample_a_night_reads_everything_once(case: Case) -> None:
    everything = await case.verify()
    total = 0
    for _ in range(7):
        verified = await case.verify(parts=7)
        assert verified.found.checked.listed == everything.found.checked.listed
        total += verified.found.checked.read
        assert verified.remember() is None
    assert total == everything.found.checked.read


async def test_damage_is_found_within_one_round_of_samples(case: Case) -> None:
    medium = Folder(case.root)
    medium.write(AUDIO, flipped(medium.read(AUDIO), 9))
    found = set()
    for _ in range(5):
        verified = await case.verify(parts=5)
        found |= names(verified.found.findings)
        verified.remember()
    assert found == {("wrong-digest", AUDIO)}


async def test_an_interrupted_sample_goes_on_where_it_stopped(case: Case) -> None:
    looks = 0

    def is_stopped() -> bool:
        nonlocal looks
        looks += 1
        return looks > 4

    async def sampled(watcher: Watcher) -> Verified:
        return await verify(
            case.config,
            Wanted(parts=1),
            state_folder=case.state,
            watcher=watcher,
            patience=AT_ONCE,
            effort=Effort(objects=1),
        )

    first = await sampled(Watcher(is_stopped=is_stopped))
    assert not first.found.is_whole
    first.remember()
    rest = await sampled(Watcher())
    assert rest.found.is_whole
    whole = await case.verify()
    assert first.found.checked.read + rest.found.checked.read == whole.found.checked.read
    assert first.found.checked.read > 0


def test_without_a_state_the_day_chooses_the_part(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    day = datetime(2026, 11, 1, tzinfo=UTC)
    parts = [load_sample(path, 30, day + timedelta(days=past)).part for past in range(30)]
    assert sorted(parts) == list(range(30))
    path.write_bytes(b"[]")
    assert load_sample(path, 30, day).part == parts[0]
    save_sample(path, Sample(30, 7, "a"))
    save_sample(path, Sample(10, 3))
    assert load_sample(path, 30, day) == Sample(30, 7, "a")
    assert load_sample(path, 10, day) == Sample(10, 3)


def test_the_parts_of_a_sample_are_of_one_size() -> None:
    keys = [f"{number % 99}/{number}/{number}.mp3" for number in range(3000)]
    counts = [sum(Sample(30, part).takes(key) for key in keys) for part in range(30)]
    assert sum(counts) == 3000
    assert max(counts) < 2 * 100


@pytest.mark.parametrize("share", ["1/0", "2/3", "30", "1/x", "1/1000000", ""])
def test_a_share_is_one_of_so_many(share: str) -> None:
    with pytest.raises(ValueError, match="1/30"):
        parse_share(share)
    assert parse_share("1/30") == 30


async def test_another_version_of_the_format_is_refused(case: Case) -> None:
    path = case.root / "_archive/format.json"
    path.write_bytes(path.read_bytes().replace(b"liner-archive/1", b"liner-archive/2"))
    with pytest.raises(UsageError, match="liner-archive/2"):
        await case.findings()


@pytest.mark.parametrize("content", [{}, {"letter.txt": b"Dear Anna"}, {"1/2/3.mp3": b"x"}])
async def test_a_foreign_folder_is_refused(tmp_path: Path, content: dict[str, Any]) -> None:
    for name, data in content.items():
        Folder(tmp_path / "archive").write(name, data)
    with pytest.raises(NoArchive):
        await verify(config_of(tmp_path), Wanted(), state_folder=tmp_path)


async def test_a_lost_ledger_is_not_an_empty_archive(case: Case) -> None:
    shutil.rmtree(case.root / "_archive/ledger")
    found = await case.findings()
    assert {one.name for one in found} == {"tail-cut", "unexpected"}
    case.forget_catalog()
    found = await case.findings()
    assert {one.name for one in found} == {"unexpected"}
    assert all("there is no ledger" in one.next for one in found)


async def test_what_an_old_ledger_tells_of_an_object_is_not_put_right_before_the_ledger(
    case: Case,
) -> None:
    for segment in sorted(case.root.glob("_archive/ledger/*.jsonl"))[2:]:
        segment.unlink()
    found = [one for one in await case.findings() if one.name.startswith("wrong")]
    assert found
    assert all(one.next.startswith("restore the ledger first") for one in found)


@pytest.mark.parametrize("wrong", [b"", None])
async def test_the_next_step_of_a_wrong_format_json_makes_it_right(
    case: Case, wrong: bytes | None
) -> None:
    medium = Folder(case.root)
    medium.remove(FORMAT)
    if wrong is not None:
        medium.write(FORMAT, wrong)
    (found,) = await case.findings()
    _, command = found.next.split("write it again: ")
    subprocess.run(["sh", "-c", command], cwd=case.root, check=True)
    assert await case.findings() == []


async def test_a_catalog_that_is_none_does_no_harm_and_its_want_is_said(case: Case) -> None:
    assert not any("would not be detected" in note for note in (await case.verify()).notes)
    for path in case.state.glob("*.sqlite*"):
        path.write_bytes(b"not a database")
    verified = await case.verify()
    assert verified.found.findings == []
    assert any("would not be detected" in note for note in verified.notes)
    verified = await case.verify(head=case.head)
    assert not any("would not be detected" in note for note in verified.notes)


@pytest.mark.parametrize("key", [AUDIO, SIDECAR])
async def test_what_may_not_be_read_is_not_called_damaged(
    case: Case, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    forbids(monkeypatch, case.root / key)
    (found,) = await case.findings()
    assert (found.name, found.key, found.is_damage) == ("not-allowed", key, False)
    assert "no damage is known" in found.next


async def test_a_segment_that_may_not_be_read_ends_the_verification_as_refused(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbids(monkeypatch, next(case.root.glob("_archive/ledger/*.jsonl")))
    with pytest.raises(StorageForbidden, match="Permission denied"):
        await case.findings()
