"""Whatever cannot sign, stamp or witness is said in its own words, and fails no run."""

import hashlib
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream

from archiver.errors import StampUnavailable
from archiver.evidence.keys import load_signer, make_key
from archiver.evidence.stamping import fetch_stamp
from archiver.evidence.time_stamps import read_stamp
from archiver.http.proxies import configured
from archiver.sandbox.audio import wav
from archiver.sandbox.world import World
from tests.evidence.authority import Authority, serving
from tests.evidence.conftest import Vouched
from tests.support.world import bench

pytestmark = pytest.mark.anyio


async def troubles(folder: Path, **evidence: Any) -> list[str]:
    """What a run over one call says that it could not do; it is complete all the same."""
    world = World().user(101)
    world.call(1).recording(11, audio=wav(600, 11))
    async with bench(folder, world, settings={"evidence": evidence}) as night:
        report = await night.run()
    assert report.exit_code == 0
    told = report.as_json()["evidence"]
    assert told["head"] == report.as_json()["ledgerHead"]
    found: list[str] = told["troubles"]
    return found


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Authority]:
    """An authority of its own, to be spoilt."""
    authority = Authority(tmp_path / "authority")
    authority.make()
    with serving(authority):
        yield authority


async def test_a_key_that_is_lost(tmp_path: Path) -> None:
    (said,) = await troubles(tmp_path, sign="lost.pem")
    assert "does not exist" in said


async def test_a_key_that_everybody_can_read(tmp_path: Path) -> None:
    make_key(tmp_path / "key.pem", None)
    (tmp_path / "key.pem").chmod(0o644)
    (said,) = await troubles(tmp_path, sign="key.pem")
    assert "is readable by everyone" in said
    assert "compromised" in said


async def test_a_key_with_a_passphrase_that_is_wrong_or_missing(tmp_path: Path) -> None:
    make_key(tmp_path / "key.pem", b"correct horse")
    phrase = tmp_path / "phrase"
    phrase.write_text("wrong horse\n")
    phrase.chmod(0o600)
    (said,) = await troubles(tmp_path / "a", sign="../key.pem", passphrase_file="../phrase")
    assert "passphrase is wrong" in said
    (said,) = await troubles(tmp_path / "b", sign="../key.pem")
    assert "has a passphrase" in said
    phrase.write_text("correct horse\n")
    assert await troubles(tmp_path / "c", sign="../key.pem", passphrase_file="../phrase") == []


async def test_a_key_that_was_replaced(tmp_path: Path, vouched: Vouched) -> None:
    from archiver.evidence.rotation import rotate
    from archiver.ledger.segments import head_of
    from archiver.storage.local.folder import LocalStorage
    from tests.support.world import ManualClock

    archive_id = json.loads(vouched.medium.read("_archive/format.json"))["archiveId"]
    make_key(vouched.folder / "new.pem", None)
    head = head_of(vouched.segments()[-1])
    assert head is not None
    storage = LocalStorage(vouched.root)
    old, new = (load_signer(vouched.folder / name, None) for name in ("key.pem", "new.pem"))
    await rotate(storage, archive_id, head, old, new, clock=ManualClock())
    assert await vouched.findings() == []
    assert await vouched.findings(evidence={"sign": str(vouched.folder / "new.pem")}) == []
    (said,) = await troubles(vouched.folder, sign="key.pem")
    assert "was replaced by" in said


async def test_an_authority_that_answers_a_page(tmp_path: Path, other: Authority) -> None:
    other.answer = (200, "text/html", b"<html>Welcome</html>")
    (said,) = await troubles(tmp_path / "own", timestamp_url=other.url)
    assert "returned text/html, not a time stamp" in said


async def test_an_authority_that_answers_nonsense(tmp_path: Path, other: Authority) -> None:
    other.answer = (200, "application/timestamp-reply", b"\x30\x03\x02\x01\x00")
    (said,) = await troubles(tmp_path / "own", timestamp_url=other.url)
    assert "not a response of a time stamp authority" in said


async def test_an_authority_that_is_busy_or_gone(tmp_path: Path, other: Authority) -> None:
    other.answer = (503, "text/plain", b"")
    (said,) = await troubles(tmp_path / "a", timestamp_url=other.url)
    assert "status 503" in said
    (said,) = await troubles(tmp_path / "b", timestamp_url="http://127.0.0.1:9/")
    assert "no response" in said


async def test_an_answer_to_another_question(tmp_path: Path, other: Authority, made: Path) -> None:
    (stamp, *_) = sorted((made / "archive/_archive/evidence/stamps").iterdir())
    other.answer = (200, "application/timestamp-reply", stamp.read_bytes())
    (said,) = await troubles(tmp_path / "own", timestamp_url=other.url)
    assert "the time stamp is for other data" in said


async def test_an_authority_that_is_not_the_one_of_the_roots(
    tmp_path: Path, other: Authority, authority: Authority
) -> None:
    roots = str(authority.roots)
    (said,) = await troubles(tmp_path / "own", timestamp_url=other.url, timestamp_roots=roots)
    assert "the time stamp is invalid" in said
    stamps = tmp_path / "own/archive/_archive/evidence/stamps"
    assert not stamps.exists()


async def test_an_authority_whose_certificate_has_expired(tmp_path: Path) -> None:
    expired = Authority(tmp_path / "expired", (timedelta(days=-30), timedelta(days=-1)))
    expired.make()
    with serving(expired):
        (said,) = await troubles(
            tmp_path / "own", timestamp_url=expired.url, timestamp_roots=str(expired.roots)
        )
        assert "certificate had expired on" in said
        # Without roots it is kept, and `verify` says the same once there are some.
        assert await troubles(tmp_path / "own", timestamp_url=expired.url) == []
    own = Vouched(tmp_path / "own", {"timestamp_roots": str(expired.roots)})
    (found,) = await own.findings()
    assert found.name == "bad-stamp"
    assert "had expired" in found.found


async def test_a_witness_that_is_not_there(tmp_path: Path) -> None:
    (said,) = await troubles(tmp_path, witnesses=[{"url": "./nowhere"}])
    assert "does not exist" in said


async def test_a_witness_in_a_bucket_whose_profile_does_not_exist(tmp_path: Path) -> None:
    s3 = {"endpoint_url": "http://127.0.0.1:9", "profile": "nobody"}
    (said,) = await troubles(tmp_path, witnesses=[{"url": "s3://witness/heads", "s3": s3}])
    assert "there is no AWS profile nobody; check `profile` and `credentials_file`" in said


async def test_a_witness_that_cannot_be_asked_proves_nothing_against_the_archive(
    vouched: Vouched,
) -> None:
    verified = await vouched.verify(evidence={"witnesses": [{"url": "./nowhere"}]})
    assert verified.found.findings == []
    assert any("a witness is unreachable" in note for note in verified.notes)


async def test_foreign_files_of_a_witness_are_left_alone(vouched: Vouched) -> None:
    (vouched.folder / "witness" / "notes.txt").write_text("ours")
    (own,) = [path for path in (vouched.folder / "witness").iterdir() if path.name[8:9] == "-"]
    (own / "readme").write_text("ours")
    assert await vouched.findings() == []


async def test_a_stamp_and_a_witness_without_a_key_say_what_they_prove(
    tmp_path: Path, authority: Authority
) -> None:
    (tmp_path / "heads").mkdir()
    settings = {"timestamp_url": authority.url, "witnesses": [{"url": str(tmp_path / "heads")}]}
    assert await troubles(tmp_path, **settings) == []
    verified = await Vouched(tmp_path, settings).verify()
    assert verified.found.findings == []
    assert [one.kind for one in verified.proofs] == ["stamped", "witnessed"]
    assert "was not checked" in verified.proofs[0].text


async def test_a_clock_that_jumped_is_noted(vouched: Vouched) -> None:
    verified = await vouched.verify()  # its clock stands in 2026, that of the authority does not
    assert any("one of the two clocks was wrong" in note for note in verified.notes)


async def test_a_retired_key_signs_nothing_that_comes_later(vouched: Vouched) -> None:
    from archiver.evidence.rotation import rotate
    from archiver.ledger.segments import head_of
    from archiver.storage.local.folder import LocalStorage
    from tests.support.world import ManualClock

    archive_id = json.loads(vouched.medium.read("_archive/format.json"))["archiveId"]
    make_key(vouched.folder / "new.pem", None)
    early = head_of(vouched.segments()[0])
    assert early is not None
    old, new = (load_signer(vouched.folder / name, None) for name in ("key.pem", "new.pem"))
    await rotate(LocalStorage(vouched.root), archive_id, early, old, new, clock=ManualClock())
    found = await vouched.findings(evidence={"sign": None}, key=vouched.folder / "new.pem.pub")
    assert {one.name for one in found} == {"foreign-signature", "not-signed"}


async def test_the_authority_is_asked_through_the_proxy_alone(
    tmp_path: Path, authority: Authority
) -> None:
    """The authority itself stands in for a proxy: the name of the other one resolves nowhere."""
    proxies = configured(authority.url.rstrip("/"), {})
    segment = b"a segment\n"
    url = "http://authority.example.invalid/stamp"
    found = read_stamp(await fetch_stamp(url, segment, proxies=proxies), [])
    assert found.digest == hashlib.sha256(segment).hexdigest()
    with pytest.raises(StampUnavailable):
        await fetch_stamp(url, segment)
    refused = configured("http://127.0.0.1:9", {})
    with pytest.raises(StampUnavailable, match="proxy"):
        await fetch_stamp(authority.url, segment, proxies=refused)


async def test_an_authority_that_never_ends_its_response_is_given_up_in_time() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/timestamp-reply\r\n\r\n0"
    given_up = anyio.Event()

    async def begin_a_response(stream: SocketStream) -> None:
        async with stream:
            await stream.receive()
            await stream.send(head)
            with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
                await stream.receive()
        given_up.set()

    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as serving,
    ):
        serving.start_soon(listener.serve, begin_a_response)
        port = listener.extra(SocketAttribute.local_port)
        with pytest.raises(StampUnavailable, match="no complete response within"):
            await fetch_stamp(f"http://127.0.0.1:{port}/", b"a segment\n", within=0.2)
        await given_up.wait()
        serving.cancel_scope.cancel()
