"""The rows of an inventory, and its members as the ledger may have them: taken as damage (pure)."""

import re
from typing import Any, NamedTuple

from archiver.ledger import events
from archiver.storage.keys import parse_recording_key

_GREATEST = 2**63
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Stored(NamedTuple):
    """A recording and its sidecar, as a row of `recordings`."""

    record_id: int
    stem: str
    extension: str
    call_id: int
    bytes: int
    sha256: str
    version: str | None
    at: str
    sidecar_bytes: int
    sidecar_sha256: str
    sidecar_version: str | None
    revision: int
    revised_at: str


class Revised(NamedTuple):
    """What a revision changes of it."""

    sidecar_bytes: int
    sidecar_sha256: str
    sidecar_version: str | None
    revision: int
    revised_at: str


class Other(NamedTuple):
    """Any other object, as a row of `others`."""

    key: str
    kind: str
    owner: int | str | None
    sha256: str
    version: str | None
    at: str


def row_of(event: events.Stored, at: str) -> Stored:
    """The row of a `stored`. Raises ValueError for what is none."""
    name = parse_recording_key(event.key)
    if name is None or name.is_sidecar or name.record_id != event.record_id:
        raise ValueError("not the key of this recording")
    stem = event.key[: -len(name.extension) - 1]
    sha256, sidecar_sha256 = digest(event.sha256), digest(event.sidecar_sha256)
    return Stored._make(
        (
            *(event.record_id, stem, name.extension, event.call_id),
            *(event.bytes, sha256, event.version, at),
            *(event.sidecar_bytes, sidecar_sha256, event.sidecar_version, event.revision, at),
        )
    )


def number(value: Any) -> int:
    """An id or a size; ValueError for anything else."""
    if type(value) is int and 0 <= value < _GREATEST:
        return value
    raise ValueError("not a number of the ledger")


def digest(value: Any) -> str:
    """A SHA-256 in hex; ValueError for anything else."""
    if isinstance(value, str) and _DIGEST.fullmatch(value):
        return value
    raise ValueError("not a SHA-256")


def text(value: Any) -> str:
    """A text; ValueError for anything else."""
    if isinstance(value, str):
        return value
    raise ValueError("not a text")
