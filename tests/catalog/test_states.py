"""The states of calls and recordings, and what is due when."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import archiver.catalog
from archiver.catalog.states import (
    IS_OPEN,
    CallState,
    Decision,
    RecordingState,
    Standing,
    decide,
    next_due,
    step,
    worst,
)
from archiver.liner.models import Call

CATALOG = Path(archiver.catalog.__file__).parent
NOW = datetime(2026, 10, 10, tzinfo=UTC)
AGES = (timedelta(days=1), timedelta(days=3), timedelta(days=7))


def asked(
    flag: bool | None, talk: float | None, stands: Standing | None = None, *, recheck: bool = False
) -> Decision:
    return decide(Call(1, has_records=flag, talk_seconds=talk), stands, now=NOW, recheck=recheck)


@pytest.mark.parametrize(
    ("flag", "talk", "decision"),
    [
        (True, 0, Decision.ASK),
        (True, None, Decision.ASK),
        (None, 0, Decision.ASK),
        (None, 60, Decision.ASK),
        (False, 60, Decision.ASK),
        (False, 0, Decision.NONE),
        (False, None, Decision.ASK),
    ],
)
def test_a_new_call_is_asked_for_unless_flag_and_talk_both_deny(
    flag: bool | None, talk: float | None, decision: Decision
) -> None:
    assert asked(flag, talk) is decision


@pytest.mark.parametrize("state", [CallState.WAITING, CallState.FAILED])
def test_an_open_call_is_always_asked_for(state: CallState) -> None:
    assert asked(False, 0, Standing(state, False, NOW)) is Decision.ASK


def test_a_call_is_asked_for_again_when_it_is_due_and_not_before() -> None:
    soon, past = NOW + timedelta(seconds=1), NOW - timedelta(seconds=1)
    assert asked(True, 60, Standing(CallState.ARCHIVED, True, past)) is Decision.ASK
    assert asked(True, 60, Standing(CallState.ARCHIVED, True, soon)) is Decision.SKIP


def test_a_settled_call_is_left_alone_until_its_flag_turns_true_or_a_person_asks() -> None:
    settled = Standing(CallState.NONE, False, None)
    assert asked(False, 60, settled) is Decision.SKIP
    assert asked(None, 60, settled) is Decision.SKIP
    assert asked(True, 60, settled) is Decision.ASK
    assert asked(False, 60, settled, recheck=True) is Decision.ASK
    assert asked(False, 0, settled, recheck=True) is Decision.SKIP
    archived = Standing(CallState.ARCHIVED, True, None)
    assert asked(True, 60, archived) is Decision.SKIP
    assert asked(True, 60, archived, recheck=True) is Decision.ASK


def test_a_call_is_looked_at_again_after_one_three_and_seven_days() -> None:
    created = NOW
    assert next_due(created, created, AGES) == created + AGES[0]
    assert next_due(created, created + AGES[0], AGES) == created + AGES[1]
    assert next_due(created, created + timedelta(days=5), AGES) == created + AGES[2]
    assert next_due(created, created + AGES[2], AGES) is None


def test_a_call_bears_the_worst_state_of_its_recordings() -> None:
    archived, waiting = RecordingState.ARCHIVED, RecordingState.WAITING
    failed, gone = RecordingState.FAILED, RecordingState.GONE
    assert worst([archived, archived]) is CallState.ARCHIVED
    assert worst([archived, gone]) is CallState.GONE
    assert worst([archived, gone, waiting]) is CallState.WAITING
    assert worst([archived, waiting, failed, gone]) is CallState.FAILED


def test_what_is_archived_stays_archived_and_what_is_gone_may_come_back() -> None:
    assert step(RecordingState.GONE, RecordingState.ARCHIVED) is RecordingState.ARCHIVED
    assert step(RecordingState.WAITING, RecordingState.GONE) is RecordingState.GONE
    for after in (RecordingState.WAITING, RecordingState.FAILED, RecordingState.GONE):
        with pytest.raises(ValueError, match="cannot go from archived"):
            step(RecordingState.ARCHIVED, after)
    with pytest.raises(ValueError, match="cannot go from None"):
        step(None, RecordingState.GONE)


def test_the_states_are_named_here_and_no_other_question_spells_them() -> None:
    spelled = re.compile(r"state\b[^=<I]{0,3}(=|<>|IN)\s*\(?'(\w+)'")
    strays = [
        f"{path.name}: {found.group()}"
        for folder in (CATALOG, CATALOG.parent / "desk" / "index")
        for path in folder.rglob("*.py")
        if path.name not in ("states.py", "schema.py")
        for found in spelled.finditer(path.read_text("utf-8"))
    ]
    assert strays == []
    assert IS_OPEN == "IN ('failed', 'waiting')"
