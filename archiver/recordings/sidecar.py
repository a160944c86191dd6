"""The sidecar: the metadata of a recording, as a JSON file that needs none of our tools.

One member per line, so that `grep` finds what `jq` would. The fields are specified in
`docs/FORMAT.md`. Rows of the API are included completely, except that no URL keeps its query,
fragment or credentials: those are secrets, and have expired by the time someone reads them.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from archiver.clock import stamp, stamp_or_none
from archiver.liner.models import Call, Recording, Row
from archiver.text.json import read_json

FORMAT = "liner-recording/1"

# Made once: json.dumps makes an encoder for every value that it is given options for.
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)
_CANONICAL = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))

MOST_BYTES = 40 * 1024 * 1024
"""No sidecar is larger: it repeats two rows out of API answers that are capped at 32 MiB."""

_ADDRESS = re.compile(r"^\s*(?:[A-Za-z][A-Za-z0-9+.-]*:)?//")


class Audio(Struct, frozen=True):
    """The `audio` member: the audio under `key`; `measured_seconds` is None if unknown."""

    key: str
    size: int
    sha256: str
    content_type: str
    measured_seconds: float | None
    findings: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The member, with the names of the format."""
        return {
            "key": self.key,
            "bytes": self.size,
            "sha256": self.sha256,
            "contentType": self.content_type,
            "measuredSeconds": self.measured_seconds,
            "findings": list(self.findings),
        }


class Names(Struct, frozen=True):
    """Names as they could be resolved at the time; None where the key may not read them."""

    user_name: str | None = None
    order_title: str | None = None
    status_code: str | None = None


class Sidecar(Struct, frozen=True):
    """A sidecar as a value: `fields` in the order of the format."""

    fields: Mapping[str, Any]

    @property
    def revision(self) -> int:
        """1 for the first, incremented each time the metadata changes."""
        return int(self.fields["revision"])

    @property
    def record(self) -> dict[str, Any]:
        """The row of the recording, address cleaned."""
        return dict(self.fields["record"])

    @property
    def has_summary(self) -> bool:
        """Whether the API had a summary."""
        return self.fields["recordSummary"] is not None

    @property
    def audio_sha256(self) -> str:
        """The digest of the audio that the sidecar stands beside."""
        return str(self.fields["audio"]["sha256"])

    @property
    def findings(self) -> tuple[str, ...]:
        """What looks odd about the audio."""
        return tuple(self.fields["audio"].get("findings") or ())

    @property
    def metadata_digest(self) -> str:
        """As `metadata_digest` of a recording, of the row that is written here."""
        return _digest_of(self.record)

    def encode(self) -> bytes:
        """The bytes of the file: UTF-8, one member a line, ending in a newline."""
        lines = (f"  {_member(name)}: {dump(value)}" for name, value in self.fields.items())
        return encode_text("{\n" + ",\n".join(lines) + "\n}\n")


class Attribution(NamedTuple):
    """The lead, call and so on of a recording, and its time."""

    lead_id: int | None
    user_id: int | None
    created_at: datetime | None


def attribution(call: Call, recording: Recording) -> Attribution:
    """The value in the recording's own row; if missing, the one in its call's."""
    return Attribution(
        lead_id=recording.lead_id if recording.lead_id is not None else call.lead_id,
        user_id=recording.user_id if recording.user_id is not None else call.user_id,
        created_at=recording.created_at or call.created_at,
    )


def compose(
    call: Call,
    recording: Recording,
    names: Names,
    audio: Audio,
    *,
    found_under: int,
    archived_at: datetime,
    version: str,
) -> Sidecar:
    """The first revision of a sidecar; `found_under` is the call that its key names."""
    return Sidecar(
        {
            "format": FORMAT,
            "recordId": recording.id,
            **_people_fields(call, recording, names),
            "callId": found_under,
            "call": clean_row(call.row),
            "record": clean_row(recording.row),
            "audio": audio.as_json(),
            "revision": 1,
            "archivedAt": stamp(archived_at),
            "archiver": version,
        }
    )


def revise(
    old: Sidecar,
    call: Call,
    recording: Recording,
    names: Names,
    *,
    archived_at: datetime,
    version: str,
) -> Sidecar | None:
    """The next revision, or None if the API returns nothing new about the recording.

    Values that the API no longer returns (a lean row, a deleted agent) are kept from the old
    sidecar: a missing member means nothing. The audio, the call under which the recording was found
    and its key never change.
    """
    record = {**old.record, **clean_row(recording.row)}
    if _without_address(record) == _without_address(old.record):
        return None
    merged = replace(recording, row=record)
    if "recordSummary" not in recording.row:
        merged = replace(merged, summary=old.fields["recordSummary"])
    told = _people_fields(call, merged, names).items()
    return Sidecar(
        {
            **old.fields,
            **{name: new for name, new in told if new is not None or name == "recordSummary"},
            "callId": old.fields["callId"],
            "call": {**old.fields["call"], **clean_row(call.row)},
            "record": record,
            "revision": old.revision + 1,
            "archivedAt": stamp(archived_at),
            "archiver": version,
        }
    )


def remeasured(
    old: Sidecar,
    seconds: float | None,
    findings: tuple[str, ...],
    *,
    archived_at: datetime,
    version: str,
) -> Sidecar | None:
    """The next revision, with the facts measured now; None if they are the same."""
    audio = {**old.fields["audio"], "measuredSeconds": seconds, "findings": list(findings)}
    if audio == old.fields["audio"]:
        return None
    changed = {"audio": audio, "revision": old.revision + 1, "archivedAt": stamp(archived_at)}
    return Sidecar({**old.fields, **changed, "archiver": version})


def with_sound(
    old: Sidecar,
    findings: Sequence[str],
    sound: Mapping[str, Any] | None,
    *,
    archived_at: datetime,
    version: str,
) -> Sidecar | None:
    """The next revision, whose `audio` has these findings and figures; None when it has them."""
    audio = {**old.fields["audio"], "findings": list(findings)}
    if sound is not None:
        audio["sound"] = dict(sound)
    if audio == old.fields["audio"]:
        return None
    return Sidecar(
        {
            **old.fields,
            "audio": audio,
            "revision": old.revision + 1,
            "archivedAt": stamp(archived_at),
            "archiver": version,
        }
    )


def decode(data: bytes) -> Sidecar:
    """A sidecar from its file. ValueError when it is none."""
    fields = read_json(data)
    if not isinstance(fields, dict) or fields.get("format") != FORMAT:
        raise ValueError("not a sidecar of this format")
    for member, kind in (("record", dict), ("call", dict), ("audio", dict), ("revision", int)):
        if not isinstance(fields.get(member), kind):
            raise ValueError(f"the sidecar has no {member}")
    if not isinstance(fields["audio"].get("sha256"), str) or "recordSummary" not in fields:
        raise ValueError("the sidecar has no digest or summary")
    return Sidecar(fields)


def metadata_digest(recording: Recording) -> str:
    """A digest of what the API returns about the recording, without its address, which expires."""
    return _digest_of(recording.row)


def clean_row(row: Row) -> dict[str, Any]:
    """The row as the API gave it, each address in it without query, fragment and credentials."""
    return {name: _clean(value, address=name == "fileUrl") for name, value in row.items()}


def dump(value: Any) -> str:
    """Compact JSON, letters of all scripts as they are."""
    # For these the encoder would prepare itself for a whole tree.
    if value is None:
        return "null"
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is int:
        return str(value)
    return _ENCODER.encode(value)


@lru_cache(maxsize=64)
def _member(name: str) -> str:
    return dump(name)


def encode_text(text: str) -> bytes:
    """UTF-8. A lone surrogate (possible in JSON escapes) is written as its escape again."""
    return text.encode("utf-8", "backslashreplace")


def _people_fields(call: Call, recording: Recording, names: Names) -> dict[str, Any]:
    who = attribution(call, recording)
    return {
        "callId": call.id,
        "leadId": who.lead_id,
        "orderId": call.order_id,
        "userId": who.user_id,
        "userName": names.user_name,
        "orderTitle": names.order_title,
        "statusCode": call.status_code or names.status_code,
        "createdAt": stamp_or_none(who.created_at),
        "durationSeconds": recording.duration_seconds,
        "recordSummary": recording.summary,
        "isTransfer": recording.is_transfer,
    }


def _clean(value: Any, *, address: bool = False) -> Any:
    if isinstance(value, str):
        # A relative address looks like nothing in particular, so `fileUrl` is always cleaned.
        if address or ("//" in value and _ADDRESS.match(value)):
            return _clean_address(value)
        return value
    if isinstance(value, dict):
        return clean_row(value)
    if isinstance(value, list):
        return [_clean(inner) for inner in value]
    return value


def _clean_address(address: str) -> str:
    bare = address.split("#", 1)[0].split("?", 1)[0]
    scheme, slashes, rest = bare.partition("//")
    authority, slash, path = rest.partition("/")
    return scheme + slashes + authority.rpartition("@")[2] + slash + path


def _without_address(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "fileUrl"}


def _digest_of(row: Row) -> str:
    return hashlib.sha256(encode_text(_canonical(_without_address(row)))).hexdigest()


def _canonical(value: Any) -> str:
    return _CANONICAL.encode(value)
