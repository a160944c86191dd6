"""The version that a form was based on, and the result of a repeated form.

Two mechanisms keep what people type from being lost or duplicated, for everything that can be
written in the desk:

- A row that can be changed has a `version`, and stores the page (`writer`) that wrote it last. A
  form has the version that it showed and the id of its page. It is accepted if nothing else has
  written since: a response of the desk may be lost, and the page then sends its next change with
  the version that it knows. Anything else is rejected, and nothing is merged.
- A form that creates something has a token. The first one creates; the same token again, from a
  second click or a repeated request, returns what the first one created.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from archiver.errors import ChangedMeanwhile

LONGEST_TOKEN: Final = 64
_KEPT: Final = int(timedelta(days=30).total_seconds())
"""How long after going offline a browser can repeat a form."""
_EARLIER: Final = ""
"""The kind of what was made before kinds were kept, and may be sent again after the update."""


@dataclass(frozen=True, slots=True)
class Basis:
    """The version that a form showed (0: none existed yet), and the id of its page."""

    version: int
    writer: str = ""

    def need(self, version: int, writer: str) -> None:
        """Raise ChangedMeanwhile unless the row is as shown by the form, or written by its page."""
        is_own = bool(self.writer) and writer == self.writer and self.version < version
        if version != self.version and not is_own:
            raise ChangedMeanwhile(
                f"the current version is {version}, but the form was based on {self.version}",
                hint="compare both, then save one of them",
            )


@dataclass(frozen=True, slots=True)
class Once:
    """One creating form of one person: `kind` is what it creates, and where, such as `note/456`.

    The token of one form means nothing in another. An empty one stands for a form that cannot be
    repeated.
    """

    name: str
    kind: str
    token: str
    now: int

    def make(self, db: sqlite3.Connection, create: Callable[[], int]) -> int:
        """The id of what `create` made, now or for the same token before; in the caller's
        transaction."""
        if not self.token:
            return create()
        found = db.execute(
            "SELECT made FROM receipts WHERE name = ? AND kind IN (?, ?) AND token = ?",
            (self.name, self.kind, _EARLIER, self.token),
        ).fetchone()
        if found is not None:
            return int(found[0])
        made = create()
        db.execute(
            "INSERT INTO receipts (name, kind, token, made, at) VALUES (?, ?, ?, ?, ?)",
            (self.name, self.kind, self.token, made, self.now),
        )
        db.execute("DELETE FROM receipts WHERE at < ?", (self.now - _KEPT,))
        return made
