"""The `Range` header (RFC 9110, section 14), single byte ranges only (pure).

A header that is malformed, has another unit or several ranges may be ignored, and is: the response
then has the whole file. A well-formed range that selects nothing is rejected (416).
"""

import re
from typing import Final

from archiver.storage.base import ByteRange

_SINGLE: Final = re.compile(r"bytes=[ \t]*(\d{0,18})-(\d{0,18})[ \t]*", re.ASCII | re.IGNORECASE)


class Unsatisfiable(ValueError):
    """The range is well-formed and selects no byte of the file."""


def requested(header: str | None, size: int) -> ByteRange | None:
    """The requested bytes, limited to `size`; None stands for the whole file.

    Raises Unsatisfiable.
    """
    match = _SINGLE.fullmatch(header.strip()) if header else None
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:  # the last so many bytes
        start, stop = max(size - int(last), 0), size
    else:
        start, stop = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return None
    if start >= size:
        raise Unsatisfiable(f"{header} is outside the {size} bytes")
    return ByteRange(start, stop)


def content_range(span: ByteRange, size: int) -> str:
    """The `Content-Range` of an answer that carries the span."""
    return f"bytes {span.start}-{(size if span.stop is None else span.stop) - 1}/{size}"
