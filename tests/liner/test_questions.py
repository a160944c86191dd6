"""A question that failed becomes smaller ones that ask for the same, until patience ends."""

from datetime import UTC, datetime, timedelta

from archiver.errors import RequestRejected
from archiver.liner.protocol import Page
from archiver.liner.questions import Ask, Narrowing
from archiver.liner.scope import Scope, Window

DAY = timedelta(days=1)
SINCE = datetime(2026, 9, 1, tzinfo=UTC)
MONTH = Window(SINCE, SINCE + 32 * DAY)
REFUSED = RequestRejected("GET /v2/call/: HTTP 422")


def narrowed(bad: Window) -> tuple[list[Window], list[Window], list[Window]]:
    """What is asked for, read and given up when all that touches `bad` fails."""
    asked: list[Window] = []
    read: list[Window] = []
    lost: list[Window] = []
    narrowing = Narrowing(REFUSED).after_failure(MONTH, REFUSED)
    while True:
        window, narrowing, given_up = narrowing.next()
        lost += [one.window for one in given_up]
        if window is None:
            return asked, read, lost
        asked.append(window)
        if window.since < bad.until and bad.since < window.until:
            narrowing = narrowing.after_failure(window, REFUSED)
        else:
            narrowing = narrowing.after_success()
            read.append(window)


def test_one_bad_day_is_all_that_is_given_up_and_the_rest_is_read_once() -> None:
    bad = Window(SINCE + 3 * DAY, SINCE + 4 * DAY)
    asked, read, lost = narrowed(bad)
    assert lost == [bad]
    assert sum((one.until - one.since for one in read), timedelta()) == 31 * DAY
    assert len(asked) == len(set(asked))


def test_the_good_half_of_a_slice_is_read_before_patience_with_the_bad_one_ends() -> None:
    bad = Window(SINCE, SINCE + 16 * DAY)
    asked, read, lost = narrowed(bad)
    assert Window(SINCE + 16 * DAY, MONTH.until) in read
    assert sum((one.until - one.since for one in lost), timedelta()) == 16 * DAY
    assert len(asked) < 20


def test_a_slice_that_fails_throughout_is_given_up_after_a_dozen_requests_and_is_named_whole() -> (
    None
):
    asked, read, lost = narrowed(MONTH)
    assert len(asked) < 15
    assert read == []
    assert sum((one.until - one.since for one in lost), timedelta()) == 32 * DAY


def test_a_first_page_is_no_answer_to_a_question_for_fewer_scopes() -> None:
    scopes = (Scope("order", 1), Scope("order", 2))
    ask = Ask(scopes, MONTH, MONTH, head=Page([]))
    assert ask.without([]).head is not None
    assert ask.without([scopes[0]]) == Ask(scopes[1:], MONTH, MONTH)
    assert ask.without([scopes[0]]).head is None
    assert [one.head for one in (*ask.halves(), *ask.singles(), *ask.pieces(DAY))] == [None] * 36
