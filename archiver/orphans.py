"""What a run that died left behind: recordings that neither ledger nor catalog tells of.

They are looked for only after an end that was out of order, since it takes a listing of the whole
archive. A recording that is found keeps its key, even if it would get another one today because its
lead has become known or it is listed under another call; but it is proved against the source like
any new one before it counts.
"""

from archiver.catalog.catalog import Catalog
from archiver.catalog.states import RecordingState
from archiver.storage.base import Storage
from archiver.storage.keys import ARCHIVE_PREFIX, parse_recording_key

_AT_ONCE = 500


async def find_orphans(storage: Storage, catalog: Catalog) -> dict[int, str]:
    """The key of the audio, or of the sidecar where that is all there is, by recording."""
    orphans: dict[int, str] = {}
    batch: dict[int, str] = {}
    async for info in storage.list():
        if info.key.startswith(ARCHIVE_PREFIX):
            continue
        found = parse_recording_key(info.key)
        if found is None:
            continue
        if not found.is_sidecar or found.record_id not in batch:
            batch[found.record_id] = info.key
        if len(batch) >= _AT_ONCE:
            orphans |= _unknown(batch, catalog)
            batch = {}
    return orphans | _unknown(batch, catalog)


def _unknown(batch: dict[int, str], catalog: Catalog) -> dict[int, str]:
    known = catalog.known(batch)
    return {
        record_id: key
        for record_id, key in batch.items()
        if record_id not in known or known[record_id].state is not RecordingState.ARCHIVED
    }
