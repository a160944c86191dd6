"""An export that somebody asked for at the desk, made in a process of its own."""

import os
from functools import partial
from pathlib import Path

import anyio

from archiver.cli.acting import deed_of
from archiver.cli.exporting import exporter_here
from archiver.cli.vouching import acted_anew
from archiver.config import Config
from archiver.console import Console
from archiver.desk.packages.orders import Order, Packed
from archiver.errors import ArchiverError
from archiver.export.outcome import ExportReport
from archiver.export.package import export
from archiver.export.request import ExportRequest, Fetched, Trace
from archiver.export.selection import Named, Selection
from archiver.retention.acts import Did, Why


def pack(config: Config, state_folder: Path, path: Path, order: Order) -> Packed | str:
    """Export what the archive holds of the recordings to `path`, and record it as every export is.

    Returns why there is no package, where there is none. The API is not asked for anything.
    """
    os.umask(0o077)
    try:
        report = anyio.run(partial(_pack, config, state_folder, path, order))
        size = path.stat().st_size
    except ArchiverError as error:
        return f"{error}; {error.hint}" if error.hint else str(error)
    return Packed(size, report.custody.manifest_sha256, len(report.lacking))


async def _pack(config: Config, state_folder: Path, path: Path, order: Order) -> ExportReport:
    wish = order.wish
    request = ExportRequest(
        target=path,
        selection=Selection(listed=Named(recordings=frozenset(wish.record_ids))),
        offline=True,
        force=True,  # a desk that was killed may have left the same package
        leave_out_damaged=True,
        by=order.asked_by,
        language=wish.language,
        waveforms=True,
        load_file=wish.load_file,
    )
    report = await export(
        config,
        request,
        Fetched("offline"),
        Trace(),
        exporter=exporter_here(),
        on_event=lambda event: None,
        state_folder=state_folder,
    )
    why = Why(wish.reason, f"{order.asked_by}, at the desk", wish.case, wish.recipient).checked()
    made = report.custody
    deed = deed_of(Did.EXPORT, why, exportId=made.export_id, manifest=made.manifest_sha256)
    await acted_anew(config, state_folder, Console(), deed)
    return report
