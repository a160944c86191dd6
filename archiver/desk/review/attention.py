"""How well a reviewer listened before a verdict, by the access log and by the browser."""

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attention:
    """Whether the access log has a play of the recording, the share of it that was heard (0 to 1),
    and for how many seconds its page was open. The last two are reported by the browser."""

    is_played: bool = False
    heard: float = 0.0
    spent: int = 0


NONE = Attention()


def attend(db: sqlite3.Connection, key: tuple[int, str, str], told: Attention) -> None:
    """Store it with a verdict (recording, reviewer, scorecard). No value ever decreases."""
    db.execute(
        "UPDATE verdicts SET heard = max(heard, ?), spent = max(spent, ?),"
        " is_played = is_played OR EXISTS (SELECT 1 FROM log WHERE log.record_id = ?"
        " AND act = 'play' AND log.name = ?)"
        " WHERE record_id = ? AND reviewer = ? AND scorecard = ?",
        (min(max(told.heard, 0.0), 1.0), max(told.spent, 0), key[0], key[1], *key),
    )
