"""What `status` says to people: all of it, aligned, and in lines that a terminal holds."""

from typing import Any
from zoneinfo import ZoneInfo

from archiver.cli.sound_lines import sound_lines
from archiver.cli.status_lines import status_lines

UTC = ZoneInfo("UTC")
STATES = {"listed": 0, "archived": 0, "none": 0, "waiting": 0, "failed": 0, "gone": 0}


def row(**members: Any) -> dict[str, Any]:
    return {**STATES, "unrecordedCalls": 0, **members}


def call(call_id: int, **members: Any) -> dict[str, Any]:
    about = {"callId": call_id, "orderId": 202, "userId": None, "createdAt": "2026-11-02T09:00:00Z"}
    return {**about, "nextStep": "do this", **members}


def problem(call_id: int, record_id: int | None, **members: Any) -> dict[str, Any]:
    return call(
        call_id,
        **{
            "recordId": record_id,
            "state": "failed",
            "reason": "stalled",
            "detail": "the download stalled",
            "attempts": 1,
            "ageSeconds": 3600,
            **members,
        },
    )


def told(**changes: Any) -> dict[str, Any]:
    return {
        "archiveId": "4a5935a6-6955-4f0c-a65f-7b48074c3fb2",
        "at": "2026-11-06T01:00:00Z",
        "window": {"since": None, "until": None},
        "open": len(changes.get("problems", ())),
        "calls": row(listed=1234, archived=1200, none=34),
        "recordings": {"listed": 1300, "archived": 1300, "waiting": 0, "failed": 0, "gone": 0},
        "bytes": 50 * 2**20,
        "pendingSummaries": 0,
        "removed": {},
        "removing": 0,
        "holds": 0,
        "oldestCall": "2026-10-01T08:31:00Z",
        "newestCall": "2026-11-02T09:00:00Z",
        "by": {"day": [], "order": [], "agent": []},
        "problems": [],
        "unrecordedCalls": [],
        "gone": [],
        "runs": [],
        "failedRuns": None,
        "lastVerify": None,
        "lastReplicaVerify": None,
        "sound": {"examined": 0, "notExamined": 0, "whyUndecoded": {}, "findings": {}, "found": []},
        "daysWithoutCalls": [],
        "ledgerHead": "ab" * 32,
    } | changes


def said(**changes: Any) -> str:
    return "\n".join(status_lines(told(**changes), UTC))


def test_runs_that_fail_are_told_even_where_nothing_is_known_to_be_open() -> None:
    failed = {"count": 7, "since": "2026-10-30T01:00:00Z", "exitCode": 5}
    text = said(failedRuns={**failed, "lastEndedAt": "2026-11-05T01:01:00Z"})
    assert "7 runs have failed since 2026-10-30 01:00" in text
    assert "with exit code 5\n  next: " in text
    assert text.endswith(
        "NOTHING KNOWN TO BE OPEN, but the last runs failed: nothing new was archived."
    )


def test_a_single_failed_run_is_told_as_one() -> None:
    once = {"count": 1, "since": "2026-11-05T01:01:00Z", "lastEndedAt": "2026-11-05T01:01:00Z"}
    text = said(failedRuns={**once, "exitCode": 5})
    assert "1 run has failed since 2026-11-05 01:01" in text
    assert "but the last run failed" in text


def test_what_the_last_verifications_found_is_told_with_the_command_that_lists_it() -> None:
    of = {"startedAt": "2026-11-05T04:00:00Z", "findings": {}, "error": ""}
    assert said(lastVerify=of, lastReplicaVerify=of) == said()
    text = said(lastVerify=of, lastReplicaVerify={**of, "findings": {"missing": 2}})
    assert (
        "\nThe last verification of the replica, 2026-11-05 04:00 UTC, found missing 2\n"
        "  next: run `archiver verify --replica` for details and the next steps\n"
    ) in text
    assert text.endswith("NOTHING OPEN, but the last verification has findings: see above.")
    text = said(lastVerify={**of, "error": "the storage does not answer"})
    assert "could not be completed: the storage does not answer\n" in text


def test_days_without_calls_are_counted_and_the_newest_named() -> None:
    days = [f"2026-10-{day:02}" for day in range(1, 10)]
    text = said(daysWithoutCalls=days)
    assert "9 days without calls between days with calls\n  2026-10-05, " in text
    assert "2026-10-09 and 4 more before" in text
    assert "1 day without" in said(daysWithoutCalls=days[:1])


def test_an_archive_in_order_says_so_and_names_no_state_without_calls() -> None:
    text = said()
    assert "Calls               1,234  listed\n  archived          1,200  all their" in text
    assert "waiting" not in text
    assert "50.0 MiB of audio\n" in text
    assert text.endswith("accounted for.")
    assert f"Ledger head  {'ab' * 32}\n" in text


def test_unrecorded_talks_are_counted_below_the_calls_without_a_recording() -> None:
    text = said(calls=row(listed=5, none=4, unrecordedCalls=3, gone=1))
    assert "  none                  4  no recording\n  unrecorded            3  of" in text


def test_tables_are_aligned_and_a_zero_is_a_dash() -> None:
    rows = [
        row(day="2026-11-02", listed=1234567, archived=1234566, unrecordedCalls=1),
        row(day=None, listed=5),
    ]
    head, first, unknown = said(by={"day": rows, "order": [], "agent": []}).splitlines()[12:15]
    assert head.split() == ["Day", *STATES, "unrecorded"]
    assert first.split() == ["2026-11-02", "1,234,567", "1,234,566", *"----", "1"]
    assert unknown.split() == ["unknown", "5", *"------"]
    assert len({len(head), len(first), len(unknown)}) == 1


def tables() -> dict[str, Any]:
    return {
        "day": [row(day=f"2026-10-{day:02}", listed=1) for day in range(1, 31)],
        "order": [row(orderId=order, listed=order) for order in range(1, 13)],
        "agent": [row(userId=agent, listed=1) for agent in range(101, 104)],
    }


def test_long_tables_are_cut_to_the_newest_days_and_the_largest_orders() -> None:
    text = said(by=tables())
    assert "2026-10-16" not in text
    assert "2026-10-17" in text
    assert "and 16 earlier days: list them with `archiver status --by day`" in text
    orders = [line.split()[0] for line in text.splitlines() if line.startswith(("1", "2 ", "3 "))]
    assert orders == ["12", "11", "10", "3", "101", "102", "103"]
    assert "and 2 orders with fewer calls" in text
    assert "agents with fewer" not in text


def test_a_table_that_was_asked_for_stands_alone_and_whole() -> None:
    text = "\n".join(status_lines(told(by=tables()), UTC, by="day"))
    assert text.count("2026-10-") == 31
    assert "list them" not in text
    assert "Order" not in text


def test_what_is_open_is_told_by_reason_with_age_attempts_and_next_step() -> None:
    problems = [
        problem(1, 11, ageSeconds=90_000, attempts=4),
        *(problem(call_id, None) for call_id in range(2, 9)),
        problem(9, None, state="waiting", reason="other", detail="wait", ageSeconds=None),
    ]
    text = said(problems=problems)
    assert "9 open\n  8 failed: the download stalled\n" in text
    assert "    call 1 recording 11, call 2, call 3, call 4, call 5 and 3 more\n" in text
    assert "    open for 1 d 1 h, 4 attempts at most\n    next: do this\n" in text
    assert "  1 waiting: wait\n    call 9\n    open 1 attempt\n" in text
    assert text.endswith("OPEN: see above for what is waiting or failed, and the next steps.")


def test_calls_that_should_have_a_recording_are_counted_in_all_and_some_named() -> None:
    talks = [call(number, talkSeconds=65.0) for number in range(1, 8)]
    talks[6]["nextStep"] = "wait"
    text = said(unrecordedCalls=talks)
    assert "7 calls are unrecorded: talk time" in text
    assert "  call 5 of 2026-11-02 09:00 UTC, order 202, agent unknown: 1 min 5 s\n" in text
    assert "call 6 of" not in text
    assert "  and 2 more: `archiver status --json` lists all\n" in text
    assert "  next for 6: do this\n  next for 1: wait\n" in text


def test_what_is_gone_removed_or_held_is_told() -> None:
    text = said(
        gone=[call(8, recordId=81)],
        removed={"retention": 12},
        removing=1,
        holds=2,
        pendingSummaries=3,
    )
    assert "1 recording is gone from the source\n  call 8 recording 81\n  next: do this" in text
    assert "  removed              12  for retention; never fetched again" in text
    assert "  removing              1  removal interrupted" in text
    assert "  summaries             3  not available yet" in text
    assert "of audio, 2 legal holds in force" in text


def test_a_last_run_that_was_not_complete_is_not_passed_over() -> None:
    runs = [
        {"endedAt": "2026-11-05T01:20:00Z", "complete": False, "report": "_archive/runs/b.json"},
        {"endedAt": "2026-11-04T01:20:00Z", "complete": True, "report": "_archive/runs/a.json"},
    ]
    text = said(runs=runs)
    assert "  2026-11-05 01:20 UTC  NOT COMPLETE  _archive/runs/b.json\n" in text
    assert "  2026-11-04 01:20 UTC  complete      _archive/runs/a.json\n" in text
    assert "the last run was not complete" in text
    assert "accounted for." in said(runs=runs[1:])


def test_an_empty_period_is_said_to_be_one() -> None:
    window = {"since": "2026-11-01T00:00:00Z", "until": "2026-11-02T00:00:00Z"}
    text = said(window=window, calls=row(), oldestCall=None, newestCall=None, ledgerHead=None)
    assert "Only calls from 2026-11-01 00:00 UTC and before 2026-11-02 00:00 UTC\n" in text
    assert text.endswith("NOTHING OPEN in this period.")
    assert said(calls=row(), oldestCall=None).endswith("the archive has no calls yet.")
    assert "Ledger head" not in text


def test_every_line_fits_100_columns_with_ids_of_ten_digits() -> None:
    many = 9_876_543_210
    most = dict.fromkeys(row(), 99999999)
    text = said(
        by={
            "day": [{"day": "2026-11-02", **most}] * 2000,
            "order": [{"orderId": many, **most}] * 2000,
            "agent": [{"userId": many, **most}] * 2000,
        },
        problems=[problem(many + each, many - each) for each in range(9)],
        unrecordedCalls=[call(many, userId=many, talkSeconds=7265.0)] * 9,
        gone=[call(many, recordId=many)] * 9,
        runs=[
            {
                "endedAt": "2026-11-05T01:20:00Z",
                "complete": False,
                "report": "_archive/runs/" + "x" * 28,
            }
        ],
    )
    assert [line for line in text.splitlines() if len(line) > 100] == []


def test_what_was_not_decoded_is_said_with_its_reason() -> None:
    why = {"decoder-failed": 1, "too-long": 2, "unknown-codec": 3, "of-tomorrow": 4}
    lines = sound_lines({"examined": 10, "findings": {}, "found": [], "whyUndecoded": why})
    assert lines[-4:] == [
        "  1 not decoded: the decoder crashed, or took longer than 5 minutes",
        "  2 not decoded: longer than 12 hours",
        "  3 not decoded: no decoder for the format is installed",
        "  4 not decoded: of-tomorrow",
    ]
