"""Records an export in the ledger, and signs it: after this, its custody record is complete."""

import hashlib
from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from archiver.archive.archive import Archive
from archiver.clock import Clock, stamp
from archiver.config import Config
from archiver.evidence.exports import Packed, seal
from archiver.export.bag import Written
from archiver.export.choosing import Chosen
from archiver.export.copies import Copies, redactions_json
from archiver.export.custody import Custody, Exporter
from archiver.export.entries import Contents
from archiver.export.request import ExportRequest
from archiver.export.voice import Voice
from archiver.ledger.events import Exported
from archiver.retention.acts import name_of_act

_IDS_AN_EVENT: Final = 500
"""Recordings per line of the ledger."""


async def announce(
    archive: Archive,
    config: Config,
    request: ExportRequest,
    chosen: Chosen,
    done: Contents,
    manifest: Written,
    *,
    exporter: Exporter,
    voice: Voice,
    copies: Copies,
    clock: Clock,
) -> Custody:
    """Record the export in the ledger, and sign its manifest; returns the custody record.

    Raises StorageError if the ledger cannot be written: there must be no package then.
    """
    at = clock()
    export_id = name_of_act(at)
    redactions = None
    if request.redactions is not None:
        who = {"redactedBy": exporter.as_json(request.by), "redactedAt": stamp(at)}
        redactions = redactions_json(copies, exportId=export_id, **who)
    event = _event(request, done, manifest, copies, redactions)
    lines = list(_lines(event, done.record_ids))
    head = await archive.announce(lines, at=at, run=export_id)
    packed = Packed(archive.archive_id, export_id, manifest.sha256, head)
    return Custody(
        export_id=export_id,
        at=at,
        exporter=exporter,
        request=request,
        chosen=chosen,
        contents=done,
        archive_id=archive.archive_id,
        manifest_sha256=manifest.sha256,
        recorded_in=head,
        voice=voice,
        copies=copies,
        redactions=redactions,
        seal=await seal(
            packed,
            archive.storage,
            config.evidence,
            clock=clock,
            proxies=config.http.proxy,
        ),
    )


def _event(
    request: ExportRequest,
    done: Contents,
    manifest: Written,
    copies: Copies,
    redactions: str | None,
) -> Exported:
    return Exported(
        manifest_sha256=manifest.sha256,
        calls=done.calls,
        recordings=done.recordings,
        bytes=done.bytes,
        missing=len(done.missing),
        lead_ids=request.selection.leads,
        order_ids=request.selection.orders,
        call_ids=request.selection.calls,
        phones=len(request.selection.phones),
        redacted=len(copies.made) if redactions else None,
        redactions_sha256=_digest(redactions) if redactions else None,
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _lines(event: Exported, record_ids: list[int]) -> Iterator[Exported]:
    """The event, split into as many lines as its recordings need."""
    for first in range(0, max(len(record_ids), 1), _IDS_AN_EVENT):
        yield replace(event, record_ids=tuple(record_ids[first : first + _IDS_AN_EVENT]))
