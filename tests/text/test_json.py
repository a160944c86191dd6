"""JSON that anybody may have written: an answer or a ValueError, whatever it is."""

import pytest

from archiver.text.json import read_json


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"[" * 100_000, b'{"a":' * 100_000])
def test_what_is_no_json_is_a_value_error(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_json(text)


def test_what_is_json_is_read() -> None:
    assert read_json('{"a": [1, null]}') == {"a": [1, None]}


@pytest.mark.parametrize(
    "text",
    [
        b'\xef\xbb\xbf{"a": 1}',
        '{"a": 1}'.encode("utf-16"),
        '{"a": 1}'.encode("utf-32-le"),
        '\ufeff{"a": 1}',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
    ],
)
def test_what_only_python_takes_for_json_is_none(text: bytes | str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_json(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'"\\ud83d"', "\ud83d"),
        (b"[18446744073709551616, -9223372036854775809]", [2**64, -(2**63) - 1]),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b"[-0, 0.1, 1E5, 1e400]", [0, 0.1, 100_000.0, float("inf")]),
        (b' "\\u0000\\/" ', "\0/"),
    ],
)
def test_rare_json_is_read_as_well(text: bytes, value: object) -> None:
    assert read_json(text) == value
