"""What rows say in another form than documented is noted once, and in our words."""

from typing import Any

import pytest

from archiver.liner.deviations import Oddities

PLAIN = {
    "id": 5, "leadId": 9, "orderId": None, "hasRecords": True, "talkTimeDurationSeconds": 1.5,
    "createdAt": "2026-10-01T08:31:17Z",
}  # fmt: skip


@pytest.mark.parametrize(
    "row",
    [
        PLAIN,
        {},
        {"id": 5},
        PLAIN | {"createdAt": "2026-10-01T11:31:17.5+03:00"},
        {"createdAt": "x"},
    ],
)
def test_what_is_as_documented_or_makes_no_sense_is_no_oddity(row: dict[str, Any]) -> None:
    oddities = Oddities()
    oddities.look_at("call", row)
    assert oddities.notes == []


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        (
            {"createdAt": "2026-10-01T08:31:17"},
            "without a UTC offset (first seen: createdAt of call 5)",
        ),
        ({"createdAt": "2026-10-01"}, "without a UTC offset (first seen: createdAt of call 5)"),
        ({"leadId": "9"}, "as text (first seen: leadId of call 5)"),
        ({"id": "5"}, "as text (first seen: id of call 5)"),
        ({"hasRecords": 1}, "as numbers or text (first seen: hasRecords of call 5)"),
        ({"hasRecords": "true"}, "as numbers or text (first seen: hasRecords of call 5)"),
    ],
)
def test_an_oddity_is_noted_with_its_first_row(changes: dict[str, Any], named: str) -> None:
    oddities = Oddities()
    oddities.look_at("call", PLAIN | changes)
    oddities.look_at("call", PLAIN | changes | {"id": 6})
    (note,) = oddities.notes
    assert named in note


def test_no_text_of_the_api_is_repeated() -> None:
    oddities = Oddities()
    oddities.look_at("recording", {"id": "\x1b[31mcanary", "durationSeconds": "canary"})
    assert "canary" not in str(oddities.notes)
    assert "id of recording unknown" in str(oddities.notes)
