"""The reviews of a period, read from the desk's file, whether or not the desk is running.

An unreadable file counts as one without reviews.
"""

import sqlite3
from array import array
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from archiver.catalog.epoch import seconds
from archiver.sqlite.connections import open_reader

_REVIEWED: Final = "SELECT DISTINCT record_id FROM verdicts WHERE state = 'submitted'"
_GIVEN: Final = """
    SELECT count(*), count(DISTINCT reviewer) FROM verdicts
    WHERE state = 'submitted' AND (created_at >= :since OR :since IS NULL)
      AND (created_at < :until OR :until IS NULL)
"""


@dataclass(frozen=True, slots=True)
class Reviews:
    """Every recording with a submitted verdict; verdicts begun in the period, and by how many
    reviewers."""

    record_ids: "array[int]"
    verdicts: int
    reviewers: int


def reviews_of(
    path: Path, archive_id: str, since: datetime | None, until: datetime | None
) -> Reviews | None:
    """The reviews in the desk's file of this archive; None if there is no such file.

    Blocks. An unreadable file counts as none.
    """
    if not path.is_file():
        return None
    try:
        with closing(open_reader(path)) as db:
            if db.execute("SELECT archive_id FROM head").fetchone() != (archive_id,):
                return None
            record_ids = array("q", (one for (one,) in db.execute(_REVIEWED)))
            bounds = {"since": seconds(since), "until": seconds(until)}
            verdicts, reviewers = db.execute(_GIVEN, bounds).fetchone()
            return Reviews(record_ids, verdicts, reviewers)
    except (sqlite3.Error, OSError, TypeError):
        return None
