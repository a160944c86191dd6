"""The tag files of a package: custody record, certificate, evidence, and the bag-info.txt.

They may differ between exports of the same calls; the payload does not.
"""

from collections.abc import Iterator

from anyio import to_thread

from archiver import __version__
from archiver.export import custody
from archiver.export.bag import Bag
from archiver.export.certificate import CERTIFICATE, certificate
from archiver.export.certificate_pdf import CERTIFICATE_PDF, certificate_pdf
from archiver.export.copies import REDACTIONS
from archiver.export.custody import Custody
from archiver.export.evidence import LedgerEvidence
from archiver.export.packing import Scratches
from archiver.text.measures import say_size


async def write_tag_files(
    bag: Bag, record: Custody, scratch: Scratches, proof: LedgerEvidence
) -> None:
    """Write all of them, and finish the bag. Raises StorageFull and other storage errors."""
    if record.redactions is not None:
        await bag.tag(REDACTIONS, record.redactions)
    await bag.tag("custody.json", custody.json_start(record), scratch.lines, custody.JSON_END)
    start, end = custody.page_parts(record)
    await bag.tag("custody.html", start, scratch.rows, end)
    await bag.tag(CERTIFICATE, certificate(record, proof))
    for path, data in sorted({**proof.files, **record.seal.files}.items()):
        await bag.tag_bytes(path, data)
    if record.request.certificate_pdf:
        made = await to_thread.run_sync(certificate_pdf, record, proof)
        await bag.tag_bytes(CERTIFICATE_PDF, made)
    await bag.finish(list(_bag_info(record)))


def _bag_info(record: Custody) -> Iterator[tuple[str, str]]:
    voice, packed = record.voice, record.contents
    say = voice.say
    calls = say("count.calls", count=packed.calls)
    recordings = say("count.recordings", count=packed.recordings)
    period = voice.period(packed.first, packed.last)
    yield "Bagging-Date", f"{record.at.astimezone(voice.zone):%Y-%m-%d}"
    yield "Bag-Software-Agent", f"archiver {__version__}"
    yield "Bag-Size", say_size(packed.bytes)
    yield "External-Identifier", record.export_id
    yield "External-Description", f"{calls}, {recordings}, {period}"
    yield "Internal-Sender-Identifier", f"archive {record.archive_id}"
