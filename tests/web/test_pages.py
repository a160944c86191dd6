"""What the desk answers: lists, tables, sound, and what is the matter where something is."""

import csv
import hashlib
import io
import re
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import httpx
import pytest

from archiver.desk.index.entries import Progress
from archiver.desk.judgement import notes
from archiver.desk.judgement.queue import Queues
from archiver.desk.library import Library
from archiver.desk.people.person import Person
from archiver.errors import StorageFull, StorageUnreachable
from archiver.sandbox.exchange import Route
from archiver.sandbox.faults import Fault, Status
from archiver.sandbox.world import World
from tests.lifecycle.acts import erasable, erased, held, pruned
from tests.storage.s3_servers import RawBucket, S3Server
from tests.web.desks import (
    Made,
    Served,
    archived,
    calls,
    damage,
    enrol,
    post,
    served,
    text,
    until_listed,
)
from tests.web.sounds import DAMAGED, FOREIGN, WAITING, strange_calls
from tests.world import Night, tree

FORMULA = '=HYPERLINK("http://evil.example")'


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    world = calls()
    assert isinstance(world, World)
    strange_calls(world).change_recording(900103, summary=FORMULA)
    made = archived(tmp_path_factory.mktemp("desk"), world)
    damage(made, DAMAGED)
    enrol(made)
    with served(made) as desk:
        with desk.visitor("ada") as ada:
            until_listed(ada, 21)
        yield desk


def audio_of(made: Made, record_id: int) -> bytes:
    (file,) = (one for one in made.archive.rglob(f"{record_id}.*") if one.suffix != ".json")
    return file.read_bytes()


def test_the_archive_is_the_same_to_the_byte_after_a_day_of_work(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    made = archived(tmp_path_factory.mktemp("desk"), calls())
    enrol(made)
    before, stamps = tree(made.archive), times(made.archive)
    with served(made) as desk, desk.visitor("ada") as ada:
        until_listed(ada, 17)
        for path in ("/?q=refund", "/recordings.csv", "/recordings/900108", "/journal", "/queue"):
            assert ada.get(path).status_code == 200
        for part in ("audio", "peaks", "file"):
            assert ada.get(f"/recordings/900101/{part}").status_code == 200
        post(ada, "/recordings/900101/notes", seconds="3.5", text="a note")
        post(ada, "/recordings/900101/tags", tag="a tag")
        post(ada, "/recordings/900101/verdict", act="draft", **{"q.greeting": "yes"})
        post(ada, "/queue", title="all of them", share="100")
        assert post(ada, "/queue/next").headers["location"].startswith("/recordings/")
    assert tree(made.archive) == before
    assert times(made.archive) == stamps


def times(folder: Path) -> dict[str, int]:
    return {str(one): one.lstat().st_mtime_ns for one in (folder, *folder.rglob("*"))}


def test_a_view_is_found_by_its_address_with_names_for_people(desk: Served) -> None:
    with desk.visitor("lena") as lena:
        page = text(lena, "/?agent=101&way=outgoing&min=10&max=0:20&sort=seconds&up=yes")
        assert "2 recordings" in page
        assert page.index('data-record="900113"') < page.index('data-record="900101"')
        assert "Anna Price" in page
        assert "Delivery line" in page
        assert "1 recording<" in text(lena, '/?q="two desk lamps"')
        assert "1 recording<" in text(lena, "/?q=жалоба курьер")
        assert "1 recording<" in text(lena, "/?q=900101")


def test_what_was_tagged_is_found_by_its_tag(desk: Served) -> None:
    with desk.visitor("rita") as rita:
        assert "1 recording<" not in text(rita, "/?tag=callback")
        post(rita, "/recordings/900116/tags", tag="#Callback")
        assert "1 recording<" in text(rita, "/?tag=callback")
        assert 'href="/?tag=callback"' in text(rita)
        post(rita, "/recordings/900116/tags", remove="callback")
        assert "0 recordings" in text(rita, "/?tag=callback")
        assert 'href="/?tag=callback"' not in text(rita)


def test_pages_follow_one_another_and_miss_nothing(
    desk: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archiver.web.listing.ROWS", 4)
    with desk.visitor("lena") as lena:
        seen: list[str] = []
        path = "/?sort=agent"
        while path:
            page = text(lena, path)
            seen += re.findall(r'data-record="(\d+)"', page)
            more = re.search(r'rel="next" href="([^"]+)"', page)
            path = more[1].replace("&amp;", "&") if more else ""
        assert len(seen) == len(set(seen)) == 21


@pytest.mark.parametrize(
    "address",
    [
        "/?after=%00%ff",
        "/?lead=99999999999999999999",
        "/?q=%22%22%22*(",
        "/?day=x&sort=y",
        "/?&&=%",
    ],
)
def test_an_address_that_makes_no_sense_is_a_list_all_the_same(desk: Served, address: str) -> None:
    with desk.visitor("lena") as lena:
        answer = lena.get(address)
        assert answer.status_code == 200
        assert "<table" in answer.text or "No recording fits" in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/recordings/1",
        "/recordings/99999999999999999999999",
        "/recordings/0",
        "/recordings/-1",
        "/recordings/1e3",
        "/recordings/900101/../../etc/passwd",
        "/recordings/..%2f..%2fetc%2fpasswd",
        "/static/..%2fapp.py",
        "/static/../app.py",
        "/calls/1",
        "/recordings/1/audio",
        "/recordings/99999999999999999999999/audio",
        "/recordings/1/file",
    ],
)
def test_what_is_not_there_is_404_whatever_its_name(desk: Served, path: str) -> None:
    with desk.visitor("ada") as ada:
        assert ada.get(path).status_code == 404
        assert "Traceback" not in text(ada, path)


def test_a_call_leads_to_its_first_recording(desk: Served) -> None:
    with desk.visitor("lena") as lena:
        assert lena.get("/calls/70108").headers["location"] == "/recordings/900108"


def test_a_view_is_taken_away_as_a_table_that_is_no_program(desk: Served) -> None:
    with desk.visitor("rita") as rita:
        answer = rita.get("/recordings.csv?agent=101")
        assert answer.headers["content-disposition"] == 'attachment; filename="recordings.csv"'
        rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert {row["agent"] for row in rows} == {"Anna Price"}
        assert next(row for row in rows if row["recordId"] == "900103")["summary"] == f"'{FORMULA}"


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


def test_what_is_held_or_erased_says_so(tmp_path_factory: pytest.TempPathFactory) -> None:
    async def acts(night: Night) -> None:
        await held(night, calls=(70103,))
        plan = await erasable(night, 50244)
        await erased(night, len(plan.archived), 50244)

    made = archived(tmp_path_factory.mktemp("desk"), calls(), runs=acts)
    with served(made) as desk, desk.visitor() as local:
        until_listed(local, 17)
        assert "legal hold" in text(local, "/recordings/900103")
        assert local.get("/recordings/900103/audio").status_code == 200
        page = text(local, "/recordings/900102")
        assert page.count("erased on request") == 1
        for part in ('id="player"', "Being read", "note-form", 'id="tags"', "card-form"):
            assert part not in page, part
            assert part in text(local, "/recordings/900101") or part == "Being read"
        assert "parcel 22-81" not in text(local, "/recordings/900102") + text(local)
        assert local.get("/recordings/900102/audio").status_code == 410
        for path in ("tags", "notes", "verdict"):
            fields = {"tag": "late", "text": "late", "seconds": "1", "act": "submit"}
            assert post(local, f"/recordings/900102/{path}", **fields).status_code == 404, path
        assert "1 recording<" in text(local, "/?held=yes")
        assert "1 recording<" in text(local, "/?state=erased")


def test_what_is_failed_gone_or_pruned_says_so(tmp_path: Path) -> None:
    async def acts(night: Night) -> None:
        await night.nights(2)
        night.world.call(4, at=night.clock.now).recording(41)
        night.clock.advance(days=1)
        await night.run()
        night.clock.advance(days=29)
        await pruned(night, 1)

    world = World().call(1).recording(11).call(2).recording(21)
    lost = (Fault(Route.FILE, Status(404), id=11), Fault(Route.FILE, Status(404), id=41))
    made = archived(tmp_path, world, *lost, runs=acts)
    with served(made) as desk, desk.visitor() as local:
        until_listed(local, 3)
        for record_id, state, words in (
            (11, "gone", "The source no longer has this recording"),
            (21, "pruned", "removed when its time of retention was over"),
            (41, "failed", "could not fetch this recording yet"),
        ):
            page = text(local, f"/recordings/{record_id}")
            answer = local.get(f"/recordings/{record_id}/audio")
            assert words in page, record_id
            assert words in answer.text
            assert answer.status_code == (404 if state == "failed" else 410)
            assert f'data-record="{record_id}"' in text(local, f"/?state={state}")


def test_an_index_that_is_being_built_is_told_and_can_be_used(
    desk: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def building(library: Library) -> Progress:
        return Progress(3, 1000, 10, 0, is_current=False, trouble="")

    monkeypatch.setattr(Library, "progress", property(building))
    with desk.visitor("lena") as lena:
        page = text(lena)
        assert "10 of 1,000 recordings are read" in page
        assert 'data-record="900101"' in page
        assert "may appear in a moment" in text(lena, "/recordings/5")
        assert "10 of 1,000" in text(lena, "/recordings/900101")


def test_an_archive_that_cannot_be_followed_is_told(
    desk: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(library: Library) -> Progress:
        return Progress(3, 21, 21, 0, is_current=False, trouble="the bucket is <gone>")

    monkeypatch.setattr(Library, "progress", property(lost))
    with desk.visitor("lena") as lena:
        assert "cannot be followed" in text(lena)
        assert "the bucket is &lt;gone&gt;" in text(lena)


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


def test_plays_downloads_and_tables_are_in_the_access_log(desk: Served) -> None:
    with desk.visitor("ross") as ross:
        for _ in range(3):
            ross.get("/recordings/900112/audio", headers={"range": "bytes=0-99"})
        ross.head("/recordings/900111/audio")
        ross.get("/recordings/900112/file")
        ross.get("/recordings.csv?q=refund")
    with desk.visitor("ada") as ada:
        page = text(ada, "/journal?name=ross")
        rows = re.findall(r"<tr><td>.*?</tr>", page, re.DOTALL)
        told = [re.sub(r"<[^>]+>", " ", row) for row in rows]
        acts = [
            next(a for a in ("played", "downloaded", "table", "logged") if a in r) for r in told
        ]
        assert acts == ["table", "downloaded", "played", "logged"]
        assert "900112" in told[2]
        assert "/recordings.csv?q=refund" in told[0]
        assert "127.0.0.1" in told[0]
        table = ada.get("/journal.csv").content.decode("utf-8-sig")
        assert "ross,127.0.0.1,play,900112" in table


def test_whoever_listens_or_writes_keeps_the_place_in_the_queue(
    desk: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = []

    async def keep(queues: Queues, by: Person, record_id: int) -> None:
        kept.append((by.name, record_id))

    monkeypatch.setattr(Queues, "keep", keep)
    with desk.visitor("rita") as rita:
        rita.get("/recordings/900112/audio", headers={"range": "bytes=0-99"})
        post(rita, "/recordings/900113/notes", seconds="1", text="on hold")
        post(rita, "/recordings/900114/verdict", act="draft", **{"q.greeting": "yes"})
    assert kept == [("rita", 900112), ("rita", 900113), ("rita", 900114)]


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


def test_what_a_page_is_told_is_checked(desk: Served) -> None:
    with desk.visitor("rita") as rita:
        for path, fields, status in (
            ("/recordings/900101/notes", {"seconds": "nan", "text": "x"}, 400),
            ("/recordings/900101/notes", {"seconds": "-1", "text": "x"}, 400),
            ("/recordings/900101/notes", {"seconds": "1", "text": " "}, 422),
            ("/recordings/900101/notes", {"seconds": "1", "text": "x" * 70_000}, 413),
            ("/recordings/1/notes", {"seconds": "1", "text": "x"}, 404),
            ("/recordings/900101/tags", {"tag": ""}, 422),
            ("/recordings/900101/verdict", {"act": "submit"}, 422),
            ("/recordings/900101/verdict", {"q.greeting": "6", "act": "draft"}, 400),
            ("/recordings/900101/skip", {"queue": "x", "reason": "y"}, 400),
            ("/queue/next", {"queue": "99999999999999999999"}, 400),
            ("/settings", {"theme": "pink"}, 400),
        ):
            assert post(rita, path, **fields).status_code == status, (path, fields)
        answer = rita.post("/recordings/900101/tags", json={"tag": "x"})
        assert answer.status_code == 415


def test_verdicts_and_notes_are_tables_for_whoever_oversees(desk: Served) -> None:
    with desk.visitor("rita") as rita:
        post(rita, "/recordings/900117/notes", seconds="1", text=FORMULA)
        marks = {"greeting": "yes", "consent": "no", "need": "4", "answer": "5", "tone": "3"}
        marks |= {"speech": "na", "next_step": "yes", "farewell": "yes"}
        fields = {f"q.{name}": answer for name, answer in marks.items()}
        assert post(rita, "/recordings/900117/verdict", act="submit", **fields).status_code == 303
    with desk.visitor("ada") as ada:
        sheet = ada.get("/verdicts.csv").content.decode("utf-8-sig")
        (row,) = [one for one in csv.DictReader(io.StringIO(sheet)) if one["recordId"] == "900117"]
        assert (row["reviewer"], row["agent"], row["need"]) == ("rita", "David Walsh", "4")
        assert f"'{FORMULA}"[:20] in ada.get("/notes.csv").text.replace('""', '"')
        assert "Reviewed" in text(ada, "/?reviewed=yes")


def test_whoever_oversees_sees_what_a_verdict_was_before(desk: Served) -> None:
    names = ("greeting", "consent", "next_step", "farewell", "need", "answer", "tone", "speech")
    with desk.visitor("rita") as rita:
        for answer, comment in (("na", "First thought"), ("na", "Second thought")):
            fields = {f"q.{name}": answer for name in names} | {"comment": comment}
            post(rita, "/recordings/900105/verdict", act="submit", **fields)
    with desk.visitor("ada") as ada:
        page = text(ada, "/recordings/900105")
        assert page.index("Before,") < page.index("First thought") < page.index("Second thought")
    with desk.visitor("ross") as ross:
        assert "thought" not in text(ross, "/recordings/900105")


def test_a_bug_of_ours_is_a_sentence_on_the_page(
    desk: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*given: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(notes.Notes, "counts", broken)
    with desk.visitor("lena") as lena:
        answer = lena.get("/")
        assert answer.status_code == 500
        assert "This is our mistake" in answer.text
        assert "secret detail" not in answer.text


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
