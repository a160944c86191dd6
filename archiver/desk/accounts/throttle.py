"""Limits of failed log-ins: by name and by address, in bounded memory (pure).

Each key has an allowance of attempts that recovers over time. An attempt is counted *before* the
password is checked, so that parallel attempts get no more than sequential ones, and success returns
it. An attacker can therefore lock out a name for as long as they keep trying, but never users who
are logged in already.
"""

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from archiver.clock import Clock

PER_NAME: Final = 10
PER_ADDRESS: Final = 30
EVERY: Final = timedelta(minutes=1)
"""How soon one attempt grows back."""

_MOST_KEYS: Final = 20_000


@dataclass(slots=True)
class _Allowance:
    left: float
    at: datetime


class Throttle:
    """The allowances of one kind of key; the one that was used least lately is forgotten first."""

    def __init__(self, allowed: int, clock: Clock, *, most_keys: int = _MOST_KEYS) -> None:
        self._allowed = allowed
        self._clock = clock
        self._most_keys = most_keys
        self._keys: OrderedDict[str, _Allowance] = OrderedDict()

    def take(self, key: str) -> float:
        """Take one attempt: 0, or how many seconds to wait where there is none left."""
        now = self._clock()
        kept = self._keys.pop(key, None) or _Allowance(self._allowed, now)
        grown = max(0.0, (now - kept.at) / EVERY)
        kept.left, kept.at = min(float(self._allowed), kept.left + grown), now
        self._keys[key] = kept
        if len(self._keys) > self._most_keys:
            self._keys.popitem(last=False)
        if kept.left < 1:
            return (1 - kept.left) * EVERY.total_seconds()
        kept.left -= 1
        return 0.0

    def give_back(self, key: str) -> None:
        """The attempt that was taken did not fail."""
        if key in self._keys:
            self._keys[key].left = min(float(self._allowed), self._keys[key].left + 1)

    def forget(self, key: str) -> None:
        """Reset the key."""
        self._keys.pop(key, None)


def place_of(address: str) -> str:
    """What one household or office shares of an address: all of an IPv4, the /64 of an IPv6."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))
