"""The custody record: who exported what, when, from which archive, and what is missing and why.

`custody.json` is for machines, `custody.html` for people; both are tag files of the bag, since they
differ between exports while the payload does not.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from markupsafe import Markup

from archiver import __version__
from archiver.archive.format import FORMAT as ARCHIVE_FORMAT
from archiver.clock import stamp, stamp_or_none
from archiver.evidence.exports import SIGNED, Seal
from archiver.export.bag import MANIFEST
from archiver.export.choosing import Chosen
from archiver.export.copies import REDACTIONS, Copies
from archiver.export.entries import CallEntry, Contents, RecordingEntry
from archiver.export.markup import asset, policy
from archiver.export.request import ExportRequest
from archiver.export.voice import Voice
from archiver.ledger.segments import Head
from archiver.retention.acts import Did
from archiver.text.messages import Messages
from archiver.text.wording import clock

FORMAT: Final = "liner-custody/1"

_MOST_IDS: Final = 2000
"""The most recordings named in the act of a redaction; its list names all."""

_SHOWN: Final = 1000
"""The most entries of one list on the page; `custody.json` has them all."""


@dataclass(frozen=True, slots=True)
class Exporter:
    """The user account and machine that export."""

    user: str
    host: str

    def as_json(self, name: str | None) -> dict[str, Any]:
        """With the name given in `--by`, if any."""
        return {"name": name, "user": self.user, "host": self.host}


@dataclass(frozen=True, slots=True)
class Custody:
    """Everything in a custody record except the list of recordings.

    `recorded_in` is the head of the ledger with the segment that records the export; `redactions`
    is the text of `redactions.json`, None if nothing was redacted.
    """

    export_id: str
    at: datetime
    exporter: Exporter
    request: ExportRequest
    chosen: Chosen
    contents: Contents
    archive_id: str
    manifest_sha256: str
    recorded_in: Head
    voice: Voice
    copies: Copies
    redactions: str | None
    seal: Seal = field(default_factory=Seal)

    @property
    def title(self) -> str:
        """The selected calls, in words."""
        return self.request.selection.title(self.voice)

    def as_json(self) -> dict[str, Any]:
        """The members of `custody.json` before its recordings."""
        request, fetched = self.request, self.chosen.fetched
        return {
            "format": FORMAT,
            "exportId": self.export_id,
            "title": self.title,
            "exportedAt": stamp(self.at),
            "exportedBy": self.exporter.as_json(request.by),
            "case": request.why.case or None,
            "purpose": request.why.reason or None,
            "recipient": request.why.recipient or None,
            "archiver": __version__,
            "archive": {
                "id": self.archive_id,
                "format": ARCHIVE_FORMAT,
                "ledgerHead": {
                    "segment": self.chosen.head.number,
                    "sha256": self.chosen.head.digest,
                },
                "lastRunEndedAt": stamp_or_none(self.chosen.last_run),
            },
            "recordedIn": {"segment": self.recorded_in.number, "sha256": self.recorded_in.digest},
            "request": {
                **request.selection.as_json(),
                "notFound": list(self.chosen.not_found),
            },
            "period": {
                "askedSince": stamp_or_none(self.asked_since),
                "askedUntil": stamp_or_none(self.asked_until),
                "firstCall": stamp_or_none(self.contents.first),
                "lastCall": stamp_or_none(self.contents.last),
            },
            "fetch": {
                "mode": fetched.mode,
                "runId": fetched.run_id,
                "newRecordings": fetched.recordings,
                "notListed": list(fetched.gaps),
            },
            "counts": {
                "calls": self.contents.calls,
                "recordings": self.contents.recordings,
                "bytes": self.contents.bytes,
                "missing": len(self.contents.missing),
            },
            "manifest": {"path": MANIFEST, "sha256": self.manifest_sha256},
            "signature": self.seal.as_json(),
            "redactions": self.list_of_redactions(),
            "masked": sorted(self.copies.masks.kinds),
            "missing": [one.as_json() for one in self.contents.missing],
            "differences": list(self.contents.differences),
        }

    @property
    def asked_since(self) -> datetime | None:
        """The beginning of the requested period; None for all time."""
        return self.chosen.fetched.since or self.request.selection.since

    @property
    def asked_until(self) -> datetime | None:
        """The end of the requested period; None if it has none."""
        return self.chosen.fetched.until or self.request.selection.until

    def list_of_redactions(self) -> dict[str, Any] | None:
        """The path of the list of redactions and its digest; None if there is none."""
        if self.redactions is None:
            return None
        digest = hashlib.sha256(self.redactions.encode()).hexdigest()
        return {"recordings": len(self.copies.made), "path": REDACTIONS, "sha256": digest}


def acts_of_export(custody: Custody) -> Iterator[tuple[Did, dict[str, Any]]]:
    """The acts of a finished export, each with the ids it concerns: exporting, and redacting."""
    fields = {"exportId": custody.export_id, "manifest": custody.manifest_sha256}
    yield Did.EXPORT, fields
    if listed := custody.list_of_redactions():
        ids = [one["recordId"] for one in custody.copies.made[:_MOST_IDS]]
        yield Did.REDACT, {**fields, **listed, "recordIds": ids}


def json_start(custody: Custody) -> str:
    """`custody.json` up to its recordings, one member per line."""
    lines = (f"  {_dump(name)}: {_dump(value)},\n" for name, value in custody.as_json().items())
    return "{\n" + "".join(lines) + '  "recordings": [\n'


def json_line(call: CallEntry, one: RecordingEntry, sidecar_sha256: str) -> str:
    """One recording of `custody.json`; all but the first are preceded by a comma."""
    original = {"bytes": one.original_size, "sha256": one.original_sha256}
    return "    " + _dump(
        {
            "recordId": one.record_id,
            "callId": call.call_id,
            "leadId": one.lead_id,
            "file": f"data/{one.file}",
            "bytes": one.size,
            "sha256": one.sha256,
            "sidecar": f"data/{one.sidecar}",
            "sidecarSha256": sidecar_sha256,
            "key": one.key,
            **({"redactedCopyOf": original} if one.original_sha256 else {}),
        }
    )


JSON_END: Final = "\n  ]\n}\n"


def page_row(call: CallEntry, one: RecordingEntry, voice: Voice) -> str:
    """One recording in the table of `custody.html`."""
    at = call.at or one.at
    when = f"{at.astimezone(voice.zone):%Y-%m-%d %H:%M:%S}" if at else voice.say("undated")
    return voice.render("custody_row.html", one=one, when=when)


def page_parts(custody: Custody, shown: int = _SHOWN) -> tuple[str, str]:
    """`custody.html`, split at the rows of its table; it names at most `shown` missing items and
    differences."""
    style, voice = asset("custody.css"), custody.voice
    start, _, end = voice.render(
        "custody.html",
        policy=policy(style),
        style=Markup(style),  # noqa: S704 - ours
        title=custody.title,
        facts=list(facts(custody, voice)),
        shown=shown,
        missing=[_sentence(one) for one in _missing(custody, voice)],
        redactions=list(_redactions(custody, voice)),
        written=sorted(
            {f"{one['writtenAs']}; {one['decodedWith']}" for one in custody.copies.made}
        ),
        how=custody.copies.redactions,
        masked=[voice.say(f"mask.{one}") for one in sorted(custody.copies.masks.kinds)],
        who=who(custody, voice.say),
        differences=[_sentence(one) for one in custody.contents.differences],
        rows=_ROWS,
    ).partition(_ROWS)
    return start, end


_ROWS: Final = Markup("<!-- rows -->\n")
"""Placeholder for the rows of the table, which may not fit in memory."""


@dataclass(frozen=True, slots=True)
class Fact:
    """The content of a row, and a digest to show below it."""

    text: str
    hash: str | None = None


def facts(custody: Custody, voice: Voice) -> Iterator[tuple[str, Fact]]:
    """The facts about the export, by the names of their rows."""
    packed, say = custody.contents, voice.say
    yield (
        "contents",
        Fact(
            say(
                "custody.contents",
                calls=say("count.calls", count=packed.calls),
                recordings=say("count.recordings", count=packed.recordings),
                size=voice.wording.size(packed.bytes),
            )
        ),
    )
    yield "period", Fact(voice.period(packed.first, packed.last))
    yield "asked", Fact(_asked(custody, voice))
    yield "exported", Fact(voice.moment(custody.at))
    yield "by", Fact(who(custody, say))
    yield "with", Fact(say("custody.with", version=__version__, export=custody.export_id))
    yield "archive", Fact(custody.archive_id, ARCHIVE_FORMAT)
    for name, head in (("head", custody.chosen.head), ("recorded", custody.recorded_in)):
        yield name, Fact(say("custody.segment", number=head.number), head.digest)
    yield "manifest", Fact(MANIFEST, custody.manifest_sha256)
    if custody.seal.key_id is not None:
        yield "signed", Fact(say("custody.signed", path=SIGNED), custody.seal.key_id)
    if custody.seal.stamped_at is not None:
        yield "stamped", Fact(voice.moment(custody.seal.stamped_at))
    yield "fetching", Fact(custody.chosen.fetched.said(say))


def _redactions(custody: Custody, voice: Voice) -> Iterator[dict[str, str]]:
    for one in custody.copies.made:
        for span in one["spans"]:
            yield {
                "recording": str(one["recordId"]),
                "span": f"{_exact(span['replacedFrom'])}\N{EN DASH}{_exact(span['replacedUntil'])}",
                "side": voice.say(f"side.{span['side']}"),
                "reason": span["reason"],
                "original": one["redactedCopyOf"]["sha256"],
            }


def _exact(seconds: float) -> str:
    """A position such as `1:02.5`."""
    return f"{clock(int(seconds))}.{int(seconds * 10) % 10}"


def _asked(custody: Custody, voice: Voice) -> str:
    fetched, say = custody.chosen.fetched, voice.say
    period = _asked_period(custody, voice)
    if (last_run := custody.chosen.last_run) and not (fetched.since and fetched.until):
        return say("custody.asked.archive", period=period, last_run=voice.moment(last_run))
    return period


def _asked_period(custody: Custody, voice: Voice) -> str:
    since, until = custody.asked_since, custody.asked_until
    if since and until:
        values = {"since": voice.moment(since), "until": voice.moment(until)}
        return voice.say("custody.asked.window", **values)
    if since:
        return voice.say("custody.asked.since", since=voice.moment(since))
    if until:
        return voice.say("custody.asked.until", until=voice.moment(until))
    return voice.say("custody.asked.all")


def who(custody: Custody, say: Messages) -> str:
    """Who exported, in words."""
    exporter = custody.exporter
    account = say("custody.by.account", user=exporter.user, host=exporter.host)
    name = custody.request.by
    return say("custody.by.named", name=name, account=account) if name else account


def _missing(custody: Custody, voice: Voice) -> Iterator[str]:
    say, chosen = voice.say, custody.chosen
    for what in chosen.not_found:
        yield say("custody.missing.found", what=what).removesuffix(".")
    for gap in chosen.fetched.gaps:
        yield say("custody.missing.gap", gap=gap).removesuffix(".")
    for one in custody.contents.missing:
        yield one.said(say)


def _sentence(said: str) -> str:
    return f"{said[:1].upper()}{said[1:]}."


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
