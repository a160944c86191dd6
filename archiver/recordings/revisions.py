"""The line of a sidecar: the current one under its key, and the kept revisions that led to it.

A revision is kept before it is replaced, so the line back from any sidecar has no gap. A run killed
between replacing and recording leaves links that the ledger does not know, and several such runs
leave several. Following the line back to the recorded one finds them all; if the line does not lead
there, someone else changed the sidecar.
"""

import hashlib
from collections.abc import AsyncIterator

from msgspec import Struct

from archiver.errors import KeyMissing
from archiver.ledger.events import Revised
from archiver.recordings import sidecar
from archiver.recordings.sidecar import Sidecar
from archiver.storage.base import ObjectInfo, Storage
from archiver.storage.keys import revision_key


class Link(Struct, frozen=True):
    """One sidecar of a line: its key, its bytes, and its content."""

    info: ObjectInfo
    data: bytes
    card: Sidecar

    @property
    def sha256(self) -> str:
        """The digest of the file."""
        return hashlib.sha256(self.data).hexdigest()


async def read_link(storage: Storage, key: str) -> Link:
    """The sidecar under `key`. Raises KeyMissing, and ValueError if the object is not a sidecar."""
    info = await storage.stat(key)
    data = await storage.read(key, limit=sidecar.MOST_BYTES)
    return Link(info, data, sidecar.decode(data))


async def line_back(storage: Storage, under: str, revision: int) -> AsyncIterator[Link]:
    """The kept sidecars before `revision` of the one under `under`, newest first.

    Ends where the line ends: at the first revision, or at a gap.
    """
    for number in range(revision - 1, 0, -1):
        try:
            link = await read_link(storage, revision_key(under, number))
        except (KeyMissing, ValueError):
            return
        yield link


async def line_since(storage: Storage, under: str, known_sha256: str) -> list[Link] | None:
    """The recorded sidecar, and its successors, oldest first.

    None if the line back from the current one does not lead to it: someone else changed it. Raises
    KeyMissing, and ValueError if the object is not a sidecar.
    """
    line = [await read_link(storage, under)]
    if line[0].sha256 == known_sha256:
        return line
    async for link in line_back(storage, under, line[0].card.revision):
        line.insert(0, link)
        if link.sha256 == known_sha256:
            return line
    return None


def succession(record_id: int, older: Link, newer: Link) -> Revised:
    """The event that `newer` replaced `older`, which was kept; as recorded by a later run."""
    return Revised(
        record_id=record_id,
        revision=newer.card.revision,
        sidecar_bytes=len(newer.data),
        sidecar_sha256=newer.sha256,
        metadata_sha256=newer.card.metadata_digest,
        has_summary=newer.card.has_summary,
        previous_key=older.info.key,
        previous_sha256=older.sha256,
        previous_version=older.info.version,
        findings=new_findings(older.card, newer.card),
    )


def new_findings(older: Sidecar, newer: Sidecar) -> tuple[str, ...] | None:
    """The findings of the audio where they are others than before."""
    return None if newer.findings == older.findings else newer.findings
