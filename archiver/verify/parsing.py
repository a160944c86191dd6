"""Lines of the ledger as rows of an inventory.

Nearly all lines only add a recording, and their order does not matter: they become rows here, in
any thread or process. All others stay lines, to be applied in order.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from archiver.clock import stamp
from archiver.ledger import events
from archiver.ledger.lines import Entry, read
from archiver.sqlite.errors import UNFIT
from archiver.verify.rows import Stored, row_of

_NAMES_NOTHING: Final = (events.CallJudged, events.CursorMoved, events.OrderSeen)


class Act(msgspec.Struct):
    """Any other event: its position among the lines (from 1), and its line."""

    position: int
    line: bytes


class Parsed(msgspec.Struct):
    """The rows and acts of some lines: each act comes after as many of the rows as `before` says.

    `bad` are the positions of lines that are not events or are invalid.
    """

    rows: list[Stored] = []
    acts: list[Act] = []
    before: list[int] = []
    bad: list[int] = []


def parse(lines: Sequence[bytes]) -> Parsed:
    """Parse events, as a catalog reads them: what one refuses is damage."""
    parsed = Parsed()
    at, stamped = None, ""
    for position, line in enumerate(lines, start=1):
        try:
            found = read(line)
            event = found.event if isinstance(found, Entry) else found
            if isinstance(event, events.Stored) and event.previous_key is None:
                if found.at != at:  # most lines of a run have the time of the line before
                    at, stamped = found.at, stamp(found.at)
                parsed.rows.append(row_of(event, stamped))
            elif not isinstance(event, _NAMES_NOTHING):
                parsed.acts.append(Act(position, line))
                parsed.before.append(len(parsed.rows))
        except (KeyError, RecursionError, *UNFIT):
            parsed.bad.append(position)
    return parsed
