"""An export made at the desk: asked for, made in the background, downloaded, logged, removed."""

import io
import json
import re
import zipfile
from collections.abc import Iterator

import anyio
import httpx
import numpy as np
import pyrage
import pytest
import pyzipper
import soundfile

from tests.support.command import RECENTLY
from tests.web.desks import (
    Served,
    archived,
    calls,
    csrf_of,
    enrol,
    post,
    served,
    text,
    until_listed,
)

PASSWORD = "several unrelated words"
WHY = {"why": "complaint 17", "language": "en", "token": "t-1", "fill": "silence"}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    made = archived(tmp_path_factory.mktemp("desk"), calls(RECENTLY), at=RECENTLY)
    enrol(made)
    with served(made) as desk:
        with desk.visitor("ada") as ada:
            until_listed(ada, 17)
        yield desk


def until_ready(client: httpx.Client) -> str:
    """The page of exports, when nothing is being made any more."""
    for _ in range(600):
        page = text(client, "/exports")
        if 'data-moving="no"' in page:
            return page
        anyio.run(anyio.sleep, 0.1)
    raise AssertionError(page)


def test_a_view_becomes_a_package_that_its_maker_and_admins_can_download(desk: Served) -> None:
    with desk.visitor("rita") as rita:
        assert "17 archived recordings are selected" in text(rita, "/exports/new")
        chosen = "/exports?records=900112,900113"
        for _ in range(3):
            sent = post(rita, chosen, **WHY, case="C-1", recipient="District court")
            assert (sent.status_code, sent.headers["location"]) == (303, "/exports")
        page = until_ready(rita)
        assert page.count("export-1.zip") == 2
        assert "export-2.zip" not in page
        answer = rita.get("/exports/1/file")
        package = zipfile.ZipFile(io.BytesIO(answer.content))
        assert answer.headers["content-type"] == "application/zip"
        custody = json.loads(_read(package, "custody.json"))
        assert "rita" in json.dumps(custody)
        audio = [name for name in package.namelist() if re.search(r"9001\d\d\.mp3$", name)]
        assert len(audio) == 2
    with desk.visitor("ross") as ross:
        assert ross.get("/exports/1/file").status_code == 404
        assert post(ross, "/exports/1/remove").status_code == 404
    with desk.visitor("ada") as ada:
        assert ada.get("/exports/1/file").content == answer.content
        told = text(ada, "/journal")
        assert "/exports/1?records=900112,900113" in told.replace("%2C", ",")
        assert "requested an export" in told
        assert "/exports/1/file" in told
    acts = [path.read_text() for path in desk.made.archive.rglob("_archive/acts/**/*.json")]
    assert any("complaint 17" in act and "rita, at the desk" in act for act in acts)


def test_a_password_opens_the_package_and_is_kept_nowhere(desk: Served) -> None:
    with desk.visitor("rita") as rita:
        chosen = WHY | {"token": "t-6", "certificate_pdf": "yes"}
        lock = {"password": PASSWORD, "password_again": PASSWORD}
        post(rita, "/exports?records=900112", **chosen, **lock)
        page = until_ready(rita)
        assert "Failed" not in page, re.sub(r"<[^>]+>", " ", page[page.index("<tbody") :])
        number = max(map(int, re.findall(r"/exports/(\d+)/file", page)))
        data = rita.get(f"/exports/{number}/file").content
    with pyzipper.AESZipFile(io.BytesIO(data)) as package:
        names = package.namelist()
        assert all(one.flag_bits & 1 for one in package.infolist())
        package.setpassword(PASSWORD.encode())
        assert package.testzip() is None
    assert any(name.endswith("/certificate.pdf") for name in names)
    files = [path for path in desk.made.folder.rglob("*") if path.is_file()]
    assert not [path for path in files if PASSWORD.encode() in path.read_bytes()]


@pytest.mark.nightly
def test_a_package_for_an_age_key_opens_with_its_identity(desk: Served) -> None:
    owner = pyrage.x25519.Identity.generate()
    with desk.visitor("rita") as rita:
        post(
            rita,
            "/exports?records=900112",
            **(WHY | {"token": "t-7", "keys": f"{owner.to_public()}\n"}),
        )
        page = until_ready(rita)
        number = max(map(int, re.findall(r"/exports/(\d+)/file", page)))
        answer = rita.get(f"/exports/{number}/file")
        assert f'filename="export-{number}.zip.age"' in answer.headers["content-disposition"]
    package = zipfile.ZipFile(io.BytesIO(pyrage.decrypt(answer.content, [owner])))
    assert package.testzip() is None


@pytest.mark.nightly
def test_a_package_that_is_removed_is_gone_from_the_disk(desk: Served) -> None:
    with desk.visitor("rita") as rita:
        post(rita, "/exports?records=900102", **(WHY | {"token": "t-3"}))
        page = until_ready(rita)
        newest = max(map(int, re.findall(r"/exports/(\d+)/file", page)))
        assert post(rita, f"/exports/{newest}/remove").status_code == 303
        assert rita.get(f"/exports/{newest}/file").status_code == 404
        until_gone = list(desk.made.state.rglob(f"export-{newest}.zip"))
        for _ in range(500):
            if not until_gone:
                break
            anyio.run(anyio.sleep, 0.02)
            until_gone = list(desk.made.state.rglob(f"export-{newest}.zip"))
        assert until_gone == []


@pytest.mark.parametrize(
    ("address", "fields", "status"),
    [
        ("/exports?records=900101", {"why": " "}, 422),
        ("/exports?records=4711", {}, 422),
        ("/exports?records=1,x", {}, 400),
        ("/exports?since=yesterday", {}, 400),
        ("/exports?records=900101", {"language": "tlh"}, 400),
        ("/exports?records=900101", {"mask": "faces"}, 400),
        ("/exports?records=900101", {"fill": "music"}, 400),
        ("/exports?records=900101", {"password": "a", "password_again": "a"}, 422),
        ("/exports?records=900101", {"password": PASSWORD}, 422),
        ("/exports?records=900101", {"keys": "age1nonsense"}, 422),
        ("/exports?q=nothing+has+this+word", {}, 422),
    ],
)
def test_what_cannot_be_exported_is_refused(
    desk: Served, address: str, fields: dict[str, str], status: int
) -> None:
    with desk.visitor("rita") as rita:
        before = text(rita, "/exports").count("<tr>")
        assert post(rita, address, **(WHY | {"token": ""} | fields)).status_code == status
        assert text(rita, "/exports").count("<tr>") == before


def test_a_marked_span_leaves_as_silence_and_the_masked_facts_not_at_all(desk: Served) -> None:
    with desk.visitor("rita") as rita:
        for _ in range(2):
            marked = post(
                rita,
                "/recordings/900116/redactions",
                start="0:01",
                end="2,5",
                side="both",
                why="card number",
                token="r-1",
            )
            assert marked.status_code == 303
        page = text(rita, "/recordings/900116")
        assert page.count("card number") == 1
        assert "1 marked span" in text(rita, "/exports/new?records=900116,900112")
        wish = WHY | {"token": "t-4", "redact": "yes", "mask": "phones"}
        post(rita, "/exports?records=900116", **wish)
        page = until_ready(rita)
        assert "Failed" not in page, re.sub(r"<[^>]+>", " ", page[page.index("<tbody") :])
        number = max(map(int, re.findall(r"/exports/(\d+)/file", page)))
        package = zipfile.ZipFile(io.BytesIO(rita.get(f"/exports/{number}/file").content))
    (copy,) = (name for name in package.namelist() if "redacted_900116" in name and "wav" in name)
    samples, rate = soundfile.read(io.BytesIO(package.read(copy)))
    assert not np.any(samples[int(0.9 * rate) : int(2.6 * rate)])
    assert np.any(samples[int(3 * rate) :])
    said = b"".join(package.read(name) for name in package.namelist() if name.endswith(".csv"))
    assert b"+7900" not in said
    with desk.visitor("ada") as ada:
        assert "marked 1 to 2.5 s, both" in text(ada, "/journal")


def test_a_playlist_becomes_an_export_of_its_recordings(desk: Served) -> None:
    with desk.visitor("rita") as rita:
        for at in ("0:01", "0:03"):
            fields = {"at": at, "text": "greeting", "title": "Greetings", "token": at}
            assert post(rita, "/recordings/900112/moments", **fields).status_code == 303
        page = text(rita, "/playlists")
        number = re.findall(r"/playlists/(\d+)", page)[0]
        assert f"/exports/new?playlist={number}" in text(rita, f"/playlists/{number}")
        form = text(rita, f"/exports/new?playlist={number}")
        assert "1 archived recording is selected" in form
        assert rita.get("/exports/new?playlist=4711").status_code == 404


def test_a_listener_takes_nothing_away(desk: Served) -> None:
    with desk.visitor("lena") as lena:
        assert csrf_of(text(lena))
        assert lena.get("/exports").status_code == 403
        assert post(lena, "/exports?records=900101", **WHY).status_code == 403


def _read(package: zipfile.ZipFile, name: str) -> bytes:
    (path,) = (one for one in package.namelist() if one.endswith(name))
    return package.read(path)


def test_a_redaction_that_waits_for_approval_keeps_the_export_from_leaving(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    made = archived(
        tmp_path_factory.mktemp("desk"),
        calls(RECENTLY),
        desk={"approve_redactions": True},
        at=RECENTLY,
    )
    enrol(made)
    span = {"start": "1", "end": "2", "side": "left", "why": "name", "token": ""}
    wish = WHY | {"token": "t-5", "redact": "yes"}
    with served(made) as desk, desk.visitor("ada") as ada, desk.visitor("rita") as rita:
        until_listed(ada, 17)
        assert post(rita, "/recordings/900116/redactions", **span).status_code == 303
        assert "1 redaction is waiting" in text(rita, "/exports/new?records=900116")
        refused = post(rita, "/exports?records=900116", **wish)
        assert refused.status_code == 422
        assert "not approved" in refused.text
        assert post(rita, "/recordings/900116/redactions/1/approve").status_code == 403
        assert post(ada, "/recordings/900116/redactions/1/approve").status_code == 303
        assert post(rita, "/recordings/900116/redactions/1/remove").status_code == 403
        assert post(rita, "/exports?records=900116", **wish).status_code == 303
