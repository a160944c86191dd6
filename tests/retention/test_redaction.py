"""What a report says of an erased person, and only that, is taken out of it."""

import json
from typing import Any

import pytest

from archiver.retention.redaction import redacted

REPORT: dict[str, Any] = {
    "runId": "r",
    "calls": {"listed": 9},
    "problems": [
        {"callId": 1, "recordId": None, "detail": "the person's call"},
        {"callId": 2, "recordId": 21, "detail": "a recording of the person under another call"},
        {"callId": 2, "recordId": 22, "detail": "another's"},
        {"callId": None, "recordId": None, "scopes": ["lead 789"]},
        {"callId": None, "recordId": None, "scopes": ["order 1", "lead 7890"]},
    ],
    "damaged": ["789/1/11.json: no JSON", "5/1/12.json: no JSON", "5/3/31.json: no JSON"],
    "notes": ["the key may not read the users"],
}


def cut(report: dict[str, Any]) -> dict[str, Any] | None:
    data = redacted(json.dumps(report).encode(), lead_id=789, calls={1}, records={11, 21})
    if data is None:
        return None
    told = json.loads(data)
    assert isinstance(told, dict)
    return told


def test_entries_of_the_person_go_and_everything_else_stays() -> None:
    told = cut(REPORT)
    assert told is not None
    assert told == REPORT | {
        "problems": [REPORT["problems"][2], REPORT["problems"][4]],
        "damaged": ["5/3/31.json: no JSON"],
        "entriesErased": 5,
    }


def test_a_report_that_says_nothing_of_the_person_is_left_as_it_is() -> None:
    told = cut(REPORT)
    assert told is not None
    assert cut(told) is None


@pytest.mark.parametrize("data", [b"[]", b"no JSON", b"\xff"])
def test_what_is_no_report_is_no_report(data: bytes) -> None:
    with pytest.raises(ValueError):
        redacted(data, lead_id=1, calls=set(), records=set())
