"""JSON from untrusted files, read as strictly as other programs read it."""

import json
from typing import Any, NoReturn

import msgspec


def read_json(text: bytes | str) -> Any:
    """Parse JSON. ValueError for anything else, or if it is nested too deeply.

    The standard parser accepts more: UTF-16, a byte order mark, NaN and Infinity, which other
    programs would not read the same way; and it fails on deep nesting with RecursionError.
    """
    try:
        return _FAST.decode(text)
    except (ValueError, RecursionError):
        pass  # what it refuses is rare: lone surrogates and the like, which are JSON none the less
    try:
        return _STRICT.decode(text if isinstance(text, str) else text.decode("utf-8"))
    except RecursionError:
        raise ValueError("not JSON: nested too deeply") from None


def json_text(value: Any) -> str:
    """Compact JSON. Letters of all scripts stay as they are where possible: a lone surrogate, which
    JSON can express by an escape only, has all of them escaped."""
    try:
        return _FAST_ENCODER.encode(value).decode()
    except (ValueError, OverflowError):  # a lone surrogate, or a number beyond 64 bits
        return json.dumps(value, separators=(",", ":"))


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"not JSON: {constant}")


_FAST = msgspec.json.Decoder()
_FAST_ENCODER = msgspec.json.Encoder()
_STRICT = json.JSONDecoder(parse_constant=_refuse)
