"""Progress of a batch (pure): bytes received so far, and retries.

The answer is sent after the whole batch, which takes minutes for large recordings.
"""

import json

from msgspec import Struct, field

from archiver.errors import ArchiverError
from archiver.tasks.retry import RetryScheduled
from archiver.text.json import read_json


class Progress(Struct):
    """Collects progress until it is taken."""

    received: int = 0
    retries: list[RetryScheduled] = field(default_factory=list)

    def receive(self, count: int) -> None:
        """Count bytes that have arrived."""
        self.received += count

    def retry(self, scheduled: RetryScheduled) -> None:
        """Note a retry."""
        self.retries.append(scheduled)

    def take(self) -> bytes:
        """Encode everything since the last call, for `read_progress`; empty if there is nothing."""
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
    """Decode progress. Raises ValueError if it is invalid."""
    told = read_json(data)
    try:
        retries = [
            RetryScheduled(attempt, attempts, wait, ArchiverError(text), record_id)
            for record_id, attempt, attempts, wait, text in told["retries"]
        ]
        return Progress(int(told["received"]), retries)
    except (KeyError, TypeError) as error:
        raise ValueError(f"not progress: {type(error).__name__}") from error
