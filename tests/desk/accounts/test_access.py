"""Nobody on the network hears a call without a log-in, and an address is not taken on trust."""

from ipaddress import ip_network

import pytest

from archiver.desk.accounts.access import Entrance, client_address, entrance, is_among
from archiver.desk.accounts.person import Role
from archiver.desk.accounts.users import User
from archiver.errors import UsageError

WITH = User("anna", Role.ADMIN, "hash")
WITHOUT = User("boris", Role.LISTENER)
PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.8.8"])
def test_on_this_machine_nobody_has_to_log_in_unless_there_are_users(host: str) -> None:
    assert entrance(host, [], has_proxy=False) is Entrance.LOCAL
    assert entrance(host, [WITH], has_proxy=False) is Entrance.GUARDED
    assert entrance(host, [WITHOUT], has_proxy=True) is Entrance.GUARDED


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "desk.example.com", "", "127.1"])
def test_on_anything_else_it_does_not_start_without_users(host: str) -> None:
    with pytest.raises(UsageError, match="the desk has no users") as caught:
        entrance(host, [], has_proxy=False)
    assert "archiver user add" in caught.value.hint
    assert entrance(host, [WITH], has_proxy=False) is Entrance.GUARDED


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_it_does_not_start_where_nobody_could_get_in(host: str) -> None:
    with pytest.raises(UsageError, match="no desk user has a password"):
        entrance(host, [WITHOUT], has_proxy=False)
    with pytest.raises(UsageError, match="no users for the proxy to authenticate"):
        entrance(host, [], has_proxy=True)


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("198.51.100.7", [], "198.51.100.7"),
        ("198.51.100.7", ["203.0.113.9"], "198.51.100.7"),
        ("10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["1.1.1.1, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["1.1.1.1", "203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        ("10.0.0.1", ["10.0.0.3"], "10.0.0.3"),
        ("10.0.0.1", ["no address"], "10.0.0.1"),
        ("10.0.0.1", ["1.1.1.1, unknown"], "10.0.0.1"),
        ("::ffff:10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("fd00::1", ["[2001:db8::1]"], "2001:db8::1"),
        ("unix", ["203.0.113.9"], "unix"),
    ],
)
def test_only_a_believed_proxy_says_where_a_request_comes_from(
    peer: str, forwarded: list[str], address: str
) -> None:
    assert client_address(peer, forwarded, PROXIES) == address


def test_an_address_of_the_other_kind_is_in_no_network() -> None:
    assert not is_among("::1", PROXIES)
    assert not is_among("", PROXIES)
    assert not is_among("10.0.0.1", ())
