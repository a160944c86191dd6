"""Hides the verdicts of a calibration from others until all participants have given theirs."""

import sqlite3
from typing import Final

REVEALED: Final = """
    NOT EXISTS (
        SELECT 1 FROM calibration_calls c JOIN calibrations k USING (calibration_id)
        JOIN calibration_people p USING (calibration_id)
        WHERE c.record_id = verdicts.record_id AND p.name = verdicts.reviewer
          AND k.scorecard = verdicts.scorecard AND k.revealed_at IS NULL
    )
"""
"""A condition on rows of `verdicts`, in SQL."""

_MISSING: Final = """
    SELECT 1 FROM calibration_calls c JOIN calibration_people p USING (calibration_id)
    WHERE c.calibration_id = k.calibration_id AND NOT EXISTS (
        SELECT 1 FROM verdicts v
        WHERE v.record_id = c.record_id AND v.reviewer = p.name
          AND v.scorecard = k.scorecard AND v.state = 'submitted'
    )
"""


def reveal(db: sqlite3.Connection, record_id: int, now: int) -> None:
    """After a verdict on the recording was submitted: reveal the calibrations it completes."""
    db.execute(
        "UPDATE calibrations AS k SET revealed_at = ?"  # noqa: S608 - constants
        " WHERE revealed_at IS NULL AND calibration_id IN"
        " (SELECT calibration_id FROM calibration_calls WHERE record_id = ?)"
        f" AND NOT EXISTS ({_MISSING})",
        (now, record_id),
    )
