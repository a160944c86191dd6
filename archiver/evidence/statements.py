"""Statements: one line of JSON, followed by its signatures in base64, one per line (pure).

The signed data is the first line including its line feed, so `head -n 1` extracts it.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from archiver.clock import from_stamp, stamp
from archiver.ledger.segments import Head
from archiver.storage.keys import EVIDENCE_PREFIX
from archiver.text.json import read_json

HEAD_FORMAT: Final = "liner-head/1"
ROTATION_FORMAT: Final = "liner-key/1"
MOST_BYTES: Final = 16 * 1024

HEADS_PREFIX: Final = f"{EVIDENCE_PREFIX}heads/"
KEYS_PREFIX: Final = f"{EVIDENCE_PREFIX}keys/"
STAMPS_PREFIX: Final = f"{EVIDENCE_PREFIX}stamps/"

_HEAD_NAME: Final = re.compile(r"([0-9]{8})-([0-9a-f]{64})(?:\.[0-9a-f]{16})?\.(?:signed|tsr)")
_KEY_NAME: Final = re.compile(r"([0-9a-f]{64})\.(pem|signed)")


class Signed(Struct, frozen=True):
    """A statement with its signatures, as it was written: `line` is the signed data."""

    line: bytes
    signatures: tuple[bytes, ...] = ()

    @property
    def data(self) -> bytes:
        """The whole file."""
        return b"".join((self.line, *(base64.b64encode(one) + b"\n" for one in self.signatures)))


class HeadStatement(Struct, frozen=True):
    """A statement that an archive had this head at this time. `key_id` is None if nobody signs
    it."""

    archive_id: str
    head: Head
    at: datetime
    key_id: str | None

    def line(self) -> bytes:
        """The statement as the line that is signed."""
        fields: dict[str, Any] = {
            "format": HEAD_FORMAT,
            "archive": self.archive_id,
            "segment": self.head.number,
            "head": self.head.digest,
            "at": stamp(self.at),
        }
        return line_of(fields | ({} if self.key_id is None else {"key": self.key_id}))


class Rotation(Struct, frozen=True):
    """A statement that `key_id` replaces `previous_id`, which is not valid after `head`."""

    archive_id: str
    key_id: str
    previous_id: str
    head: Head
    at: datetime

    def line(self) -> bytes:
        """The statement as the line that both keys sign, the old one first."""
        return line_of(
            {
                "format": ROTATION_FORMAT,
                "archive": self.archive_id,
                "key": self.key_id,
                "previous": self.previous_id,
                "segment": self.head.number,
                "head": self.head.digest,
                "at": stamp(self.at),
            }
        )


def read_signed(data: bytes) -> Signed:
    """Parse a statement with its signatures. Raises ValueError if it is none."""
    line, feed, rest = data.partition(b"\n")
    if len(data) > MOST_BYTES or not feed or (rest and not rest.endswith(b"\n")):
        raise ValueError("not a signed statement")
    try:
        found = [base64.b64decode(one, validate=True) for one in rest.split(b"\n")[:-1]]
    except binascii.Error:
        raise ValueError("its signature is not base64") from None
    return Signed(line + feed, tuple(found))


def read_head(signed: Signed) -> HeadStatement:
    """Parse a statement about a head. Raises ValueError for any other statement."""
    fields = _fields(signed, HEAD_FORMAT)
    try:
        key_id = fields.get("key")
        return HeadStatement(
            archive_id=str(fields["archive"]),
            head=_head(fields),
            at=from_stamp(fields["at"]),
            key_id=None if key_id is None else str(key_id),
        )
    except (KeyError, TypeError) as error:
        raise ValueError("not a statement about a head") from error


def read_rotation(signed: Signed) -> Rotation:
    """Parse a statement about a key. Raises ValueError for any other statement."""
    fields = _fields(signed, ROTATION_FORMAT)
    try:
        return Rotation(
            archive_id=str(fields["archive"]),
            key_id=str(fields["key"]),
            previous_id=str(fields["previous"]),
            head=_head(fields),
            at=from_stamp(fields["at"]),
        )
    except (KeyError, TypeError) as error:
        raise ValueError("not a statement about a key") from error


def head_key(head: Head, key_id: str) -> str:
    """The storage key of the statement about a head that this key signed."""
    return f"{HEADS_PREFIX}{name_of_head(head)}.{key_id[:16]}.signed"


def stamp_key(head: Head) -> str:
    """The storage key of the time stamp of a head."""
    return f"{STAMPS_PREFIX}{name_of_head(head)}.tsr"


def public_key_key(key_id: str) -> str:
    """The storage key of a public key."""
    return f"{KEYS_PREFIX}{key_id}.pem"


def rotation_key(key_id: str) -> str:
    """The storage key of the rotation to that key."""
    return f"{KEYS_PREFIX}{key_id}.signed"


def name_of_head(head: Head) -> str:
    """Number and digest, as used in names of objects."""
    return f"{head.number:08d}-{head.digest}"


def head_in(name: str) -> Head | None:
    """The head named in the last part of a storage key; None if it names none."""
    found = _HEAD_NAME.fullmatch(name.rpartition("/")[2])
    return None if found is None else Head(int(found[1]), found[2])


def is_evidence(key: str) -> bool:
    """Whether an archive may have an object under that key."""
    folder, _, name = key.rpartition("/")
    folder += "/"
    if folder == KEYS_PREFIX:
        return _KEY_NAME.fullmatch(name) is not None
    ending = {HEADS_PREFIX: ".signed", STAMPS_PREFIX: ".tsr"}.get(folder)
    return ending is not None and name.endswith(ending) and head_in(name) is not None


def signed_by(line: bytes, *signers: Any) -> Signed:
    """The statement, signed by each signer in this order."""
    return Signed(line, tuple(one.sign(line) for one in signers))


def line_of(fields: Mapping[str, Any]) -> bytes:
    """The fields as the line that is signed, including its line feed."""
    return json.dumps(fields, separators=(",", ":")).encode("ascii") + b"\n"


def _fields(signed: Signed, kind: str) -> dict[str, Any]:
    fields = read_json(signed.line)
    if not isinstance(fields, dict) or fields.get("format") != kind:
        raise ValueError(f"not a statement of the format {kind}")
    return fields


def _head(fields: dict[str, Any]) -> Head:
    number, digest = fields["segment"], fields["head"]
    if type(number) is not int or not isinstance(digest, str):
        raise ValueError("no head")
    return Head(number, digest)
