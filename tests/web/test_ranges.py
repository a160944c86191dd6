"""The Range header, as RFC 9110 has it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.storage.base import ByteRange
from archiver.web.ranges import Unsatisfiable, content_range, requested


@pytest.mark.parametrize(
    ("header", "span"),
    [
        ("bytes=0-", ByteRange(0, 100)),
        ("bytes=10-19", ByteRange(10, 20)),
        ("bytes=99-500", ByteRange(99, 100)),
        ("bytes=-7", ByteRange(93, 100)),
        ("bytes=-500", ByteRange(0, 100)),
        ("BYTES=0-0", ByteRange(0, 1)),
        ("bytes= 1-2 ", ByteRange(1, 3)),
    ],
)
def test_a_single_range_is_cut_at_the_end(header: str, span: ByteRange) -> None:
    assert requested(header, 100) == span


@pytest.mark.parametrize(
    "header",
    [None, "", "bytes=", "bytes=-", "bytes=5-4", "bytes=0-1,5-6", "items=0-1", "bytes=a-b", "0-1"],
)
def test_what_is_no_single_range_of_bytes_asks_for_the_whole(header: str | None) -> None:
    assert requested(header, 100) is None


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_a_range_that_selects_nothing_is_refused(header: str) -> None:
    with pytest.raises(Unsatisfiable):
        requested(header, 100)


@given(st.text("0123456789-, \tx\u0663", max_size=40), st.integers(0, 2**40))
def test_no_header_leads_out_of_the_file(header: str, size: int) -> None:
    try:
        span = requested(f"bytes={header}", size)
    except Unsatisfiable:
        return
    if span is not None:
        assert span.stop is not None
        assert 0 <= span.start < span.stop <= size
        assert content_range(span, size).endswith(f"/{size}")
