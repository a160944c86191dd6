"""What people are told of a night, and what they are left in peace with."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from archiver.monitoring.history import Memory
from archiver.monitoring.night import Night
from archiver.monitoring.notices import Notice, notices_of, trouble_of
from archiver.monitoring.silence import Silence

BEGAN = datetime(2026, 11, 3, 1, 30, tzinfo=UTC)
PATIENCE = timedelta(days=8)


def night(code: int, **members: Any) -> Night:
    return Night(BEGAN, BEGAN + timedelta(minutes=5), code, **members)


def told(
    one: Night,
    before: Memory | None = None,
    *,
    oldest: datetime | None = None,
    silence: Silence | None = None,
) -> list[Notice]:
    trouble = trouble_of(one, oldest, PATIENCE)
    return list(notices_of(one, trouble, before or Memory(), silence, UTC))


def test_a_good_night_is_no_news() -> None:
    assert told(night(0)) == []
    assert told(night(3, report={"problems": []})) == []


def test_an_interrupted_night_is_no_news_either() -> None:
    failing = Memory(failures=2, failing_since=BEGAN - timedelta(days=2))
    assert told(night(130), failing) == []


@pytest.mark.parametrize("code", [1, 2, 5, 6])
def test_a_failed_night_says_what_happened_and_what_to_do(code: int) -> None:
    (notice,) = told(night(code, error="the API is down", hint="run `archiver doctor`"))
    assert notice.kind == "failure"
    assert notice.text == (
        f"the run of 2026-11-03 01:30 UTC ended with exit code {code}: "
        "the API is down. run `archiver doctor`"
    )
    assert notice.facts["exitCode"] == code


def test_a_night_that_met_damage_has_failed() -> None:
    (notice,) = told(night(4, report={"runId": "r1", "problems": []}))
    assert "archiver verify" in notice.text
    assert notice.facts["runId"] == "r1"


def test_every_failed_night_is_told_with_its_number() -> None:
    before = Memory(failures=2, failing_since=BEGAN - timedelta(days=2))
    (notice,) = told(night(5, error="down"), before)
    assert "(failed run 3 in a row)" in notice.text


def test_the_first_good_night_after_failed_ones_is_told() -> None:
    before = Memory(failures=2, failing_since=BEGAN - timedelta(days=2))
    (notice,) = told(night(3, report={"problems": []}), before)
    assert notice.kind == "recovery"
    assert "after 2 failed runs since 2026-11-01 01:30 UTC" in notice.text


def test_a_recording_that_the_source_lost_is_a_failure() -> None:
    report = {"problems": [{"state": "gone"}, {"state": "failed"}]}
    (notice,) = told(night(3, report=report))
    assert "lost 1 recording before" in notice.text


def test_what_is_open_for_too_long_is_a_failure() -> None:
    ended = BEGAN + timedelta(minutes=5)
    assert told(night(3, report={}), oldest=ended - PATIENCE) == []
    (notice,) = told(night(3, report={}), oldest=ended - timedelta(days=9))
    assert "has been open for 9 d" in notice.text


def test_silence_is_told_once() -> None:
    silence = Silence(date(2026, 11, 2), 412.0)
    (notice,) = told(night(0, report={}), silence=silence)
    assert notice.kind == "silence"
    assert notice.text.startswith(
        "not one call on Monday, 2026-11-02; the median of the 4 Mondays before is 412."
    )
    assert told(night(0), Memory(silent_day=date(2026, 11, 2)), silence=silence) == []
