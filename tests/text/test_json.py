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
