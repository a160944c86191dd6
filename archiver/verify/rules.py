"""One object compared with the ledger (pure)."""

import json
from typing import Any

from msgspec import Raw, Struct
from msgspec.json import Decoder

from archiver.errors import KeyMissing, StorageError, StorageForbidden
from archiver.recordings.sidecar import FORMAT, Sidecar, decode
from archiver.storage.base import Reading
from archiver.verify.findings import (
    FETCH_AGAIN,
    RESTORE,
    Finding,
    ForeignFormat,
    Missing,
    NotAllowed,
    SidecarDisagrees,
    SidecarUnreadable,
    Unreadable,
    WrongDigest,
    WrongSize,
)
from archiver.verify.inventory import Expected, Kind

_MENDABLE = frozenset({Kind.AUDIO, Kind.SIDECAR})


def judge(expected: Expected, read: Reading | StorageError) -> Finding | None:
    """The problem with the object, or None. A sidecar is read with its content."""
    if isinstance(read, KeyMissing):
        return None if expected.leaving else missing(expected)
    if isinstance(read, StorageError):
        wanted = f"SHA-256 {expected.sha256}"
        if isinstance(read, StorageForbidden):
            return NotAllowed(expected=wanted, found=str(read), **_about(expected))
        return Unreadable(expected=wanted, found=str(read), **_about(expected))
    if read.sha256 in (expected.sha256, expected.former):
        return _contradiction(expected, read)
    return _difference(expected, read)


def missing(expected: Expected) -> Missing:
    """The finding that the object is not there."""
    return Missing(
        expected=f"SHA-256 {expected.sha256}",
        found="no such object",
        advice=FETCH_AGAIN if expected.kind in _MENDABLE else RESTORE,
        **_about(expected),
    )


def is_mendable(finding: Finding) -> bool:
    """Whether the source may still have the damaged data: audio, or the content of a sidecar."""
    return isinstance(finding, Missing | WrongSize | WrongDigest | SidecarUnreadable | Unreadable)


def _difference(expected: Expected, read: Reading) -> Finding:
    """The bytes differ from the recorded ones; how they differ."""
    about = _about(expected)
    wanted, found = f"SHA-256 {expected.sha256}", f"SHA-256 {read.sha256}"
    if expected.kind == Kind.FORMAT:
        return ForeignFormat(expected=wanted, found=found, **about)
    if expected.kind == Kind.SIDECAR and isinstance(card := _card(read), str):
        return SidecarUnreadable(expected=f"a sidecar with {wanted}", found=card, **about)
    advice = FETCH_AGAIN if expected.kind in _MENDABLE else RESTORE
    if expected.size is not None and read.size != expected.size:
        wanted, found = f"{expected.size} bytes", f"{read.size} bytes"
        return WrongSize(expected=wanted, found=found, advice=advice, **about)
    return WrongDigest(expected=wanted, found=found, advice=advice, **about)


def _about(expected: Expected) -> dict[str, Any]:
    told: dict[str, Any] = {"key": expected.key}
    return told | {"record_id": expected.record_id} if expected.kind in _MENDABLE else told


def _contradiction(expected: Expected, read: Reading) -> Finding | None:
    """The bytes match; the content of a sidecar must match, too."""
    if expected.kind != Kind.SIDECAR or _agrees(expected, read):
        return None
    card = _card(read)
    if isinstance(card, str):
        return SidecarUnreadable(expected="a sidecar", found=card, **_about(expected))
    told, audio = card.fields, card.fields["audio"]
    for name, wanted, found in (
        ("recordId", expected.record_id, told.get("recordId")),
        ("callId", expected.call_id, told.get("callId")),
        ("revision", expected.revision, told.get("revision")),
        ("audio.key", expected.audio_key, audio.get("key")),
        ("audio.sha256", expected.audio_sha256, audio.get("sha256")),
    ):
        if wanted != found:
            tells = json.dumps(found)[:100]
            return SidecarDisagrees(
                expected=f"{name} {wanted}", found=f"{name} {tells}", **_about(expected)
            )
    return None


def _agrees(expected: Expected, read: Reading) -> bool:
    """Whether it certainly is a sidecar that says what the ledger says, for a third of the time."""
    if read.content is None:
        return False
    try:
        read.content.decode()  # members that are skipped may be no UTF-8
        card = _SHAPES.decode(read.content)
    except (ValueError, RecursionError):
        return False
    return (
        card.format == FORMAT
        and card.record_id == expected.record_id
        and card.call_id == expected.call_id
        and card.revision == expected.revision
        and card.audio.key == expected.audio_key
        and card.audio.sha256 == expected.audio_sha256
    )


class _Object(Struct):
    """Members that are skipped, once they are known to be JSON."""


class _AudioShape(Struct):
    key: str
    sha256: str


class _Shape(Struct, rename="camel"):
    """What `decode` requires of a sidecar, and what is compared."""

    format: str
    record_id: int
    call_id: int
    call: _Object
    record: _Object
    audio: _AudioShape
    revision: int
    record_summary: Raw


_SHAPES = Decoder(_Shape)


def _card(read: Reading) -> Sidecar | str:
    """The sidecar, or why the bytes are none."""
    if read.content is None:
        return f"{read.size} bytes, too large for a sidecar"
    try:
        return decode(read.content)
    except json.JSONDecodeError as error:
        return f"not JSON: {error}"
    except ValueError as error:
        return str(error)
