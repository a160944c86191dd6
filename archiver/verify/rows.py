"""The rows of an inventory, and its members as the ledger may have them: taken as damage (pure)."""

import re
from typing import Any, NamedTuple

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


def row_of(event: dict[str, Any]) -> Stored:
    """The row of a `stored`. Raises ValueError or KeyError for what is none."""
    key, record_id = event["key"], number(event["recordId"])
    name = parse_recording_key(key)
    if name is None or name.is_sidecar or name.record_id != record_id:
        raise ValueError("not the key of this recording")
    at = text(event["at"])
    return Stored(
        record_id=record_id,
        stem=key[: -len(name.extension) - 1],
        extension=name.extension,
        call_id=number(event["callId"]),
        bytes=number(event["bytes"]),
        sha256=digest(event["sha256"]),
        version=event.get("version"),
        at=at,
        sidecar_bytes=number(event["sidecarBytes"]),
        sidecar_sha256=digest(event["sidecarSha256"]),
        sidecar_version=event.get("sidecarVersion"),
        revision=number(event.get("revision", 1)),
        revised_at=at,
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
