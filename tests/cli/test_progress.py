"""Progress: events are counted cheaply and shown on ticks, as bars or as lines."""

import contextlib
import io
import os
import pty
import sys
import termios

from archiver.cli.progress import Bars, Lines, Tally, printer_for
from archiver.console import Console
from archiver.errors import RequestUnanswered
from archiver.run.events import (
    BytesReceived,
    CallDone,
    CallsExpected,
    CallsListed,
    ListsRead,
    Note,
)
from archiver.tasks.retry import RetryScheduled


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def busy_tally() -> Tally:
    tally = Tally()
    tally(CallsExpected(3000))
    tally(CallsListed(3000))
    for state in ("archived", "none", "waiting", "failed", "gone"):
        tally(CallDone(state))
    tally(BytesReceived(30 * 2**20))
    tally(RetryScheduled(1, 5, 0.5, RequestUnanswered("no answer")))
    return tally


def test_a_tally_adds_the_events_up() -> None:
    tally = busy_tally()
    assert (tally.listed, tally.done, tally.received) == (3000, 5, 30 * 2**20)
    assert tally.troubles() == {"open": 2, "gone": 1, "retries": 1}
    assert Tally().troubles() == {}


def test_an_event_costs_a_few_calls() -> None:
    tally, event, calls = Tally(), BytesReceived(65_536), 0

    def count(frame: object, what: str, argument: object) -> None:
        nonlocal calls
        calls += what == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        for _ in range(100):
            tally(event)
    finally:
        sys.setprofile(before)
    assert tally.received == 100 * 65_536
    assert calls <= 300


def test_a_line_comes_every_thirty_seconds_and_not_before() -> None:
    clock, err = Clock(), io.StringIO()
    lines = Lines(busy_tally(), Console(err=err), clock)
    lines.tick()
    clock.now += 29.9
    lines.tick()
    assert err.getvalue() == ""
    clock.now += 0.1
    lines.tick()
    lines.tick()
    assert err.getvalue() == (
        "30 s: 5 of 3,000 calls, 30.0 MiB at 1.0 MiB/s, 2 open, 1 gone, 1 retries\n"
    )


def test_no_share_is_shown_of_what_nobody_knows() -> None:
    """The calls listed so far are not the calls there are: a share of them would be a lie."""
    tally = Tally()
    tally(CallsListed(500))
    tally(CallDone("archived", 310))
    tally(ListsRead(3, 12))
    assert (tally.total, tally.listing) == (None, "3 of 12 lists read")
    tally(CallsExpected(9000))
    assert [tally.total] == [9000]
    tally(CallsListed(8600))
    assert [tally.total] == [None], "the count of the API was too low"
    tally(CallsExpected(9100, final=True))
    tally(ListsRead(12, 12))
    assert [tally.total, tally.listing] == [9100, ""]


def test_a_line_says_which_lists_are_read() -> None:
    clock, err, tally = Clock(), io.StringIO(), Tally()
    lines = Lines(tally, Console(err=err), clock)
    tally(ListsRead(120, 330))
    clock.now += 30
    lines.tick()
    assert err.getvalue() == "30 s: 0 calls, 120 of 330 lists read, 0 B at 0 B/s\n"


def test_a_run_that_stands_still_is_seen_to() -> None:
    clock, err = Clock(), io.StringIO()
    lines = Lines(busy_tally(), Console(err=err), clock)
    for _ in range(2):
        clock.now += 30
        lines.tick()
    assert "30.0 MiB at 0 B/s" in err.getvalue().splitlines()[1]


def test_a_note_is_said_at_the_next_tick_and_at_the_end() -> None:
    err, tally = io.StringIO(), Tally()
    lines = Lines(tally, Console(err=err), Clock())
    tally(Note("first"))
    lines.tick()
    tally(Note("last"))
    lines.close()
    lines.close()
    assert err.getvalue() == "first\nlast\n"


def everything_from(terminal: int) -> str:
    """What was written to the other end, which is closed."""
    parts = []
    with contextlib.suppress(OSError):  # how a terminal says that it ends
        while part := os.read(terminal, 65_536):
            parts.append(part)
    return b"".join(parts).decode()


def test_bars_show_calls_and_bytes_on_a_terminal_and_leave_it_clean() -> None:
    main_end, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 100))
    try:
        with os.fdopen(terminal, "w") as err:
            console = Console(err=err)
            tally = busy_tally()
            bars = printer_for(tally, console, Clock())
            assert isinstance(bars, Bars)
            bars.tick()
            tally(Note("a note\x1b[2J"))
            bars.tick()
            bars.close()
        shown = everything_from(main_end)
    finally:
        os.close(main_end)
    assert "5/3000" in shown
    assert "30.0M" in shown
    assert "open=2" in shown
    assert "a note\ufffd[2J\r\n" in shown
    assert shown.rstrip("\x1b[A\r").endswith(" ") or shown.endswith("\r")


def test_lines_are_for_where_nobody_watches() -> None:
    assert isinstance(printer_for(Tally(), Console(err=io.StringIO()), Clock()), Lines)
