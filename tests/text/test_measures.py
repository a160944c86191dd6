"""Durations, sizes and moments are read strictly and said shortly."""

from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest

from archiver.text.measures import (
    parse_duration,
    parse_id,
    parse_moment,
    parse_moment_or_age,
    parse_size,
    say_duration,
    say_moment,
    say_size,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("15s", 15),
        ("10m", 600),
        ("1h30m", 5400),
        ("500ms", 0.5),
        ("1d", 86_400),
        ("2w", 14 * 86_400),
        ("3y", 3 * 365 * 86_400),
        ("1.5h", 5400),
        ("0", 0),
    ],
)
def test_a_duration_is_what_its_units_say(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s",
        "-1s",
        "1 s",
        "1mo",
        "1S",
        "1:30",
        "1e9",
        "nan",
        "inf",
        "9999y",
        "١s",
        "1s ",
        "90",
        "1.5",
    ],
)
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("128MiB", 128 * 2**20),
        ("2GiB", 2 * 2**30),
        ("10MB", 10_000_000),
        ("1.5 KiB", 1536),
        ("7B", 7),
        ("12kB", 12_000),
    ],
)
def test_a_size_counts_in_the_unit_that_is_written(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "MiB", "-1", "2G", "1e3", "10 000", "99999999TiB", "1XB"])
def test_anything_else_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        parse_size(text)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-10-01", datetime(2026, 9, 30, 22, tzinfo=UTC)),
        ("2026-10-01T08:30", datetime(2026, 10, 1, 6, 30, tzinfo=UTC)),
        ("2026-10-01 08:30:15", datetime(2026, 10, 1, 6, 30, 15, tzinfo=UTC)),
        ("2026-10-01T08:30:00Z", datetime(2026, 10, 1, 8, 30, tzinfo=UTC)),
        ("2026-10-01T08:30+05:00", datetime(2026, 10, 1, 3, 30, tzinfo=UTC)),
        ("2026-12-01", datetime(2026, 11, 30, 23, tzinfo=UTC)),
    ],
)
def test_a_moment_without_an_offset_is_in_the_zone(text: str, moment: datetime) -> None:
    assert parse_moment(text, ZoneInfo("Europe/Berlin")) == moment


def test_a_midnight_that_the_clocks_skip_is_the_first_moment_of_the_day() -> None:
    moment = parse_moment("2018-11-04", ZoneInfo("America/Sao_Paulo"))
    assert moment == datetime(2018, 11, 4, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["", "today", "2026-13-01", "2026-02-30", "20261001", "2026-10-01T25:00", "0001-01-01", "1e9"],
)
def test_anything_else_is_no_moment(text: str) -> None:
    with pytest.raises(ValueError, match="must"):
        parse_moment(text, UTC)


def test_a_moment_may_be_told_as_how_long_ago_it_was() -> None:
    zone, now = ZoneInfo("Europe/Berlin"), datetime(2026, 11, 3, 23, 30, tzinfo=UTC)
    read = partial(parse_moment_or_age, zone=zone, now=now)
    assert read("7d") == now - timedelta(days=7)
    assert read("1h30m") == now - timedelta(minutes=90)
    assert read("today") == datetime(2026, 11, 3, 23, tzinfo=UTC), "it is the 4th in Berlin"
    assert read("Yesterday") == datetime(2026, 11, 2, 23, tzinfo=UTC)
    assert read("2026-10-01") == datetime(2026, 9, 30, 22, tzinfo=UTC)
    for wrong, says in (("soon", "or yesterday"), ("7", "7d"), ("7x", "7d"), ("7d1", "unit")):
        with pytest.raises(ValueError, match=says):
            read(wrong)


@pytest.mark.parametrize("text", ["0", "-1", "1.0", "9223372036854775808", "١", "x", "", "+1"])
def test_an_id_is_a_whole_number_above_nothing(text: str) -> None:
    assert parse_id("9223372036854775807") == 2**63 - 1
    with pytest.raises(ValueError, match="must be an id"):
        parse_id(text)


def test_people_read_sizes_times_and_moments_in_few_words() -> None:
    assert [say_size(n) for n in (0, 1023, 1024, 481_280, 2**30, 3 * 2**50)] == [
        "0 B",
        "1023 B",
        "1.0 KiB",
        "470 KiB",
        "1.0 GiB",
        "3.0 PiB",
    ]
    assert [say_duration(s) for s in (0.44, 9.96, 125, 3600, 86_400 * 3 + 4 * 3600 + 5)] == [
        "0.4 s",
        "10 s",
        "2 min 5 s",
        "1 h",
        "3 d 4 h",
    ]
    moment = datetime(2026, 10, 1, 6, 30, tzinfo=UTC)
    assert say_moment(moment, ZoneInfo("Europe/Berlin")) == "2026-10-01 08:30 CEST"


def test_a_moment_at_the_end_of_the_calendar_is_said_in_utc() -> None:
    """Servers put it where they mean never, and no zone can go beyond it."""
    first, last = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
    assert say_moment(first, ZoneInfo("America/New_York")).endswith("-01-01 00:00 UTC")
    assert say_moment(last, ZoneInfo("Asia/Tokyo")) == "9999-12-31 23:59 UTC"
