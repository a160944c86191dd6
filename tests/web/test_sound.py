"""The sound of a recording: whole, in ranges, logged, or a word for why there is none."""

import hashlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import httpx
import pytest

from archiver.errors import StorageFull, StorageUnreachable
from tests.storage.s3_servers import RawBucket, S3Server
from tests.support.rights import forbids
from tests.web.desks import (
    Made,
    Served,
    archived,
    calls,
    enrol,
    served,
    until_listed,
)
from tests.web.sounds import DAMAGED, FOREIGN, PAUSED, WAITING


def audio_of(made: Made, record_id: int) -> bytes:
    (file,) = (one for one in made.archive.rglob(f"{record_id}.*") if one.suffix != ".json")
    return file.read_bytes()


def test_sound_comes_whole_in_ranges_and_by_its_tag(desk: Served) -> None:
    data = audio_of(desk.made, 900101)
    tag = f'"{hashlib.sha256(data).hexdigest()}"'
    path = "/recordings/900101/audio"
    with desk.visitor("lena") as lena:
        whole = lena.get(path)
        assert (whole.status_code, whole.content) == (200, data)
        assert whole.headers["content-type"] == "audio/mpeg"
        assert whole.headers["accept-ranges"] == "bytes"
        assert whole.headers["etag"] == tag
        head = lena.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(data))
        part = lena.get(path, headers={"range": "bytes=1000-1999"})
        assert (part.status_code, part.content) == (206, data[1000:2000])
        assert part.headers["content-range"] == f"bytes 1000-1999/{len(data)}"
        assert lena.get(path, headers={"range": "bytes=-10"}).content == data[-10:]
        beyond = lena.get(path, headers={"range": f"bytes={len(data)}-"})
        assert beyond.status_code == 416
        assert beyond.headers["content-range"] == f"bytes */{len(data)}"
        other = {"range": "bytes=5-", "if-range": '"other"'}
        assert lena.get(path, headers=other).content == data
        same = {"range": "bytes=5-", "if-range": tag}
        assert lena.get(path, headers=same).content == data[5:]
        assert lena.get(path, headers={"if-none-match": tag}).status_code == 304


def test_a_listener_who_leaves_stops_the_reading(desk: Served) -> None:
    host, port = desk.url.removeprefix("http://").split(":")
    with desk.visitor("lena") as lena:
        session = lena.cookies["desk-session"]
    for _ in range(20):
        with closing(socket.create_connection((host, int(port)))) as raw:
            raw.sendall(
                f"GET /recordings/900116/audio HTTP/1.1\r\nHost: {host}\r\n"
                f"Cookie: desk-session={session}\r\n\r\n".encode()
            )
            assert raw.recv(100).startswith(b"HTTP/1.1 200")
    with desk.visitor("lena") as lena:
        assert lena.get("/recordings/900116/audio").status_code == 200


@pytest.mark.parametrize(
    ("record_id", "status", "said"),
    [(DAMAGED, 404, "damaged"), (WAITING, 404, "has no address"), (FOREIGN, 200, "")],
)
def test_sound_that_cannot_be_had_says_why(
    desk: Served, record_id: int, status: int, said: str
) -> None:
    with desk.visitor("lena") as lena:
        answer = lena.get(f"/recordings/{record_id}/audio")
        assert answer.status_code == status
        if said:
            assert said in answer.text
        assert lena.get(f"/recordings/{record_id}").status_code == 200


def test_a_file_that_vanished_is_told_and_the_list_goes_on(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    made = archived(tmp_path_factory.mktemp("desk"), calls())
    with served(made) as desk, desk.visitor() as local:
        until_listed(local, 17)
        (file,) = made.archive.rglob("900101.mp3")
        file.unlink()
        assert "missing" in local.get("/recordings/900101/audio").text
        assert local.get("/recordings/900101").status_code == 200
        assert local.get("/recordings/900101/peaks").json()["none"].startswith("No waveform")


@pytest.mark.parametrize("record_id", [900_101, PAUSED], ids=["mp3", "wave"])
def test_audio_that_the_desk_may_not_read_is_not_called_damaged(
    desk: Served, monkeypatch: pytest.MonkeyPatch, record_id: int
) -> None:
    (path,) = (one for one in desk.made.archive.rglob(f"{record_id}.*") if one.suffix != ".json")
    forbids(monkeypatch, path)
    with desk.visitor("lena") as lena:
        answer = lena.get(f"/recordings/{record_id}/audio")
        assert answer.status_code == 503
        assert "not allowed to read" in answer.text
        assert "<" not in answer.text, "one sentence, for the player to show"


def test_a_storage_that_fails_before_the_first_byte_is_503(
    desk: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*given: object) -> None:
        raise StorageUnreachable("the disk is gone")

    monkeypatch.setattr("archiver.desk.media.Media.open", broken)
    with desk.visitor("lena") as lena:
        assert lena.get("/recordings/900101/audio").status_code == 503


def test_a_storage_that_fails_in_mid_stream_cuts_the_answer_short(
    desk: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    @asynccontextmanager
    async def broken(*given: object) -> AsyncIterator[AsyncIterator[bytes]]:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"some"
            raise StorageUnreachable("the disk is gone")

        yield chunks()

    monkeypatch.setattr("archiver.desk.media.Media.open", broken)
    with desk.visitor("lena") as lena, pytest.raises(httpx.RemoteProtocolError):
        lena.get("/recordings/900101/audio")


def test_a_play_that_cannot_be_told_is_not_served(
    desk: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*given: object) -> None:
        raise StorageFull("no space left for the access log")

    monkeypatch.setattr("archiver.desk.journal.Journal.played", full)
    with desk.visitor("lena") as lena:
        answer = lena.get("/recordings/900101/audio")
        assert answer.status_code == 503
        assert b"ID3" not in answer.content


def keys_of(bucket: RawBucket) -> list[str]:
    """Every object of the bucket, by its key below the prefix."""
    found = bucket.client.list_objects_v2(Bucket=bucket.name)["Contents"]
    return sorted(one["Key"].removeprefix(bucket.prefix).lstrip("/") for one in found)


def test_it_works_over_s3_alike(tmp_path: Path, moto: S3Server, aws_environment: None) -> None:
    bucket = RawBucket(moto, "desk", name="desks")
    where = {
        "url": "s3://desks/desk",
        "s3": {"endpoint_url": moto.endpoint, "region": "us-east-1"},
    }
    made = archived(tmp_path, calls(), settings={"storage": where})
    enrol(made)
    keys = keys_of(bucket)
    with served(made) as desk, desk.visitor("rita") as rita:
        until_listed(rita, 17)
        path = "/recordings/900101/audio"
        (key,) = (one for one in keys if one.endswith("/900101.mp3"))
        data = bucket.read(key)
        assert data is not None
        assert rita.get(path).content == data
        part = rita.get(path, headers={"range": "bytes=100-299"})
        assert (part.status_code, part.content) == (206, data[100:300])
        assert len(rita.get("/recordings/900101/peaks").json()["channels"]) == 1
    assert keys_of(bucket) == keys
