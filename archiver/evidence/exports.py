"""Evidence for an export: a signed statement about its manifest, and a time stamp of that.

Like the statement about a head, it is one line: the archive, the export, the SHA-256 of the
manifest, and the ledger segment that records the export. The imprint of the time stamp is the
SHA-256 of the statement's whole file. A failure of either does not fail the export.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from anyio import to_thread

from archiver.clock import Clock, stamp
from archiver.config import EvidenceConfig
from archiver.errors import ArchiverError, StampUnavailable
from archiver.evidence.keys import Signer, signer_of
from archiver.evidence.rotation import check_current
from archiver.evidence.stamping import fetch_stamp
from archiver.evidence.statements import Signed, line_of, signed_by
from archiver.evidence.time_stamps import read_stamp, roots_of
from archiver.evidence.troubles import Trouble
from archiver.http.proxies import DIRECT, Proxies
from archiver.ledger.segments import Head
from archiver.storage.base import Storage

EXPORT_FORMAT: Final = "liner-export/1"

FOLDER: Final = "evidence/"
SIGNED: Final = f"{FOLDER}manifest.signed"
STAMP: Final = f"{FOLDER}manifest.tsr"


@dataclass(frozen=True, slots=True)
class Packed:
    """The export that the evidence is about; `head` is the segment that records it."""

    archive_id: str
    export_id: str
    manifest_sha256: str
    head: Head


@dataclass(slots=True)
class Seal:
    """The evidence for an export. `files` go into the package under their paths; `troubles` says
    what was configured but failed."""

    files: dict[str, bytes] = field(default_factory=dict)
    key_id: str | None = None
    stamped_at: datetime | None = None
    troubles: list[Trouble] = field(default_factory=list)

    def as_json(self) -> Mapping[str, str | None] | None:
        """As in the custody record; None if there is no evidence."""
        if not self.files:
            return None
        return {
            "statement": SIGNED,
            "keyId": self.key_id,
            "stampedAt": None if self.stamped_at is None else stamp(self.stamped_at),
        }


async def seal(
    packed: Packed,
    storage: Storage,
    config: EvidenceConfig,
    *,
    clock: Clock,
    proxies: Proxies = DIRECT,
) -> Seal:
    """Sign and time-stamp the export as configured. `storage` is the archive's."""
    done = Seal()
    if config.sign is None and config.timestamp_url is None:
        return done
    signed = Signed(_line(packed, clock(), None))
    if config.sign is not None:
        try:
            signer = await to_thread.run_sync(signer_of, config)
            await check_current(storage, signer.public.key_id)
            signed = _signed(packed, clock(), signer, done)
        except ArchiverError as error:
            done.troubles.append(Trouble.of("the export is not signed", error))
    if config.timestamp_url is not None:
        try:
            await _stamp(signed, config, proxies, done)
        except ArchiverError as error:
            done.troubles.append(Trouble.of("the export is not time-stamped", error))
    if done.key_id is not None or done.stamped_at is not None:
        done.files[SIGNED] = signed.data
    return done


def _signed(packed: Packed, at: datetime, signer: Signer, done: Seal) -> Signed:
    done.key_id = signer.public.key_id
    done.files[f"{FOLDER}{done.key_id[:16]}.pem"] = signer.public.pem
    return signed_by(_line(packed, at, done.key_id), signer)


async def _stamp(signed: Signed, config: EvidenceConfig, proxies: Proxies, done: Seal) -> None:
    roots = await roots_of(config)
    data = await fetch_stamp(str(config.timestamp_url), signed.data, proxies=proxies)
    found = read_stamp(data, roots)
    if found.problem:
        raise StampUnavailable(f"the time stamp is invalid: {found.problem}")
    done.files[STAMP] = data
    done.stamped_at = found.at


def _line(packed: Packed, at: datetime, key_id: str | None) -> bytes:
    fields = {
        "format": EXPORT_FORMAT,
        "archive": packed.archive_id,
        "export": packed.export_id,
        "manifest": packed.manifest_sha256,
        "segment": packed.head.number,
        "head": packed.head.digest,
        "at": stamp(at),
    }
    return line_of(fields | ({} if key_id is None else {"key": key_id}))
