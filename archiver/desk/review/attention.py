"""How well a reviewer listened before a verdict: by the access log, and as the browser counted."""

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attention:
    """Whether the access log has a play of the recording, which share of it (0 to 1) was heard, and
    for how many seconds its page was looked at. The last two are what the browser says."""

    is_played: bool = False
    heard: float = 0.0
    spent: int = 0


NONE = Attention()


def attend(db: sqlite3.Connection, key: tuple[int, str, str], told: Attention) -> None:
    """Keep it with a verdict: of a recording, a reviewer, a scorecard. Nothing of it gets less."""
    db.execute(
        "UPDATE verdicts SET heard = max(heard, ?), spent = max(spent, ?),"
        " is_played = is_played OR EXISTS (SELECT 1 FROM log WHERE log.record_id = ?"
        " AND act = 'play' AND log.name = ?)"
        " WHERE record_id = ? AND reviewer = ? AND scorecard = ?",
        (min(max(told.heard, 0.0), 1.0), max(told.spent, 0), key[0], key[1], *key),
    )
