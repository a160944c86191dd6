"""A run behind a proxy brings everything home; one that stands in the way is told in one line."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from archiver.sandbox.world import World
from tests.cli.commands import Ended
from tests.support.command import RECENTLY, Command, command
from tests.support.proxies import PASSWORD, asking, needs_tinyproxy, refusing, tinyproxy

CALLS = 4


@pytest.fixture
def archiver(tmp_path: Path) -> Iterator[Command]:
    world = World()
    for number in range(1, CALLS + 1):
        world.call(number, at=RECENTLY + timedelta(minutes=number)).recording()
    with command(tmp_path, world) as found:
        yield found


def through(archiver: Command, proxy: str) -> None:
    archiver.settings = {"http": {"proxy": proxy}}


def said(ended: Ended) -> str:
    error = ended.answer["error"]
    assert error["code"] == ended.code
    assert PASSWORD not in f"{ended.out}{ended.err}"
    return f"{error['message']} | {error['hint']}"


@needs_tinyproxy
def test_calls_and_recordings_come_through_the_proxy(archiver: Command, tmp_path: Path) -> None:
    with tinyproxy(tmp_path, asking()) as proxy:
        through(archiver, proxy.with_password)
        ended = archiver.run()
        assert ended.code == 0, ended.err
        assert ended.answer["recordings"]["archived"] == CALLS
        assert proxy.requests("GET") >= 2 * CALLS
    assert PASSWORD not in f"{ended.out}{ended.err}"
    archiver.archive.check()


@needs_tinyproxy
def test_without_the_password_it_says_where_to_put_it(archiver: Command, tmp_path: Path) -> None:
    with tinyproxy(tmp_path, asking()) as proxy:
        through(archiver, proxy.url)
        ended = archiver.run()
    assert ended.code == 5
    assert "the proxy requires a user name and a password" in said(ended)
    assert "http.proxy" in said(ended)


@needs_tinyproxy
def test_a_proxy_that_refuses_the_api_is_told_as_such(archiver: Command, tmp_path: Path) -> None:
    with tinyproxy(tmp_path, refusing(tmp_path)) as proxy:
        archiver.settings = {
            "http": {"proxy": proxy.url},
            "liner": {"url": "https://liner.example.org"},
        }
        ended = archiver.run()
    assert ended.code == 5
    assert "the proxy refuses the connection (403)" in said(ended)
    assert "NO_PROXY" in said(ended)


def test_a_proxy_that_is_not_there_is_told_as_such(archiver: Command) -> None:
    through(archiver, "http://127.0.0.1:9")
    ended = archiver.run()
    assert ended.code == 5
    assert "the proxy cannot be reached" in said(ended)
    assert "Check http.proxy." in said(ended)


def test_an_impossible_proxy_is_a_mistake_in_the_configuration_or_the_environment(
    archiver: Command,
) -> None:
    archiver.environ = {"HTTPS_PROXY": f"socks5://anna:{PASSWORD}@proxy.example.com"}
    ended = archiver.run()
    assert ended.code == 2
    assert "HTTPS_PROXY must begin with http://" in said(ended)
    through(archiver, f"https://anna:{PASSWORD}@proxy.example.com")
    ended = archiver.run()
    assert ended.code == 2
    assert "http.proxy must begin with http://" in said(ended)
