"""Encodes batches of units and their answers, for other processes and machines (pure).

The format is JSON, so that neither side can make the other execute anything. Both contain a
protocol number and the version of archiver; a batch also names the archive. Sides with different
versions reject each other, because a recording must not depend on where it was fetched.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from archiver import __version__
from archiver.clock import Clock
from archiver.crew.unit import Brought, Unit
from archiver.errors import ArchiverError, ConfigError, StorageError, UsageError
from archiver.ledger.events import Revised, Stored
from archiver.ledger.lines import decode as read_line
from archiver.ledger.lines import encode as line_of
from archiver.liner.fields import read_recording
from archiver.liner.models import Call
from archiver.reasons import Reason
from archiver.recordings.sidecar import Names
from archiver.text.json import json_text, read_json

PROTOCOL: Final = 1

_INSTALL_ALIKE: Final = "install the same version of archiver wherever recordings are fetched"


class Batch(Struct, frozen=True):
    """Units of one run, for the archive with this id only.

    `slots` is the number of units that the worker fetches at a time, over all its batches.
    """

    archive_id: str
    run_id: str
    slots: int
    units: tuple[Unit, ...]


def encode_unit(unit: Unit) -> bytes:
    """Encode one unit."""
    call = {name: getattr(unit.call, name) for name in Call.__struct_fields__}
    created = unit.call.created_at
    call["created_at"] = None if created is None else created.isoformat()
    return json_text(
        {
            "call": call,
            "record": unit.recording.row,
            "address": unit.recording.file_url,
            "names": [unit.names.user_name, unit.names.order_title, unit.names.status_code],
            "orphan": unit.orphan,
        }
    ).encode()


def encode_batch(archive_id: str, run_id: str, slots: int, units: Sequence[bytes]) -> bytes:
    """A batch of units encoded by `encode_unit`."""
    head = json_text([PROTOCOL, __version__, archive_id, run_id, slots]).encode()
    return b'{"head":%s,"units":[%s]}' % (head, b",".join(units))


def decode_batch(data: bytes) -> Batch:
    """Decode a batch. Raises UsageError if its version differs, ValueError if it is invalid."""
    document = read_json(data)
    try:
        protocol, version, *others = document["head"]
        _check_versions(protocol, version, "the run")
        archive_id, run_id, slots = others
        return Batch(archive_id, run_id, int(slots), tuple(map(_unit, document["units"])))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a batch: {type(error).__name__}") from error


def encode_answer(brought: Sequence[Brought], clock: Clock) -> bytes:
    """Encode the results of a batch's units, in their order."""
    now = clock()
    endings = [
        {
            "events": [line_of(now, "", event).decode("ascii") for event in one.events],
            "reason": one.reason,
            "detail": one.detail,
            "left": one.left,
            "failure": None if one.failure is None else _failure_as_json(one.failure),
        }
        for one in brought
    ]
    head = [PROTOCOL, __version__]
    return json_text({"head": head, "endings": endings}).encode()


def encode_refusal(error: ArchiverError) -> bytes:
    """The answer to a batch that was rejected as a whole."""
    document = {"head": [PROTOCOL, __version__], "refused": _failure_as_json(error)}
    return json_text(document).encode()


def decode_answer(data: bytes, count: int) -> list[Brought]:
    """The results of a batch of `count` units.

    Raises UsageError if the version differs, the worker's failure if it rejected the batch, and
    ValueError if the answer is invalid.
    """
    document = read_json(data)
    try:
        protocol, version = document["head"]
        _check_versions(protocol, version, "a worker")
        if "refused" in document:
            raise _failure(document["refused"])
        brought = list(map(_brought, document["endings"]))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not an answer: {type(error).__name__}") from error
    if len(brought) != count:
        raise ValueError("not an answer: it has another number of units")
    return brought


def encode_failure(error: ArchiverError) -> bytes:
    """Encode a single failure, for `decode_failure`."""
    return json_text(_failure_as_json(error)).encode()


def decode_failure(data: bytes) -> ArchiverError:
    """Decode a failure. Raises ValueError if it is invalid."""
    try:
        return _failure(read_json(data))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a failure: {type(error).__name__}") from error


def in_the_words_of(who: str, error: ArchiverError) -> ArchiverError:
    """The same failure with a message that says where it happened."""
    return _failure({**_failure_as_json(error), "message": f"{who}: {error}"})


def _check_versions(protocol: Any, version: Any, who: str) -> None:
    if (protocol, version) != (PROTOCOL, __version__):
        other, own = (f"{who} has version {version}", f"this process has {__version__}")
        raise UsageError(f"versions of archiver differ: {other}, {own}", hint=_INSTALL_ALIKE)


def _unit(document: Mapping[str, Any]) -> Unit:
    call = dict(document["call"])
    created = call["created_at"]
    call["created_at"] = None if created is None else datetime.fromisoformat(created)
    recording = read_recording(document["record"])
    if recording is None:
        raise ValueError("not a batch: a recording has no id")
    return Unit(
        call=Call(**call),
        recording=recording.at(document["address"]),
        names=Names(*document["names"]),
        orphan=document["orphan"],
    )


def _brought(document: Mapping[str, Any]) -> Brought:
    reason, failure = document["reason"], document["failure"]
    return Brought(
        events=tuple(_events(document["events"])),
        reason=None if reason is None else Reason(reason),
        detail=str(document["detail"]),
        left=document["left"],
        failure=None if failure is None else _failure(failure),
    )


def _events(lines: Sequence[str]) -> Iterator[Stored | Revised]:
    for line in lines:
        event = read_line(line.encode("ascii")).event
        if not isinstance(event, Stored | Revised):
            raise ValueError("not an answer: an event of another kind")
        yield event


def _kinds(kind: type[ArchiverError]) -> Iterator[type[ArchiverError]]:
    if kind.__init__ in (ArchiverError.__init__, ConfigError.__init__, StorageError.__init__):
        yield kind
    for one in kind.__subclasses__():
        yield from _kinds(one)


_KINDS: Final = {one.__name__: one for one in _kinds(ArchiverError)}
"""The errors that can be created again from message and hint alone."""


def _failure_as_json(error: ArchiverError) -> dict[str, Any]:
    return {"kind": type(error).__name__, "message": str(error), "hint": error.hint}


def _failure(document: Mapping[str, Any]) -> ArchiverError:
    return _KINDS.get(document["kind"], ArchiverError)(
        str(document["message"]), hint=str(document["hint"])
    )
