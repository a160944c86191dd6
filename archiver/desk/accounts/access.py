"""Whether people have to log in, and from where a request really comes (pure)."""

import ipaddress
from collections.abc import Collection, Sequence
from enum import Enum, auto

from archiver.config.addresses import is_loopback
from archiver.config.values import Network
from archiver.desk.accounts.users import User
from archiver.errors import UsageError

_ADD = "add the first user with `archiver user add NAME --role admin`"


class Entrance(Enum):
    """How the desk lets people in."""

    LOCAL = auto()
    """Everyone who can connect to the loopback address is the admin `local`."""
    GUARDED = auto()
    """By a password of the users file, or by the word of a proxy that the configuration names."""


def entrance(host: str, users: Collection[User], *, has_proxy: bool) -> Entrance:
    """The access rules of a desk that listens on `host`.

    A log-in if there are users, and always on addresses other than loopback. Raises UsageError if
    nobody could log in, or everyone could.
    """
    can_log_in = has_proxy or any(user.password is not None for user in users)
    if users and can_log_in:
        return Entrance.GUARDED
    if users:
        raise UsageError(
            "no desk user has a password, and no proxy authenticates them",
            hint="set one with `archiver user password NAME`, or set desk.proxy_header",
        )
    if has_proxy:
        raise UsageError(
            "desk.proxy_header is set, but there are no users for the proxy to authenticate",
            hint="add one with `archiver user add NAME --role admin --no-password`",
        )
    if not is_loopback(host):
        raise UsageError(
            f"the desk has no users: on {host}, everyone on the network could listen to the calls",
            hint=f"{_ADD}; without users the desk listens on 127.0.0.1 only",
        )
    return Entrance.LOCAL


def is_among(address: str, networks: Collection[Network]) -> bool:
    """Whether the address is in one of the networks; a missing address is in none."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    plain = getattr(found, "ipv4_mapped", None) or found
    return any(plain in network for network in networks)


def client_address(peer: str, forwarded: Sequence[str], proxies: Collection[Network]) -> str:
    """The address that a request comes from: the nearest one that is no believed proxy.

    `forwarded` holds the values of X-Forwarded-For, which every proxy adds its own peer to: they
    are read from the end, and only as far as each was written by a proxy that is believed.
    """
    address = peer
    hops = [hop.strip() for value in forwarded for hop in value.split(",")]
    while hops and is_among(address, proxies):
        hop = _plain(hops.pop())
        if not hop:  # a proxy that hides where it comes from: what stands before is nobody's word
            break
        address = hop
    return address


def _plain(hop: str) -> str:
    try:
        return str(ipaddress.ip_address(hop.strip("[]")))
    except ValueError:
        return ""
