"""Passwords as the users file keeps them: salted scrypt, its cost written beside it (pure).

`scrypt:15:8:3:<salt>:<key>`: log2 of n, r and p (RFC 7914), then base64. The default is one of the
equal settings that OWASP's Password Storage Cheat Sheet gives for scrypt; it takes 32 MiB.
"""

import base64
import binascii
import hashlib
import hmac
import os
import unicodedata
from typing import Final, TypeAlias

SHORTEST: Final = 10
"""Characters of a new password, at least."""

_LONGEST: Final = 1024
Cost: TypeAlias = tuple[int, int, int]
"""log2 of n, r and p."""

COST: Final[Cost] = (15, 8, 3)
_MOST: Final = 256 * 2**20
"""The maximum bytes of memory that a hash in a users file may require."""


def hash_password(password: str, cost: Cost = COST) -> str:
    """The hash of a new password, which also contains its cost.

    ValueError, with a sentence that continues "the password", if it is too short or long.
    """
    if len(password) < SHORTEST:
        raise ValueError(f"must have {SHORTEST} characters or more")
    if len(password) > _LONGEST:
        raise ValueError(f"must have at most {_LONGEST} characters")
    salt = os.urandom(16)
    return f"scrypt:{_say(cost)}:{_text(salt)}:{_text(_key(password, salt, cost))}"


def is_hash(text: str) -> bool:
    """Whether the text is what `hash_password` writes, at a cost that can be paid."""
    return _parts(text) is not None


def verify_password(password: str, kept: str | None) -> bool:
    """Whether the password matches the hash. None, for no password, takes just as long.

    Blocks for some tenths of a second, without the interpreter's lock.
    """
    parts = _parts(kept or _NOBODY)
    if parts is None or len(password) > _LONGEST:
        return False
    cost, salt, key = parts
    is_same = hmac.compare_digest(_key(password, salt, cost), key)
    return is_same and kept is not None


def _key(password: str, salt: bytes, cost: Cost) -> bytes:
    data = unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
    log_n, r, p = cost
    return hashlib.scrypt(data, salt=salt, n=1 << log_n, r=r, p=p, maxmem=2 * _MOST, dklen=32)


def _parts(kept: str) -> tuple[Cost, bytes, bytes] | None:
    try:
        kind, log_n, r, p, salt, key = kept.split(":")
        cost = int(log_n), int(r), int(p)
        data = base64.b64decode(salt, validate=True), base64.b64decode(key, validate=True)
    except (ValueError, binascii.Error):
        return None
    is_payable = 1 <= cost[0] <= 24 and min(cost) >= 1 and cost[2] <= 16
    is_payable = is_payable and 128 * cost[1] << cost[0] <= _MOST
    is_whole = kind == "scrypt" and len(data[0]) >= 16 and len(data[1]) == 32
    return (cost, *data) if is_payable and is_whole else None


def _say(cost: Cost) -> str:
    return ":".join(map(str, cost))


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


_NOBODY: Final = f"scrypt:{_say(COST)}:{_text(bytes(16))}:{_text(bytes(32))}"
"""The hash used if there is none, so that the time does not reveal whether a name exists."""
