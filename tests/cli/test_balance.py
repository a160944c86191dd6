"""The balance says to people exactly what `--json` says to machines."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from archiver.cli.balance import balance_lines
from archiver.reasons import Reason

UTC = ZoneInfo("UTC")


def report(**changes: Any) -> dict[str, Any]:
    told: dict[str, Any] = {
        "runId": "20261002T010007Z-1f",
        "complete": True,
        "window": {"since": "2026-10-01T00:00:00Z", "until": "2026-10-02T00:50:07Z"},
        "calls": {
            "listed": 1234,
            "archived": 1200,
            "none": 34,
            "waiting": 0,
            "failed": 0,
            "gone": 0,
        },
        "recordings": {
            "listed": 1300,
            "archived": 100,
            "already": 1200,
            "waiting": 0,
            "failed": 0,
            "gone": 0,
            "refreshed": 0,
        },
        "pendingSummaries": 0,
        "bytes": 50 * 2**20,
        "seconds": 100.0,
        "ledgerHead": "ab" * 32,
        "problems": [],
        "unreachable": {"ordersNoLongerListed": [], "recordingsGone": 0},
    }
    return told | changes


def said(**changes: Any) -> str:
    return "\n".join(balance_lines(report(**changes), UTC))


def problem(call: int | None, record: int | None, state: str, reason: Reason, **more: Any) -> Any:
    return {"callId": call, "recordId": record, "state": state, "reason": reason.value, **more}


def test_a_complete_run_reads_as_one() -> None:
    assert balance_lines(report(), ZoneInfo("Europe/Berlin")) == [
        "Run 20261002T010007Z-1f",
        "Calls from 2026-10-01 02:00 CEST up to 2026-10-02 02:50 CEST",
        "",
        "Calls               1,234  listed",
        "  archived          1,200  all their recordings are archived",
        "  none                 34  no recording",
        "",
        "Recordings          1,300  listed",
        "  archived            100  fetched, verified and stored by this run",
        "  already           1,200  archived before this run",
        "",
        "50.0 MiB in 1 min 40 s (512 KiB/s)",
        "",
        f"Ledger head  {'ab' * 32}",
        "COMPLETE: every listed call and recording is accounted for; nothing is open.",
    ]


def test_talk_without_a_recording_is_told_below_what_was_not_recorded() -> None:
    text = said(unrecordedCalls=3)
    assert "no recording\n  unrecorded            3  of these: with talk time; listed" in text


def test_a_night_without_a_since_of_its_own_begins_at_the_cursors() -> None:
    window = {"since": None, "until": "2026-10-02T00:50:07Z"}
    assert "Calls since the last run" in said(window=window)


def test_what_is_open_is_told_by_reason_with_a_next_step() -> None:
    problems = [
        *(problem(n, n + 100, "failed", Reason.UNREACHABLE) for n in range(1, 8)),
        problem(9, 90, "failed", Reason.ORIGIN_NOT_ALLOWED, detail="no https://cdn.test here"),
        problem(10, 91, "gone", Reason.SOURCE_MISSING),
        problem(11, None, "waiting", Reason.NONE_LISTED),
        problem(None, None, "failed", Reason.CALLS_NOT_LISTED, scopes=["order 202", "order 203"]),
    ]
    text = said(complete=False, problems=problems)
    assert "11 problems\n  7 failed: the source cannot be reached\n" in text
    assert "call 1 recording 101, call 2 recording 102" in text
    assert "call 5 recording 105 and 2 more\n    next: the next run tries again" in text
    assert "the first: no https://cdn.test here\n    next: if you trust the origin, add it" in text
    assert "next: it cannot be fetched any more" in text
    assert "    call 11\n" in text
    assert "    order 202, order 203\n" in text
    assert text.endswith("NOT COMPLETE: see above for what is open or missing, and the next steps.")


def test_where_problems_are_cut_it_says_who_names_them_all() -> None:
    text = said(complete=False, problems=[problem(1, 2, "failed", Reason.EMPTY)], problemsCut=True)
    assert "1 problem, and more: `archiver status` lists them all\n" in text


def test_every_reason_has_a_next_step() -> None:
    for reason in Reason:
        text = said(complete=False, problems=[problem(1, 2, "failed", reason)])
        assert reason.sentence in text
        assert "next: " in text


def test_sums_that_do_not_close_are_said() -> None:
    assert "unprocessed           5  listed, but not processed before the run ended" in said(
        unfinished=5
    )


def test_what_else_is_worth_knowing_is_told_under_its_name() -> None:
    text = said(
        complete=False,
        damaged=["sidecar 1/2/3.json is missing"],
        notes=["the key may not list users"],
        pendingSummaries=3,
        unreachable={"ordersNoLongerListed": [1, 2, 3, 4, 5, 6], "recordingsGone": 1, "note": "x"},
    )
    assert "Damage in the archive\n  sidecar 1/2/3.json is missing" in text
    assert "orders that the API no longer lists: 1, 2, 3, 4, 5 and 1 more" in text
    assert "1 recording gone in total\n  x\n" in text
    assert "Notes\n  the key may not list users" in text
    assert "summaries             3  not available yet" in text
    assert "DAMAGED" in text


@pytest.mark.parametrize(
    ("reason", "way_out"),
    [
        (Reason.CALLS_NOT_LISTED, "scope.orders"),
        (Reason.CALL_NOT_READ, "archiver run --call ID"),
        (Reason.CALL_UNKNOWN, "ask the operator of the source"),
        (Reason.NONE_LISTED, "ask the operator of the source"),
    ],
)
def test_what_no_later_run_may_heal_has_a_way_out(reason: Reason, way_out: str) -> None:
    (step,) = [
        line
        for line in said(problems=[problem(1, None, "failed", reason)]).splitlines()
        if line.startswith("    next: ")
    ]
    assert way_out in step


def test_a_dry_run_tells_what_a_run_would_take() -> None:
    estimate = {"calls": 2, "recordings": 1, "bytes": None, "requests": 7, "seconds": 65.0}
    text = said(estimate=estimate)
    assert (
        "A run would list 1,234 calls. Estimate:\n  2 calls whose recordings would be listed\n  "
        "1 recording to be fetched\n  7 API requests\n  about 1 min 5 s\n"
    ) in text
    assert text.endswith("DRY RUN: nothing was changed.")
    assert said(estimate=estimate, complete=False).endswith("what could not be listed.")


def test_an_interrupted_run_says_so_and_not_that_it_is_complete() -> None:
    text = said(interrupted=True, complete=False)
    assert "INTERRUPTED" in text
    assert "COMPLETE:" not in text
