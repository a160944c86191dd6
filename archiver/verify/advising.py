"""The next step that fits a finding in this archive and with this ledger (pure)."""

from typing import Final

from archiver.archive.format import encode_format
from archiver.ledger.walk import Walk
from archiver.storage.keys import FORMAT_KEY
from archiver.verify.findings import Finding, Unexpected

_LEDGER_FIRST = "a damaged ledger segment may name it: restore the ledger first, and verify again"
_LEDGER_IS_OLD = "restore the ledger first, and verify again: it may record different bytes here"
_NO_LEDGER = (
    "there is no ledger: if it was lost, restore it and verify again; if the first run was "
    "killed, `archiver run` continues it"
)
BY_A_RUN: Final = (
    "a run is in progress and has not recorded it for 45 s; verify again when it has finished"
)


def advised(finding: Finding, walk: Walk, *, breaks_ledger: bool) -> Finding:
    """The finding with that step."""
    if finding.key == FORMAT_KEY and walk.archive_id is not None:
        return finding.advised(_format_anew(walk.archive_id))
    if isinstance(finding, Unexpected) and not walk.head.number:
        return finding.advised(_NO_LEDGER)
    if not breaks_ledger:
        return finding
    return finding.advised(_LEDGER_FIRST if isinstance(finding, Unexpected) else _LEDGER_IS_OLD)


def _format_anew(archive_id: str) -> str:
    """How to recreate the file that names the archive: its bytes follow from the id."""
    text = encode_format(archive_id).decode().replace("\n", "\\n")
    return f"restore it from a copy, or write it again: printf '{text}' > {FORMAT_KEY}"
