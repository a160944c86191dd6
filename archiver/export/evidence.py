"""Adds evidence for the ledger to a package: a signature and a time stamp of its head.

If evidence is configured, the head that records the export is signed and time-stamped; otherwise
the newest ones in the archive are used. They are verified with the keys in the archive, and copied
into the package unchanged, so that anyone with the public key can verify them again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from archiver.archive.archive import Archive
from archiver.clock import Clock
from archiver.config import EvidenceConfig
from archiver.errors import ArchiverError
from archiver.evidence.exports import FOLDER
from archiver.evidence.troubles import Trouble
from archiver.extras import is_installed
from archiver.http.proxies import DIRECT, Proxies
from archiver.ledger.segments import Head

if TYPE_CHECKING:
    from archiver.evidence.objects import Exhibits


@dataclass(frozen=True, slots=True)
class Signature:
    """The key that signed the head, and the time by the signer's clock."""

    head: Head
    at: datetime
    key_id: str
    file: str


@dataclass(frozen=True, slots=True)
class Stamp:
    """The time at which the head existed by an authority's clock; `is_checked` against its root
    certificate."""

    head: Head
    at: datetime
    authority: str
    is_checked: bool
    file: str


@dataclass(slots=True)
class LedgerEvidence:
    """The evidence found, and its files by their paths in the package."""

    signature: Signature | None = None
    stamp: Stamp | None = None
    files: dict[str, bytes] = field(default_factory=dict)
    troubles: list[Trouble] = field(default_factory=list)


async def ledger_evidence(
    archive: Archive,
    config: EvidenceConfig,
    head: Head,
    *,
    clock: Clock,
    proxies: Proxies = DIRECT,
) -> LedgerEvidence:
    """Create the configured evidence for the head, and find the newest for it or an earlier one.

    Failures are returned as troubles and end nothing.
    """
    found = LedgerEvidence()
    if not is_installed("evidence"):
        return found
    from archiver.evidence.attest import attest
    from archiver.evidence.objects import read_exhibits

    try:
        done = await attest(
            archive.storage, archive.archive_id, head, config, clock=clock, proxies=proxies
        )
        found.troubles += done.troubles if done else ()
        exhibits = await read_exhibits(archive.storage)
        _take_signature(exhibits, archive.archive_id, head, found)
        await _take_stamp(exhibits, config, head, found)
    except ArchiverError as error:
        found.troubles.append(Trouble.of("evidence of the ledger is missing", error))
    return found


def _take_signature(
    exhibits: "Exhibits", archive_id: str, head: Head, found: LedgerEvidence
) -> None:
    from archiver.evidence.trust import trust_of

    trust = trust_of(exhibits, None, archive_id)
    for key, one, signed in sorted(exhibits.heads, key=lambda each: each[1].head.number):
        public = trust.keys.get(str(one.key_id))
        if public is None or one.archive_id != archive_id or not _is_before(one.head, head):
            continue
        if len(signed.signatures) == 1 and public.verifies(signed.signatures[0], signed.line):
            file = _path(key)
            found.signature = Signature(one.head, one.at, public.key_id, file)
            pem = f"{FOLDER}{public.key_id[:16]}.pem"
            _replace(found.files, (".signed", ".pem"), {file: signed.data, pem: public.pem})


async def _take_stamp(
    exhibits: "Exhibits", config: EvidenceConfig, head: Head, found: LedgerEvidence
) -> None:
    from archiver.evidence.time_stamps import read_stamp, roots_of

    roots = await roots_of(config)
    for key, stamped, data in sorted(exhibits.stamps, key=lambda each: each[1].number):
        try:
            one = read_stamp(data, roots)
        except ValueError:
            continue  # `verify` reports it
        if not one.problem and one.digest == stamped.digest and _is_before(stamped, head):
            file = _path(key)
            found.stamp = Stamp(stamped, one.at, one.authority, bool(roots), file)
            _replace(found.files, (".tsr",), {file: data})


def _is_before(one: Head, head: Head) -> bool:
    return one == head or one.number < head.number


def _path(key: str) -> str:
    return FOLDER + key.rpartition("/")[2]


def _replace(files: dict[str, bytes], kinds: tuple[str, ...], new: Mapping[str, bytes]) -> None:
    for name in [name for name in files if name.endswith(kinds)]:
        del files[name]
    files.update(new)
