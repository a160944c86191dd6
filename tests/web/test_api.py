"""The JSON API: off without a token, closed to everybody without it, as its description says."""

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import httpx
import pytest

from archiver.errors import ConfigError
from tests.web.desks import Made, Served, archived, calls, enrol, served, until_listed
from tests.web.test_quality import judge

TOKEN = "0123456789abcdef0123456789abcdef"
DOCUMENT: dict[str, Any] = json.loads(
    files("archiver.web").joinpath("openapi.json").read_text("utf-8")
)


def with_token(made: Made, token: str) -> Made:
    path = made.config.desk.api_token_file
    assert path is not None
    path.write_text(token)
    path.chmod(0o600)
    return made


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("api")
    made = archived(folder, calls(), desk={"api_token_file": str(folder / "token")})
    enrol(made)
    return made


@pytest.fixture(scope="module")
def api(made: Made) -> Iterator[Served]:
    with served(with_token(made, TOKEN)) as desk:
        with desk.visitor("ada") as ada:
            until_listed(ada, 17)
        for name, record_id, tone in (("rita", 900101, "4"), ("ross", 900102, "2")):
            judge(desk, name, record_id, greeting="yes", tone=tone)
        yield desk


def get(desk: Served, path: str, token: str | None = TOKEN) -> httpx.Response:
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    return httpx.get(desk.url + path, headers=headers)


def test_verdicts_are_read_page_by_page_from_a_moment_on(api: Served) -> None:
    first = get(api, "/api/verdicts?limit=1").json()
    second = get(api, f"/api/verdicts?limit=1&after={first['next']}").json()
    assert [one["verdicts"][0]["reviewer"] for one in (first, second)] == ["rita", "ross"]
    (told,) = first["verdicts"]
    assert told.keys() == DOCUMENT["components"]["schemas"]["Verdict"]["properties"].keys()
    answers = {one["questionId"]: one["answer"] for one in told["answers"]}
    assert (answers["greeting"], answers["tone"], answers["need"]) == (True, 4, "n/a")
    assert get(api, "/api/verdicts").json()["next"] is None
    assert get(api, "/api/verdicts?since=2199-01-01").json() == {"verdicts": [], "next": None}
    with api.visitor("ada") as ada:
        assert ",export,,/api/verdicts?limit=1\r\n" in ada.get("/journal.csv").text


def test_a_report_is_that_of_the_page(api: Served) -> None:
    told = get(api, "/api/report?since=2026-10-01&until=2026-12-31").json()
    assert told.keys() == DOCUMENT["components"]["schemas"]["Report"]["properties"].keys()
    assert (told["verdicts"], told["coverage"]["reviewedRecordings"]) == (2, 2)
    assert told["scores"]["week"][0]["id"] == told["coverageByWeek"][0]["week"]
    assert told["scores"].keys() == {"agent", "order", "reviewer", "week", "question", "section"}


@pytest.mark.parametrize("token", [None, "x", TOKEN[:-1], TOKEN.upper()])
def test_nobody_without_the_token_is_answered(api: Served, token: str | None) -> None:
    for path in ("/api/verdicts", "/api/report"):
        answer = get(api, path, token)
        assert answer.status_code == 401
        assert answer.json().keys() == {"error"}


@pytest.mark.parametrize(
    "path",
    [
        "/api/verdicts?since=x",
        "/api/verdicts?limit=0",
        "/api/verdicts?limit=1001",
        "/api/verdicts?after=x",
        "/api/report?since=x",
        "/api/report?agent=-1",
    ],
)
def test_what_cannot_be_asked_is_refused(api: Served, path: str) -> None:
    assert get(api, path).status_code == 400


def test_its_description_is_open_and_names_every_address(api: Served) -> None:
    assert get(api, "/api/openapi.json", None).json() == DOCUMENT
    assert set(DOCUMENT["paths"]) == {"/api/verdicts", "/api/report"}


def test_a_token_that_could_be_guessed_keeps_the_desk_from_starting(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("guessed")
    made = archived(folder, calls(), desk={"api_token_file": str(folder / "token")})
    with pytest.raises(ConfigError, match="shorter than 20"), served(with_token(made, "secret")):
        pass


def test_without_a_token_there_is_no_api(desk: Served) -> None:
    assert get(desk, "/api/verdicts").status_code == 404
