"""Notices go through Apprise to any service, and none of its addresses is ever shown."""

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archiver.cli.context import Context
from archiver.console import Console
from archiver.doctor.check import Surroundings
from archiver.doctor.monitoring import try_notices
from archiver.errors import NoticeUndelivered
from archiver.http.proxies import configured, of_environment
from archiver.monitoring.messengers import scheme_of, secrets_in, send
from archiver.secrets import Secret
from tests.monitoring.hooks import Hooks, hooks
from tests.support.proxies import PASSWORD, asking, needs_tinyproxy, refusing, tinyproxy

pytestmark = pytest.mark.anyio

CANARY = "canary-7c1d90aa"


@pytest.fixture
def server() -> Iterator[Hooks]:
    with hooks() as found:
        yield found


def address(server: Hooks, path: str = CANARY) -> Secret:
    """Where Apprise's own `json://` posts to: the local server."""
    return Secret(f"{server.url.replace('http://', 'json://')}/{path}")


async def test_a_message_arrives_with_its_title(server: Hooks) -> None:
    await send(address(server), "archiver on host: failure", "the run of today failed")
    (heard,) = server.heard
    assert heard.path == f"/{CANARY}"
    assert heard.told["title"] == "archiver on host: failure"
    assert heard.told["message"] == "the run of today failed"


@needs_tinyproxy
async def test_the_proxy_of_the_configuration_carries_it_whatever_the_environment_says(
    server: Hooks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    await send(address(server), "title", "directly")
    with tinyproxy(tmp_path, asking()) as proxy:
        own = configured(proxy.with_password, {})
        await send(address(server), "title", "through the proxy", proxies=own)
        assert [one.told["message"] for one in server.heard] == ["directly", "through the proxy"]
        assert proxy.requests("POST") == 1
        excepted = configured(proxy.with_password, {"NO_PROXY": "127.0.0.1"})
        await send(address(server), "title", "around it", proxies=excepted)
        assert proxy.requests("POST") == 1
        of_machine = of_environment({"HTTP_PROXY": proxy.url, "HTTPS_PROXY": proxy.url})
        await send(address(server), "title", "this machine itself", proxies=of_machine)
        assert (len(server.heard), proxy.requests("POST")) == (4, 1)


@needs_tinyproxy
async def test_a_proxy_that_refuses_leaves_it_undelivered_without_its_password(
    server: Hooks, tmp_path: Path
) -> None:
    with tinyproxy(tmp_path, refusing(tmp_path)) as proxy:
        own = configured(proxy.with_password, {})
        with pytest.raises(NoticeUndelivered) as caught:
            await send(address(server), "t", "x", proxies=own)
    assert server.heard == []
    assert "http.proxy" in caught.value.hint
    assert PASSWORD not in f"{caught.value}{caught.value.hint}"


async def test_what_is_not_accepted_names_the_scheme_alone(
    server: Hooks, caplog: pytest.LogCaptureFixture
) -> None:
    server.statuses = [500]
    with pytest.raises(NoticeUndelivered) as caught:
        await send(address(server), "t", "x")
    said = f"{caught.value} {caught.value.hint} {caplog.text}"
    assert "json://… did not accept it" in said
    assert CANARY not in said


async def test_a_redirect_is_not_followed(server: Hooks) -> None:
    server.statuses, server.location = [302, 200], f"{server.url}/elsewhere"
    with pytest.raises(NoticeUndelivered):
        await send(address(server), "t", "x")
    assert [one.path for one in server.heard] == [f"/{CANARY}"]


async def test_an_address_that_apprise_does_not_know_is_said_without_it() -> None:
    with pytest.raises(NoticeUndelivered, match="nosuchservice://… is not an address") as caught:
        await send(Secret(f"nosuchservice://user:{CANARY}@host/{CANARY}"), "t", "x")
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        f"mailto://user:{CANARY}@example.com?to=a@example.com",
        f"slack://{CANARY}/T1JJ3T3L2/A1BRTD4JD",
        f"tgram://{CANARY}:AAbb/12345",
        f"msteams://team@example/{CANARY}/b/c",
        f"json://host/path?token={CANARY}",
    ],
)
def test_every_part_of_an_address_that_may_be_a_secret_is_protected(text: str) -> None:
    out = io.StringIO()
    console = Console(err=out, out=io.StringIO())
    console.protect(*secrets_in(Secret(text)))
    console.say(f"at {text} the token {CANARY} failed")
    assert CANARY not in out.getvalue()
    assert scheme_of(Secret(text)) == text.partition(":")[0]


def context(folder: Path, text: str) -> tuple[Context, io.StringIO]:
    (folder / "archive.yaml").write_text(text)
    err = io.StringIO()
    return Context(Console(err=err, out=io.StringIO()), {}, folder / "archive.yaml"), err


def settings(*addresses: str, **more: Any) -> str:
    notices = {"apprise": list(addresses), **more}
    return json.dumps({"liner": {"url": "http://127.0.0.1:9", "api_key": "k"}, "notices": notices})


async def test_the_doctor_says_which_addresses_are_known_and_sends_nothing(
    tmp_path: Path, server: Hooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = settings(address(server).reveal(), f"nosuchservice://{CANARY}")
    made, _ = context(tmp_path, text)
    config = made.load_config()
    around = Surroundings(lambda config: tmp_path)
    found = await try_notices(config, around)
    assert [one.finding.partition(" is ")[0] for one in found] == ["json://…", "nosuchservice://…"]
    assert server.heard == []
    assert CANARY not in repr(found)
    monkeypatch.setitem(sys.modules, "apprise", None)
    missing = await try_notices(config, around)
    assert "apprise is missing" in missing[0].finding
    assert CANARY not in repr(config)
