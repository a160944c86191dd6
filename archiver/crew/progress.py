"""What is told of a batch while it lasts (pure): bytes that have arrived, and retries.

The answer comes when the whole batch has ended; large recordings take minutes until then.
"""

import json
from dataclasses import dataclass, field

from archiver.errors import ArchiverError
from archiver.tasks.retry import RetryScheduled
from archiver.text.json import read_json


@dataclass(slots=True)
class Progress:
    """Gathers news until somebody takes them."""

    received: int = 0
    retries: list[RetryScheduled] = field(default_factory=list)

    def receive(self, count: int) -> None:
        """So many more bytes have arrived."""
        self.received += count

    def retry(self, scheduled: RetryScheduled) -> None:
        """A fetch is tried again."""
        self.retries.append(scheduled)

    def take(self) -> bytes:
        """The news since the last call of this, as `read_progress` reads them; nothing of none."""
        if not self.received and not self.retries:
            return b""
        retries = [
            [one.record_id, one.attempt, one.attempts, one.wait, str(one.error)]
            for one in self.retries
        ]
        told = json.dumps({"received": self.received, "retries": retries})
        self.received = 0
        self.retries.clear()
        return told.encode("ascii")


def read_progress(data: bytes) -> Progress:
    """The news. ValueError when these are none."""
    told = read_json(data)
    try:
        retries = [
            RetryScheduled(attempt, attempts, wait, ArchiverError(text), record_id)
            for record_id, attempt, attempts, wait, text in told["retries"]
        ]
        return Progress(int(told["received"]), retries)
    except (KeyError, TypeError) as error:
        raise ValueError(f"not progress: {type(error).__name__}") from error
