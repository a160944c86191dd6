"""What a package shows of each call, combined from three sources (pure).

Sidecars contain most of it, but exist for recordings only. For a call without one, the API may
have the details, and the ledger has ids, times and states. `source` says which one it was.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from archiver.catalog.selection import ChosenCall, ChosenRecording
from archiver.export.masking import NOTHING_MASKED, Masks
from archiver.export.voice import Voice
from archiver.liner.fields import as_bool, as_seconds
from archiver.recordings.sidecar import Sidecar
from archiver.text.messages import Messages
from archiver.text.wording import clock


@dataclass(frozen=True, slots=True)
class RecordingEntry:
    """A recording as shown to people. `file` and `sidecar` are paths in `data/`, None if missing.

    `original_sha256` is set if the file is a redacted copy, to the digest of the recording; digest,
    size and length are then those of the copy, and `note` says so.
    """

    record_id: int
    state: str
    note: str
    at: datetime | None
    agent: str | None
    seconds: float | None
    is_transfer: bool
    summary: str | None
    lead_id: int | None
    file: str | None
    sidecar: str | None
    sha256: str
    size: int
    content_type: str
    key: str
    archived_at: datetime | None
    original_sha256: str | None = None
    original_size: int = 0


@dataclass(frozen=True, slots=True)
class CallEntry:
    """A call as shown to people; `differences` describes contradictions: different leads, or talk
    time without a recording."""

    call_id: int
    state: str
    note: str
    at: datetime | None
    direction: str | None
    agent: str | None
    phone: str | None
    status: str | None
    talk_seconds: float | None
    lead_id: int | None
    order_id: int | None
    order: str | None
    source: str
    differences: tuple[str, ...]
    recordings: tuple[RecordingEntry, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that belongs in the package but is missing."""

    call_id: int
    record_id: int | None
    state: str
    reason: str

    def said(self, say: Messages) -> str:
        """What is missing and why, as a sentence without a full stop."""
        key = "missing.call" if self.record_id is None else "missing.recording"
        return say(
            key,
            call=self.call_id,
            recording=self.record_id,
            reason=self.reason,
            state=self.state,
        )

    def as_json(self) -> dict[str, Any]:
        """As in the custody record and `--json`."""
        return {
            "callId": self.call_id,
            "recordId": self.record_id,
            "state": self.state,
            "reason": self.reason,
        }


def sidecar_facts(card: Sidecar) -> dict[str, Any]:
    """The fields of a sidecar that an export needs."""
    call, fields = card.fields["call"], card.fields
    seconds = as_seconds(fields["audio"].get("measuredSeconds"))
    return {
        **call_facts(call, status=fields.get("statusCode"), order=fields.get("orderTitle")),
        "agent": _text(fields.get("userName")),
        "seconds": seconds if seconds is not None else as_seconds(fields.get("durationSeconds")),
        "summary": _text(fields.get("recordSummary")),
        "transfer": as_bool(fields.get("isTransfer")) is True,
    }


def call_facts(row: Mapping[str, Any], *, status: object, order: object) -> dict[str, Any]:
    """The fields of a call's row that an export needs."""
    return {
        "direction": _text(row.get("direction")),
        "phone": _text(row.get("clientPhone")),
        "talk": as_seconds(row.get("talkTimeDurationSeconds")),
        "status": _text(status) or _text(row.get("statusCode")),
        "order": _text(order),
    }


def call_entry(
    call: ChosenCall, names: Mapping[int, str], voice: Voice, masks: Masks = NOTHING_MASKED
) -> CallEntry:
    """The call in this voice's language; `names` are those of agents."""
    facts, source = _facts(call)
    facts = masks.facts(facts) if masks else facts
    talk = facts.get("talk") if facts.get("talk") is not None else call.talk_seconds
    return CallEntry(
        call_id=call.call_id,
        state=call.state,
        note="" if call.recordings else _note(call.state, call.reason, voice),
        at=call.created_at or min((one.created_at for one in call.recordings if one.created_at),
                                  default=None),
        direction=facts.get("direction"),
        agent=facts.get("callAgent") or _agent(call.user_id, names, voice),
        phone=facts.get("phone"),
        status=facts.get("status"),
        talk_seconds=talk,
        lead_id=call.lead_id,
        order_id=call.order_id,
        order=facts.get("order"),
        source=source,
        differences=tuple(_differences(call, talk, voice.say)),
        recordings=tuple(_recording_entry(one, names, voice) for one in call.recordings),
    )  # fmt: skip


def missing_of(call: CallEntry, voice: Voice) -> Iterator[Missing]:
    """What belongs to the call but is missing in the package."""
    for one in call.recordings:
        if one.file is None:
            yield Missing(call.call_id, one.record_id, one.state, one.note)
    if call.state in ("waiting", "failed", "gone", "not-fetched") and not any(
        one.file is None for one in call.recordings
    ):
        yield Missing(call.call_id, None, call.state, call.note or voice.why(call.state))


def _facts(call: ChosenCall) -> tuple[Mapping[str, Any], str]:
    """The known facts of the call, and their source; its own sidecars take precedence."""
    for one in call.recordings:
        if one.facts is not None and one.owner == call.call_id and "direction" in one.facts:
            return one.facts, "sidecar"
    if call.told is not None:
        return call.told, "api"
    if call.row is not None:
        return call_facts(call.row, status=None, order=None), "catalog"
    return {}, "ledger"


def _recording_entry(
    one: ChosenRecording, names: Mapping[int, str], voice: Voice
) -> RecordingEntry:
    facts = one.facts or {}
    state = "damaged" if facts.get("damaged") else one.state
    seconds, copy = facts.get("seconds"), facts.get("copy") or {}
    return RecordingEntry(
        record_id=one.record_id,
        state=state,
        note=facts.get("damaged")
        or (voice.say("redacted.note", sha256=one.sha256) if copy else None)
        or _note(state, one.reason, voice),
        at=one.created_at,
        agent=facts.get("agent") or _agent(one.user_id, names, voice),
        seconds=one.duration_seconds if seconds is None else seconds,
        is_transfer=bool(facts.get("transfer")),
        summary=facts.get("summary"),
        lead_id=one.lead_id,
        file=facts.get("file"),
        sidecar=facts.get("sidecar"),
        sha256=copy.get("sha256", one.sha256),
        size=copy.get("size", one.size),
        content_type=copy.get("contentType", one.content_type),
        key=one.key,
        archived_at=one.archived_at,
        original_sha256=one.sha256 if copy else None,
        original_size=one.size,
    )


def _differences(call: ChosenCall, talk: float | None, say: Messages) -> Iterator[str]:
    if call.state == "none" and not call.recordings and talk:
        yield say("difference.talk", length=clock(talk))
    for one in call.recordings:
        if one.owner != call.call_id:
            key = "was_stored" if one.state == "removed" else "stored"
            yield say(f"difference.{key}", recording=one.record_id, call=one.owner)
        elif one.lead_id is not None and one.lead_id != call.lead_id:
            key = "no_lead" if call.lead_id is None else "lead"
            values = {"recording": one.record_id, "lead": one.lead_id, "own": call.lead_id}
            yield say(f"difference.{key}", **values)


def _note(state: str, reason: str | None, voice: Voice) -> str:
    if reason is not None and state in ("waiting", "failed"):
        return voice.why(reason)
    if state == "removed" and reason in ("retention", "erasure"):
        return voice.why(reason)
    return "" if state == "archived" else voice.why(state)


def _agent(user_id: int | None, names: Mapping[int, str], voice: Voice) -> str | None:
    return None if user_id is None else names.get(user_id) or voice.say("agent", id=user_id)


def _text(value: object) -> str | None:
    """A text, or a number as text."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value).strip() or None


@dataclass(slots=True)
class Contents:
    """What the package contains and lacks so far."""

    calls: int = 0
    recordings: int = 0
    bytes: int = 0
    seconds: float = 0.0
    first: datetime | None = None
    last: datetime | None = None
    missing: list[Missing] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    record_ids: list[int] = field(default_factory=list)

    def count(self, call: CallEntry, packed: Sequence[RecordingEntry], voice: Voice) -> None:
        """Count a call, and those of its recordings that were packed under it."""
        self.calls += 1
        self.first = self.first or call.at
        self.last = call.at or self.last
        self.recordings += len(packed)
        self.bytes += sum(one.size for one in packed)
        self.seconds += sum(one.seconds or 0 for one in packed)
        self.record_ids += [one.record_id for one in packed]
        self.missing += missing_of(call, voice)
        self.differences += [
            voice.say("difference", call=call.call_id, said=said) for said in call.differences
        ]
