"""When a recording is erased or pruned in the archive, the desk deletes what was written about it.

Text is deleted: notes, tags, the comments of verdicts and of their earlier revisions, drafts, and
queue entries, which have reasons for skips. Only the answers of submitted verdicts remain, which
are numbers about an agent's work, and the access log, which has ids.
"""

import sqlite3
from collections.abc import Sequence
from functools import partial
from typing import Final

from archiver.desk.file import DeskFile

_AT_ONCE: Final = 5000
_ACTS: Final = (
    "DELETE FROM notes WHERE record_id IN these",
    "DELETE FROM removed_notes WHERE record_id IN these",
    "DELETE FROM moments WHERE record_id IN these",
    "DELETE FROM tags WHERE record_id IN these",
    "DELETE FROM redactions WHERE record_id IN these",
    "DELETE FROM places WHERE record_id IN these",
    "DELETE FROM verdicts WHERE state = 'draft' AND record_id IN these",
    "UPDATE steps SET text = '' WHERE text <> '' AND verdict_id IN"
    " (SELECT verdict_id FROM verdicts WHERE record_id IN these)",
    "UPDATE calibration_calls SET comment = '' WHERE comment <> '' AND record_id IN these",
    "UPDATE verdicts SET comment = '', remarks = '{}'"
    " WHERE (comment <> '' OR remarks <> '{}') AND record_id IN these",
    "UPDATE former_verdicts SET comment = '', remarks = '{}'"
    " WHERE (comment <> '' OR remarks <> '{}') AND verdict_id IN"
    " (SELECT verdict_id FROM verdicts WHERE record_id IN these)",
)


async def forget(file: DeskFile, record_ids: Sequence[int]) -> int:
    """Delete what was written about these recordings; returns the number of rows.

    Can be repeated with the same ids. No trace stays in the file or in its log.
    """
    forgotten = 0
    for first in range(0, len(record_ids), _AT_ONCE):
        some = [(record_id,) for record_id in record_ids[first : first + _AT_ONCE]]
        forgotten += await file.write(partial(_forget, some))
    if forgotten:
        await file.scrub()
    return forgotten


def _forget(some: Sequence[tuple[int]], db: sqlite3.Connection) -> int:
    db.execute("CREATE TEMP TABLE these (record_id INTEGER PRIMARY KEY)")
    try:
        db.executemany("INSERT OR IGNORE INTO these VALUES (?)", some)
        return sum(db.execute(act).rowcount for act in _ACTS)
    finally:
        db.execute("DROP TABLE these")
