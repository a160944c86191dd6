"""The columns of the table, and the rows of recordings and of calls without any (pure).

Unknown values are null. Times are in UTC. Texts are as the API gave them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from archiver.catalog.selection import ChosenCall, ChosenRecording
from archiver.export.masking import Mask, Masks
from archiver.liner.fields import as_bool, as_count, as_seconds
from archiver.recordings.sidecar import Sidecar

Kind: TypeAlias = Literal["integer", "number", "boolean", "text", "moment"]
Row: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, the type of its values, and their meaning."""

    name: str
    kind: Kind
    meaning: str


COLUMNS: Final = (
    Column("recordId", "integer", "id of the recording, the key; null: a call without a recording"),
    Column("callId", "integer", "id of the call under which the recording is stored"),
    Column("leadId", "integer", "lead of the recording, else of its call"),
    Column("orderId", "integer", "order of the call"),
    Column("userId", "integer", "agent of the recording, else of its call"),
    Column("state", "text", "state of the recording, also removed; null: there is none"),
    Column("callState", "text", "state of the call"),
    Column("reason", "text", "why the recording or call is open, gone or removed"),
    Column("createdAt", "moment", "when the recording began; null: there is none"),
    Column("callCreatedAt", "moment", "when the call began"),
    Column("archivedAt", "moment", "when the archive stored the recording"),
    Column("direction", "text", "incoming or outgoing"),
    Column("clientPhone", "text", "number of the client"),
    Column("statusCode", "text", "status of the call"),
    Column("userName", "text", "name of the agent when the sidecar was written"),
    Column("orderTitle", "text", "title of the order when the sidecar was written"),
    Column("talkSeconds", "number", "talk time of the call"),
    Column("durationSeconds", "number", "length of the recording according to the API"),
    Column("measuredSeconds", "number", "length of the recording according to its bytes"),
    Column("isTransfer", "boolean", "whether the recording is of a transferred call"),
    Column("recordSummary", "text", "summary"),
    Column("findings", "text", "findings about the audio, separated by spaces"),
    Column("contentType", "text", "media type of the audio"),
    Column("bytes", "integer", "size of the recording"),
    Column("sha256", "text", "SHA-256 of the recording"),
    Column("key", "text", "key of the recording in the archive"),
    Column("sidecarSha256", "text", "SHA-256 of the sidecar"),
    Column("revision", "integer", "revision of the sidecar"),
    Column("problem", "text", "why the sidecar could not be read; its columns are null"),
)


def rows_of(
    call: ChosenCall,
    cards: Mapping[int, Sidecar | str],
    masks: Masks,
    elsewhere: frozenset[int],
) -> Iterator[Row]:
    """One row for each recording, or one for a call without recordings.

    `cards` has the sidecars by recording, or a sentence on why there is none. `elsewhere` are other
    calls in the table: recordings stored under one of them have their row there.
    """
    if not call.recordings:
        yield _row(call, None, None, masks)
    for one in call.recordings:
        if one.owner == call.call_id or one.owner not in elsewhere:
            yield _row(call, one, cards.get(one.record_id), masks)


def _row(
    call: ChosenCall, one: ChosenRecording | None, card: Sidecar | str | None, masks: Masks
) -> Row:
    fields = card.fields if isinstance(card, Sidecar) else {}
    known = {**_of_call(call, fields, masks), **(_of_recording(one, fields, masks) if one else {})}
    known["problem"] = card if isinstance(card, str) else None
    return tuple(known.get(column.name) for column in COLUMNS)


def _of_call(call: ChosenCall, fields: Mapping[str, Any], masks: Masks) -> dict[str, Any]:
    row = fields.get("call") or call.row or {}
    phone = _text(row.get("clientPhone"))
    talk = as_seconds(row.get("talkTimeDurationSeconds"))
    return {
        "callId": call.call_id,
        "leadId": call.lead_id,
        "orderId": call.order_id,
        "userId": call.user_id,
        "callState": call.state,
        "reason": call.reason,
        "callCreatedAt": call.created_at,
        "direction": _text(row.get("direction")),
        "clientPhone": masks.word if phone and Mask.PHONES in masks.kinds else phone,
        "statusCode": _text(fields.get("statusCode")) or _text(row.get("statusCode")),
        "talkSeconds": _number(call.talk_seconds if talk is None else talk),
    }


def _of_recording(one: ChosenRecording, fields: Mapping[str, Any], masks: Masks) -> dict[str, Any]:
    audio = fields.get("audio") or {}
    is_here = one.state == "archived"
    document: dict[str, Any] = {
        "recordId": one.record_id,
        "callId": one.owner,
        "state": one.state,
        "reason": one.reason,
        "createdAt": one.created_at,
        "archivedAt": one.archived_at,
        "userName": None if Mask.NAMES in masks.kinds else _text(fields.get("userName")),
        "orderTitle": _text(fields.get("orderTitle")),
        "durationSeconds": _number(one.duration_seconds),
        "measuredSeconds": _number(as_seconds(audio.get("measuredSeconds"))),
        "isTransfer": as_bool(fields.get("isTransfer")),
        "recordSummary": masks.summary(_text(fields.get("recordSummary"))),
        "findings": _findings(audio.get("findings")) if fields else None,
        "contentType": one.content_type if is_here else None,
        "bytes": as_count(one.size) if is_here else None,
        "sha256": one.sha256 if is_here else None,
        "key": one.key if is_here else None,
        "sidecarSha256": one.sidecar_sha256 if is_here else None,
        "revision": one.revision if is_here else None,
    }
    own = {"leadId": one.lead_id, "userId": one.user_id}
    return document | {name: value for name, value in own.items() if value is not None}


def _findings(found: object) -> str:
    return " ".join(map(str, found)) if isinstance(found, Sequence) else ""


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)


def _text(value: object) -> str | None:
    """A text as it is, or a number as text."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value).encode("utf-8", "replace").decode()
