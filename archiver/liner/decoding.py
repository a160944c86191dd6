"""The bytes of a response: codings, secrets, JSON (pure). ValueError if unusable."""

import json
import math
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, Final

from archiver.http.codings import codings_of
from archiver.secrets import REDACTED

MOST_BYTES: Final = 32 * 2**20
"""The largest response that is read: a page of 100 rows has about 50 kB."""

_DEEPEST: Final = 64
"""Levels of nesting; deeper JSON might be readable but not writable again."""
_SHALLOW: Final = 48
"""With at most this many brackets in a body, it cannot be nested too deeply."""
_SHORTENED: Final = 200


def inflated(body: bytes, coding: str, most_bytes: int = MOST_BYTES) -> bytes:
    """The body without a content coding that was not requested; gzip and deflate are supported.

    Values that code nothing (`identity`, a charset) are ignored.
    """
    codings = codings_of(coding)
    if not codings:
        return body
    bits = {"gzip": 31, "x-gzip": 31, "deflate": 15}.get(codings[0])
    if bits is None or len(codings) > 1:
        raise ValueError("in a content encoding that was not requested")
    inflater = zlib.decompressobj(bits)
    try:
        plain = inflater.decompress(body, most_bytes + 1)
    except zlib.error as error:
        raise ValueError("a corrupt compressed body") from error
    if len(plain) > most_bytes or not inflater.eof:
        raise ValueError("a compressed body that is truncated or too large")
    return plain


def scrubbed(text: Any, secrets: Sequence[str]) -> str:
    """A text from the API, made safe for an error message: one line, printable, 200 characters, no
    secret."""
    if not isinstance(text, str):
        return ""
    for secret in secrets:
        text = text.replace(secret, REDACTED)
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * _SHORTENED]).split())
    return line if len(line) <= _SHORTENED else line[: _SHORTENED - 1] + "…"


def decode_json(body: bytes) -> Any:
    """The JSON value in the body, in any Unicode encoding, with or without a byte order mark.

    NaN, infinities and numbers beyond the range of a float become None, since JSON cannot represent
    them. Lone surrogates are kept.
    """
    try:
        value = _decoded(body.decode(json.detect_encoding(body), "surrogatepass").strip())
    except RecursionError as error:
        raise ValueError("nests too deep") from error
    except ValueError as error:
        raise ValueError("is not JSON") from error
    if body.count(b"{") + body.count(b"[") > _SHALLOW and _is_too_deep(value):
        raise ValueError("nests too deep")
    return value


def _decoded(text: str) -> Any:
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError:
        raise
    except ValueError:
        return _PATIENT_DECODER.decode(text)


def _finite(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None


def _bounded_int(text: str) -> int | str:
    try:
        return int(text)
    except ValueError:
        return text


_DECODER: Final = json.JSONDecoder(parse_constant=lambda _: None, parse_float=_finite)
_PATIENT_DECODER: Final = json.JSONDecoder(
    parse_constant=lambda _: None, parse_float=_finite, parse_int=_bounded_int
)
"""Keeps integers of thousands of digits, which Python refuses to parse, as text. It is called for
every integer, so it is only the fallback."""


def _is_too_deep(value: Any) -> bool:
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(_DEEPEST):
        level = [inner for outer in level for inner in _containers_in(outer)]
        if not level:
            return False
    return True


def _containers_in(value: dict[str, Any] | list[Any]) -> Iterator[Any]:
    for inner in value.values() if isinstance(value, dict) else value:
        if isinstance(inner, (dict, list)):
            yield inner
