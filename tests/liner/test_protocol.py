"""Answers are what the API promises, or one of the request errors; never a crash."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import (
    AnswerMalformed,
    ArchiverError,
    RequestError,
    RequestForbidden,
    RequestNotFound,
    RequestRejected,
    RequestThrottled,
    RequestUnanswered,
    SourceRefused,
)
from archiver.liner.decoding import decode_json, inflated, scrubbed
from archiver.liner.fields import (
    as_bool,
    as_count,
    as_id,
    as_seconds,
    as_time,
    read_call,
    read_order,
    read_recording,
    read_user,
)
from archiver.liner.protocol import (
    Answer,
    Page,
    calls_query,
    parse_retry_after,
    read_envelope,
    read_item,
    read_items,
    read_page,
)
from archiver.liner.scope import Scope, Stretch, Window
from archiver.secrets import spellings_of

KEY = "key/with-12+characters"
SECRETS = spellings_of(KEY)


def answer(body: bytes | str, status: int = 200, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer("GET /v2/x/", status, named, body.encode() if isinstance(body, str) else body)


def enveloped(data: Any, **more: Any) -> str:
    return json.dumps({"success": True, "message": "", "data": data, **more})


GOOD = enveloped({"list": [], "next": 0, "total": 0})


def test_a_good_answer_gives_its_data() -> None:
    assert read_envelope(answer(GOOD)) == {"list": [], "next": 0, "total": 0}
    assert read_envelope(answer(enveloped([1]), 201)) == [1]


@pytest.mark.parametrize(
    "body",
    [
        "", "null", "[]", "1", '"text"', "{", GOOD[:-5], GOOD + "x", "<html>Bad gateway</html>",
        '{"success": false, "message": "no", "data": null}', '{"data": []}', '{"success": true}',
        '{"success": "true", "data": []}', '{"success": null, "data": []}',
        b"\xff\xfe\x00\xd8", b"\x80abc", "[" * 100_000, '{"a":' * 100_000,
        '{"success": true, "data": ' + "[" * 200 + "]" * 200 + "}",
    ],
)  # fmt: skip
def test_what_is_no_envelope_is_malformed(body: str | bytes) -> None:
    with pytest.raises(AnswerMalformed):
        read_envelope(answer(body))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, SourceRefused), (403, RequestForbidden), (404, RequestNotFound),
        (410, RequestNotFound), (400, RequestRejected), (405, RequestRejected),
        (409, RequestRejected), (413, RequestRejected), (414, RequestRejected),
        (422, RequestRejected), (301, RequestRejected), (408, RequestUnanswered),
        (425, RequestUnanswered), (429, RequestThrottled), (500, RequestUnanswered),
        (502, RequestUnanswered), (503, RequestUnanswered), (504, RequestUnanswered),
        (599, RequestUnanswered),
    ],
)  # fmt: skip
@pytest.mark.parametrize("body", [GOOD, "<html>", "", '{"success": false, "message": "why"}'])
def test_the_status_alone_decides_on_the_error(
    status: int, kind: type[ArchiverError], body: str
) -> None:
    with pytest.raises(ArchiverError) as caught:
        read_envelope(answer(body, status))
    assert type(caught.value) is kind
    assert ("why" in str(caught.value)) == ("why" in body)


def test_a_message_is_shortened_printable_and_without_the_key() -> None:
    said = f"bad \x1b[31m key {KEY} " + "long " * 100
    with pytest.raises(RequestRejected) as caught:
        read_envelope(answer(json.dumps({"success": False, "message": said}), 400), SECRETS)
    text = str(caught.value)
    assert KEY not in text
    assert "\x1b" not in text
    assert len(text) < 260


@pytest.mark.parametrize(
    "written",
    [
        json.dumps(KEY), json.dumps(KEY).replace("/", "\\/"), '"key%2Fwith-12%2Bcharacters"',
        json.dumps(f"https://files.example.com/a?token={KEY}&b"),
    ],
)  # fmt: skip
def test_an_answer_that_repeats_the_key_loses_it_before_it_is_parsed(written: str) -> None:
    data = read_envelope(answer('{"success": true, "data": [' + written + "]}"), SECRETS)
    assert KEY not in data[0]
    assert "[redacted]" in data[0]


def test_a_short_key_is_no_reason_to_change_an_answer() -> None:
    assert read_envelope(answer(enveloped(["test"])), spellings_of("test")) == ["test"]


def test_numbers_that_json_cannot_say_again_are_nulled() -> None:
    assert decode_json(b"[NaN, Infinity, -Infinity, 1e999, 1.5]") == [None, None, None, None, 1.5]


def test_numbers_of_thousands_of_digits_are_survived() -> None:
    digits = "9" * 10_000
    assert decode_json(f'{{"a": {digits}, "b": 1}}'.encode()) == {"a": digits, "b": 1}


def test_lone_surrogates_duplicate_keys_and_byte_order_marks_are_survived() -> None:
    assert decode_json(b'\xef\xbb\xbf{"a": 1, "a": "\\ud800"}') == {"a": "\ud800"}
    assert decode_json('{"a": "ы"}'.encode("utf-16")) == {"a": "ы"}


@given(st.binary(max_size=200))
def test_any_bytes_are_json_or_a_value_error(body: bytes) -> None:
    try:
        decode_json(body)
    except ValueError as error:
        assert str(error) in {"is not JSON", "nests too deep"}


@given(st.integers(200, 599), st.binary(max_size=80), st.booleans())
def test_any_answer_is_data_or_an_error_of_ours(status: int, body: bytes, wrapped: bool) -> None:
    sent = b'{"success": true, "data": ' + body + b"}" if wrapped else body
    try:
        read_envelope(answer(sent, status), SECRETS)
    except (RequestError, SourceRefused) as error:
        assert str(error).startswith(("GET /v2/x/", "the API rejected the key"))


def test_compressed_bodies_are_inflated_within_bounds() -> None:
    packed = gzip.compress(b"x" * 1000)
    assert inflated(packed, "GZIP") == b"x" * 1000
    for body, coding, most in ((packed, "gzip", 999), (packed[:-9], "gzip", 2000), (b"x", "br", 9)):
        with pytest.raises(ValueError, match=r"coding|compressed"):
            inflated(body, coding, most)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, 1), ("7", 7), (" 7 ", 7), (7.0, 7), (2**63 - 1, 2**63 - 1), (str(2**63 - 1), 2**63 - 1),
        (0, None), ("0", None), (-1, None), (2**63, None), (str(2**63), None), (True, None),
        (None, None), ("", None), ("x", None), ("٣", None), (1.5, None), ([], None),
        ("9" * 5000, None), (1e300, None),
    ],
)  # fmt: skip
def test_ids_are_positive_and_fit_into_63_bits(value: Any, expected: int | None) -> None:
    assert as_id(value) == expected


def test_counts_may_be_zero_and_strings() -> None:
    assert [as_count(one) for one in (0, "0", "12", None, -1, True, "a")] == [
        0, 0, 12, None, None, None, None,
    ]  # fmt: skip


def test_bools_are_read_from_numbers_and_words() -> None:
    assert [as_bool(one) for one in (True, 1, "1", "true", "TRUE")] == [True] * 5
    assert [as_bool(one) for one in (False, 0, "0", "false")] == [False] * 4
    nonsense: list[Any] = [None, 2, "", "yes", [], 0.5, {}]
    assert [as_bool(one) for one in nonsense] == [None] * 7


def test_durations_are_finite_and_not_negative() -> None:
    assert [as_seconds(one) for one in (60, "60", 1.5, 0)] == [60, 60.0, 1.5, 0]
    nonsense: list[Any] = [-1, "x", None, True, float("inf"), "nan", 10**400, []]
    assert [as_seconds(one) for one in nonsense] == [None] * 8
    assert type(as_seconds(60)) is int


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-10-01T08:31:17Z", datetime(2026, 10, 1, 8, 31, 17, tzinfo=UTC)),
        ("2026-10-01T11:31:17+03:00", datetime(2026, 10, 1, 8, 31, 17, tzinfo=UTC)),
        ("2026-10-01T08:31:17", datetime(2026, 10, 1, 8, 31, 17, tzinfo=UTC)),
        ("2026-10-01 08:31:17.5Z", datetime(2026, 10, 1, 8, 31, 17, 500_000, tzinfo=UTC)),
        ("2026-10-01T08:31:17.123456789Z", datetime(2026, 10, 1, 8, 31, 17, 123456, tzinfo=UTC)),
        ("0001-01-01T00:00:00+05:00", None),
        ("yesterday", None),
        ("", None),
        (1790843477, None),
        (None, None),
    ],
)
def test_times_are_read_with_any_offset_and_none_means_utc(
    text: Any, expected: datetime | None
) -> None:
    assert as_time(text) == expected


def test_a_row_keeps_everything_the_api_gave() -> None:
    row = {"id": "5", "hasRecords": 1, "talkTimeDurationSeconds": "7", "new": {"x": [1]}}
    call = read_call(row)
    assert call is not None
    assert (call.id, call.has_records, call.talk_seconds, call.row) == (5, True, 7.0, row)
    assert (call.lead_id, call.user_id, call.status_code, call.created_at) == (None,) * 4


def test_a_recording_without_an_address_has_none() -> None:
    for url in ("", "  ", None, 5, ...):
        row = {"id": 1} if url is ... else {"id": 1, "fileUrl": url}
        recording = read_recording(row)
        assert recording is not None
        assert recording.file_url is None


def test_names_are_put_together_from_what_there_is() -> None:
    rows: list[dict[str, Any]] = [
        {"id": 1, "name": "Anna", "lastName": "Price"},
        {"id": 1, "name": " Anna "},
        {"id": 1, "lastName": "Price"},
        {"id": 1},
    ]
    users = [read_user(row) for row in rows]
    assert [user.name if user else "" for user in users] == ["Anna Price", "Anna", "Price", None]
    order = read_order({"id": 2, "title": "", "serviceTitle": "internal"})
    assert order is not None
    assert order.title == "internal"


def test_rows_without_a_usable_id_are_counted_and_never_crash() -> None:
    rows = [{"id": 1}, {"id": 0}, {"id": True}, {}, None, 5, "x", [], {"id": "2"}]
    page = read_page("GET", {"list": rows, "total": "9", "next": None}, read_call)
    assert ([row.id for row in page.rows], page.malformed, page.received) == ([1, 2], 7, 9)
    assert (page.total, page.next) == (9, None)


@pytest.mark.parametrize("data", [None, [], {}, {"list": None}, {"list": {}}, "x", 1])
def test_a_page_without_a_list_is_malformed(data: Any) -> None:
    with pytest.raises(AnswerMalformed):
        read_page("GET", data, read_call)


@pytest.mark.parametrize("data", [None, [], {}, {"id": 0}, "x"])
def test_a_detail_without_an_id_is_malformed(data: Any) -> None:
    with pytest.raises(AnswerMalformed):
        read_item("GET", data, read_call)


def test_a_list_without_pages_is_an_array() -> None:
    assert len(read_items("GET", [{"id": 1}, {}], read_call)) == 1
    with pytest.raises(AnswerMalformed):
        read_items("GET", {"list": []}, read_call)


@pytest.mark.parametrize(
    ("following", "step"),
    [(50, 50), (100, 100), (None, 30), (0, 30), (101, 30), (10**12, 30)],
)
def test_next_counts_only_where_it_leads_on(following: int | None, step: int) -> None:
    assert Page(range(30), total=500, next=following).step(0) == step


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("5", 5.0), (" 0 ", 0.0), ("1.5", 1.5), ("-5", None), ("soon", None), ("", None),
        (None, None), ("9" * 400, None), ("Thu, 01 Oct 2026 08:00:30 GMT", 30.0),
        ("Thu, 01 Oct 2026 07:00:00 GMT", 0.0),
    ],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, "Thu, 01 Oct 2026 08:00:00 GMT") == seconds


def test_a_429_and_a_503_carry_the_wait() -> None:
    for status in (429, 503):
        with pytest.raises(RequestError) as caught:
            read_envelope(answer("", status, retry_after="7"))
        assert caught.value.retry_after == 7.0


WINDOW = Window(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 2, tzinfo=UTC))


def test_the_query_spells_lists_in_brackets_and_times_in_utc_a_second_early() -> None:
    query = calls_query([Scope("order", 1), Scope("order", 2)], WINDOW, [5], [6])
    assert query == (
        "createdAt%5B0%5D=2026-09-30T23%3A59%3A59Z&createdAt%5B1%5D=2026-10-02T00%3A00%3A00Z"
        "&orderIds%5B%5D=1&orderIds%5B%5D=2&userIds%5B%5D=5&statusIds%5B%5D=6"
    )
    assert "leadIds%5B%5D=3" in calls_query([Scope("lead", 3)], WINDOW, [], [])


def test_a_window_is_half_open_and_cut_without_gaps() -> None:
    assert WINDOW.holds(WINDOW.since)
    assert not WINDOW.holds(WINDOW.until)
    pieces = WINDOW.slices(timedelta(hours=7))
    assert [p.since for p in pieces] == [WINDOW.since, *(p.until for p in pieces[:-1])]
    assert pieces[-1].until == WINDOW.until
    assert WINDOW.halves() == tuple(WINDOW.slices(timedelta(hours=12)))
    assert Window(WINDOW.since, WINDOW.since + timedelta(seconds=1)).halves() is None


def test_windows_are_whole_seconds_in_utc_and_stretches_of_one_kind() -> None:
    with pytest.raises(ValueError, match="whole seconds"):
        Window(WINDOW.since, WINDOW.until.replace(microsecond=1))
    with pytest.raises(ValueError, match="whole seconds"):
        Window(WINDOW.since.replace(tzinfo=None), WINDOW.until)
    with pytest.raises(ValueError, match="never asked for together"):
        Stretch((Scope("order", 1), Scope("lead", 2)), WINDOW)


def test_scrubbing_leaves_one_line_of_200_characters() -> None:
    assert scrubbed("a\n\tb\x00", ()) == "a b"
    assert len(scrubbed("ы" * 500, ())) == 200
    assert scrubbed(None, ()) == ""
