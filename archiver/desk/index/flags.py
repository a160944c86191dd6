"""What is known of recordings outside of the file of the index: whether they are held, reviewed."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from archiver.desk.index.columns import Columns, Ints
from archiver.desk.index.entries import Entry
from archiver.desk.index.rows import Flags

_NONE: Final = Flags(is_held=False, is_reviewed=False)


def flags_of(columns: Columns, record_ids: Sequence[int]) -> list[Flags]:
    """Of each recording; of one that is not known, that it is neither."""
    places = [columns.position(one) for one in record_ids]
    return [_NONE if place is None else flags_at(columns, np.array([place]))[0] for place in places]


def flags_at(columns: Columns, rows: Ints) -> list[Flags]:
    """Of the recordings in these rows."""
    pairs = zip(columns.is_held[rows].tolist(), columns.is_reviewed[rows].tolist(), strict=True)
    return [Flags(is_held, is_reviewed) for is_held, is_reviewed in pairs]


def with_flags(entry: Entry, flags: Flags) -> Entry:
    """The entry with what is known of it."""
    if not any(flags):
        return entry
    return entry._replace(is_held=flags.is_held, is_reviewed=flags.is_reviewed)
