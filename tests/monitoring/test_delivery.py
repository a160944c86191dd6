"""A notice goes to the one address that is configured, and says where it went without saying it."""

import socket

import pytest

from archiver.errors import NoticeUndelivered
from archiver.monitoring.delivery import origin_of, ping, post
from archiver.monitoring.notify import DELIVERY_RETRY
from archiver.secrets import Secret
from tests.monitoring.hooks import AT_ONCE, Hooks

pytestmark = pytest.mark.anyio

CANARY = "canary-9d41"


def secret(server: Hooks) -> Secret:
    return Secret(f"{server.url}/services/{CANARY}?token={CANARY}")


async def test_a_notice_is_posted_as_json_that_chat_hooks_understand(server: Hooks) -> None:
    await post(secret(server), {"text": "hello", "kind": "failure"}, retry=DELIVERY_RETRY)
    (heard,) = server.heard
    assert (heard.method, heard.path) == ("POST", f"/services/{CANARY}?token={CANARY}")
    assert heard.told == {"text": "hello", "kind": "failure"}
    assert heard.headers["Content-Type"] == "application/json"
    assert "X-Api-Key" not in heard.headers


async def test_a_heartbeat_is_asked_for_and_nothing_more(server: Hooks) -> None:
    await ping(secret(server), retry=DELIVERY_RETRY)
    (heard,) = server.heard
    assert (heard.method, heard.body) == ("GET", b"")


async def test_what_may_pass_is_tried_again(server: Hooks) -> None:
    server.statuses = [503, 429, 204]
    await post(secret(server), {"text": "hello"}, retry=AT_ONCE)
    assert len(server.heard) == 3


@pytest.mark.parametrize(
    ("status", "requests", "said"),
    [(404, 1, "status 404"), (403, 1, "status 403"), (500, 3, "status 500")],
)
async def test_a_refusal_is_an_error_that_names_the_origin_only(
    server: Hooks, status: int, requests: int, said: str
) -> None:
    server.statuses = [status]
    with pytest.raises(NoticeUndelivered, match=said) as caught:
        await post(secret(server), {"text": "hello"}, retry=AT_ONCE)
    assert len(server.heard) == requests
    assert str(caught.value).startswith(server.url)
    assert CANARY not in f"{caught.value} {caught.value.hint}"


async def test_a_redirect_is_not_followed(server: Hooks) -> None:
    server.statuses, server.location = [307], f"{server.url}/elsewhere"
    with pytest.raises(NoticeUndelivered, match="redirect"):
        await post(secret(server), {"text": "hello"}, retry=AT_ONCE)
    assert [one.path.partition("?")[0] for one in server.heard] == [f"/services/{CANARY}"]


async def test_nobody_there_is_an_error_soon() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    with pytest.raises(
        NoticeUndelivered, match=r"no response from .*: Connection refused"
    ) as caught:
        await ping(Secret(f"http://127.0.0.1:{port}/{CANARY}"), retry=AT_ONCE)
    assert CANARY not in str(caught.value)


async def test_a_proxy_of_the_environment_is_not_asked(
    server: Hooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    await ping(secret(server), retry=DELIVERY_RETRY)
    assert server.beats == 1


def test_the_origin_is_all_that_is_shown() -> None:
    assert origin_of(Secret("https://hooks.example.com:8443/a/b?c=d")) == (
        "https://hooks.example.com:8443"
    )
