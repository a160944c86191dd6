"""The custody record: who handed over what, when, from which archive, and what is missing and why.

`custody.json` is for machines, `custody.html` for people; both are tag files of the bag, since they
differ from one export to the next while the payload does not.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Final

from archiver import __version__
from archiver.archive.format import FORMAT as ARCHIVE_FORMAT
from archiver.clock import stamp, stamp_or_none
from archiver.export.bag import MANIFEST
from archiver.export.entries import CallEntry, Contents, RecordingEntry
from archiver.export.markup import address, asset, count, policy, say_period, text
from archiver.export.request import ExportRequest
from archiver.export.selection import Chosen
from archiver.ledger.segments import Head
from archiver.text.measures import say_size

FORMAT: Final = "liner-custody/1"

_SHOWN: Final = 1000
"""Sentences of one list on the page; `custody.json` has them all."""


@dataclass(frozen=True, slots=True)
class Exporter:
    """Who exports: the account and the machine."""

    user: str
    host: str


@dataclass(frozen=True, slots=True)
class Custody:
    """All that a custody record says, but for the list of recordings.

    `recorded_in` is the head of the ledger with the segment that tells of the export.
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

    def as_json(self) -> dict[str, Any]:
        """The members of `custody.json` that come before its recordings."""
        request, fetched = self.request, self.chosen.fetched
        return {
            "format": FORMAT,
            "exportId": self.export_id,
            "title": request.title,
            "exportedAt": stamp(self.at),
            "exportedBy": {
                "name": request.by,
                "user": self.exporter.user,
                "host": self.exporter.host,
            },
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
                "leads": list(request.leads),
                "orders": list(request.orders),
                "calls": list(request.calls),
                "phones": list(request.phones),
                "notFound": list(self.chosen.not_found),
            },
            "period": {
                "askedSince": stamp_or_none(fetched.since),
                "askedUntil": stamp_or_none(fetched.until),
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
            "missing": [one.as_json() for one in self.contents.missing],
            "differences": list(self.contents.differences),
        }


def json_start(custody: Custody) -> str:
    """`custody.json` up to its recordings, one member a line."""
    lines = (f"  {_dump(name)}: {_dump(value)},\n" for name, value in custody.as_json().items())
    return "{\n" + "".join(lines) + '  "recordings": [\n'


def json_line(call: CallEntry, one: RecordingEntry, sidecar_sha256: str) -> str:
    """A recording of `custody.json`; a comma comes before each but the first."""
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
        }
    )


JSON_END: Final = "\n  ]\n}\n"


def page_row(call: CallEntry, one: RecordingEntry, zone: tzinfo) -> str:
    """A recording in the table of `custody.html`."""
    at = one.at or call.at
    when = f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}" if at else "undated"
    link = f'<a href="data/{address(one.file or "")}">{text(one.file)}</a>'
    return (
        f'<tr><td class="when">{when}</td><td>{one.record_id}<br>{link}</td>'
        f'<td class="bytes">{one.size:,}</td><td class="hash">{text(one.sha256)}</td></tr>\n'
    )


def page_start(custody: Custody, zone: tzinfo) -> str:
    """`custody.html` up to the rows of its table."""
    style = asset("custody.css")
    title = text(custody.request.title)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy(style)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Custody record: {title}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        f'<p class="kicker">Custody record</p>\n<h1 dir="auto">{title}</h1>\n'
        f"{_LINKS}<dl>{_facts(custody, zone)}</dl>\n"
        f"{_missing(custody)}{_differences(custody)}{_CHECKING}"
        "<h2>Recordings</h2>\n<table><thead><tr><th>Date and time</th><th>Recording and file</th>"
        "<th>Bytes</th><th>SHA-256</th></tr></thead><tbody>\n"
    )


PAGE_END: Final = (
    "</tbody></table>\n"
    '<div class="signatures"><div><h2>Handed over by</h2><p>Name, date, signature</p></div>'
    "<div><h2>Received by</h2><p>Name, date, signature</p></div></div>\n</body>\n</html>\n"
)


_LINKS: Final = (
    '<p class="links"><a href="data/index.html">Open the calls, to listen and read</a>'
    '<a href="data/calls.csv">Table of the calls</a></p>\n'
)

_CHECKING: Final = (
    "<h2>How to check this package</h2>\n"
    "<p>In its folder, with what Linux and macOS have on board "
    "(<code>sha256sum</code>, or <code>shasum -a 256</code>):</p>\n"
    "<pre>sha256sum --check --quiet manifest-sha256.txt tagmanifest-sha256.txt</pre>\n"
    "<p>In PowerShell, which Windows has on board:</p>\n"
    "<pre>Get-Content -Encoding UTF8 manifest-sha256.txt, tagmanifest-sha256.txt | "
    "ForEach-Object {\n"
    "  $sum, $file = $_ -split '  ', 2\n"
    '  if ((Get-FileHash -LiteralPath $file).Hash -ne $sum) { "CHANGED: $file" }\n'
    "}</pre>\n"
    "<p>It is a BagIt bag (RFC 8493), so any BagIt tool checks it as well, for example "
    "<code>bagit.py --validate .</code> No complaint means that every byte is the one that was "
    "packed.</p>\n"
    "<p>Each recording was read from the archive and compared with the SHA-256 that the "
    "archive&#8217;s ledger has held since the recording was fetched. That shows that nothing "
    "changed since then; it does not show what happened before. The ledger is a chain: its "
    "head, noted above, stands for everything before it.</p>\n"
)


def _facts(custody: Custody, zone: tzinfo) -> str:
    fetched, packed = custody.chosen.fetched, custody.contents
    period = say_period(packed.first, packed.last, zone)
    asked = "all time"
    if fetched.since and fetched.until:
        since, until = _moment(fetched.since, zone), _moment(fetched.until, zone)
        asked = f"all time, which is from {since} up to {until}"
    elif last_run := custody.chosen.last_run:
        asked = f"all time, as the archive knew it after its run of {_moment(last_run, zone)}"
    facts: Mapping[str, str] = {
        "Contents": f"{count(packed.calls, 'call')}, {count(packed.recordings, 'recording')}, "
        f"{say_size(packed.bytes)} of audio",
        "Calls of": text(period),
        "Asked for": text(asked),
        "Exported": _moment(custody.at, zone),
        "By": text(_who(custody)),
        "With": f"archiver {__version__}, export {text(custody.export_id)}",
        "From archive": f'{text(custody.archive_id)}<br><span class="hash">{ARCHIVE_FORMAT}</span>',
        "Ledger head": _head(custody.chosen.head),
        "This export is in": _head(custody.recorded_in),
        "Manifest": f"{MANIFEST}<br>{_hash(custody.manifest_sha256)}",
        "Fetching": text(fetched.sentence),
    }
    return "".join(f"<dt>{name}</dt><dd>{said}</dd>" for name, said in facts.items())


def _who(custody: Custody) -> str:
    account = f"account {custody.exporter.user} on {custody.exporter.host}"
    return f"{custody.request.by} ({account})" if custody.request.by else account


def _head(head: Head) -> str:
    return f"segment {head.number}<br>{_hash(head.digest)}"


def _hash(digest: str | None) -> str:
    return f'<span class="hash">{text(digest)}</span>'


def _missing(custody: Custody) -> str:
    said = [f"Nothing was found for {one}." for one in custody.chosen.not_found]
    said += [f"Calls may be missing: {gap}." for gap in custody.chosen.fetched.gaps]
    said += [_sentence(one.sentence) for one in custody.contents.missing]
    if not said:
        return "<h2>What is missing</h2>\n<p>Nothing that the archive knows of.</p>\n"
    return f'<h2>What is missing, and why</h2>\n<ul class="warn">{_items(said)}</ul>\n'


def _differences(custody: Custody) -> str:
    if not custody.contents.differences:
        return ""
    said = [_sentence(one) for one in custody.contents.differences]
    return f"<h2>What does not agree</h2>\n<ul>{_items(said)}</ul>\n"


def _sentence(said: str) -> str:
    return f"{said[:1].upper()}{said[1:]}."


def _items(sentences: Sequence[str]) -> str:
    shown = list(sentences[:_SHOWN])
    if more := len(sentences) - len(shown):
        shown.append(f"And {more:,} more, all of them in custody.json.")
    return "".join(f"<li>{text(one)}</li>" for one in shown)


def _moment(at: datetime, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S} {text(zone)}"


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
