"""A body is continued only by what provably is the rest of the same one."""

import httpx
import pytest

from archiver.recordings.resume import continues, length_of, strong_validator

DATE = "Thu, 01 Oct 2026 08:31:17 GMT"
LONG_BEFORE = "Thu, 01 Oct 2026 08:30:17 GMT"
JUST_BEFORE = "Thu, 01 Oct 2026 08:30:18 GMT"


@pytest.mark.parametrize(
    ("headers", "validator"),
    [
        ({}, None),
        ({"ETag": '"a"'}, '"a"'),
        ({"ETag": 'W/"a"', "Last-Modified": LONG_BEFORE, "Date": DATE}, None),
        ({"Last-Modified": LONG_BEFORE, "Date": DATE}, LONG_BEFORE),
        ({"Last-Modified": JUST_BEFORE, "Date": DATE}, None),
        ({"Last-Modified": LONG_BEFORE}, None),
    ],
)
def test_only_a_strong_validator_tells_bodies_apart(
    headers: dict[str, str], validator: str | None
) -> None:
    assert strong_validator(httpx.Headers(headers)) == validator


@pytest.mark.parametrize(
    ("span", "tag", "is_continued"),
    [
        ("bytes 10-99/100", '"a"', True),
        ("bytes 11-99/100", '"a"', False),
        ("bytes 10-98/100", '"a"', False),
        ("bytes 10-100/101", '"a"', False),
        ("bytes 10-99/*", '"a"', False),
        ("bytes 10-99/100", '"b"', False),
        ("", '"a"', False),
    ],
)
def test_a_rest_starts_where_we_stopped_and_ends_with_the_same_body(
    span: str, tag: str, is_continued: bool
) -> None:
    headers = httpx.Headers({"Content-Range": span, "ETag": tag})
    assert continues(headers, received=10, total=100, validator='"a"') is is_continued


@pytest.mark.parametrize(("text", "length"), [("12", 12), ("-1", None), ("²", None), ("", None)])
def test_a_length_is_digits(text: str, length: int | None) -> None:
    assert length_of({"content-length": text}) == length
