"""An export requested in the desk, created in a separate process.

The desk starts `PACK`, hands the job over on its input and reads the outcome from its output. A
desk that dies closes the input, which ends this process as well.
"""

import json
import os
import pickle
import sys
import threading
from typing import Final

import anyio

from archiver.cli.act_options import deed_of
from archiver.cli.evidence import acted_anew
from archiver.cli.exporting import exporter_here
from archiver.console import Console
from archiver.desk.packages.orders import Packed, Wish
from archiver.desk.packages.packing import LENGTH_BYTES, Job
from archiver.errors import ArchiverError
from archiver.export.custody import acts_of_export
from archiver.export.encryption import Lock, checked_password, checked_recipients
from archiver.export.masking import Mask
from archiver.export.outcome import ExportReport
from archiver.export.package import export
from archiver.export.redactions import Reason, Redactions
from archiver.export.request import ExportRequest, Fetched, Trace
from archiver.export.selection import Named, Selection
from archiver.retention.acts import Why

PACK: Final = (sys.executable, "-m", "archiver.cli.desk_packing")
"""The command of the process."""


def main() -> None:
    """Do the job from the input, and write the result."""
    source = sys.stdin.buffer
    length = int.from_bytes(source.read(LENGTH_BYTES), "big")
    job = pickle.loads(source.read(length))  # noqa: S301 - from the desk that started us
    assert isinstance(job, Job)  # noqa: S101 - for the type checker
    threading.Thread(target=_end_with_the_desk, daemon=True).start()
    done = pack(job)
    told: dict[str, object] = {"problem": done}
    if isinstance(done, Packed):
        told = {
            "bytes": done.bytes,
            "manifestSha256": done.manifest_sha256,
            "missing": done.missing,
        }
    sys.stdout.write(json.dumps(told))


def _end_with_the_desk() -> None:
    # Not through the buffered reader: a thread waiting in it keeps the interpreter from ending.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os._exit(1)


def pack(job: Job) -> Packed | str:
    """Export the archived ones of the recordings, and record it like any export.

    Returns the reason if there is no package. Makes no API requests.
    """
    os.umask(0o077)
    try:
        report = anyio.run(_pack, job)
        size = job.path.stat().st_size
    except ArchiverError as error:
        return f"{error}; {error.hint}" if error.hint else str(error)
    return Packed(size, report.custody.manifest_sha256, len(report.lacking))


async def _pack(job: Job) -> ExportReport:
    order, wish = job.order, job.order.wish
    request = ExportRequest(
        target=job.path,
        selection=Selection(listed=Named(recordings=frozenset(wish.record_ids))),
        offline=True,
        force=True,  # a desk that was killed may have left the same package
        leave_out_damaged=True,
        by=order.asked_by,
        language=wish.language,
        waveforms=True,
        load_file=wish.load_file,
        redactions=_redactions(wish),
        masked=frozenset(map(Mask, wish.masks)),
        lock=_lock(job),
        certificate_pdf=wish.certificate_pdf,
        why=Why(wish.reason, f"{order.asked_by}, at the desk", wish.case, wish.recipient).checked(),
    )
    report = await export(
        job.config,
        request,
        Fetched("offline"),
        Trace(),
        exporter=exporter_here(),
        on_event=lambda event: None,
        state_folder=job.state_folder,
    )
    for did, concerning in acts_of_export(report.custody):
        deed = deed_of(did, request.why, **concerning)
        await acted_anew(job.config, job.state_folder, Console(), deed)
    return report


def _lock(job: Job) -> Lock | None:
    if job.order.wish.keys:
        return checked_recipients(job.order.wish.keys)
    return None if job.password is None else checked_password(job.password.reveal())


def _redactions(wish: Wish) -> Redactions | None:
    spans: dict[int, tuple[Reason, ...]] = {}
    for left in wish.spans:
        spans[left.record_id] = (*spans.get(left.record_id, ()), Reason(left.span, left.reason))
    return Redactions(spans, fill=wish.fill) if spans else None


if __name__ == "__main__":
    main()
