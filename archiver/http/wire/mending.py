"""Heads that the parser rejects and browsers accept, repaired (pure).

A line without a colon, or with a blank or a non-ASCII letter in its name, is not a header and is
removed; so are blanks after a name. A length that is given twice, equally, is given once. Nothing
is decided here about where a body ends: lengths that differ are kept, and rejected.
"""

import re
from typing import Final

_TOKEN: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+[ \t]*")
"""The name of a header (RFC 9110, section 5.6.2), and blanks after it."""
_INTERIM: Final = re.compile(rb"HTTP/1\.[01] 1\d\d[ \r\n]")
_LENGTH: Final = b"content-length"


def mended(data: bytes) -> bytes | None:
    """The data with its heads repaired, including interim ones (1xx); None while one is
    incomplete."""
    ends = [at + len(end) for end in (b"\r\n\r\n", b"\n\n") if (at := data.find(end)) >= 0]
    if not ends:
        return None
    head, rest = data[: min(ends)], data[min(ends) :]
    if _INTERIM.match(head):
        following = mended(rest)
        return None if following is None else _mended_head(head) + following
    return _mended_head(head) + rest


def _mended_head(head: bytes) -> bytes:
    status, *lines = head.splitlines()
    kept: list[bytes] = []
    lengths: list[bytes] = []
    for line in lines:
        name, colon, value = line.partition(b":")
        if line[:1] in (b" ", b"\t"):  # continues the previous line
            kept.append(line)
        elif colon and name.strip().lower() == _LENGTH:
            lengths += [one.strip() for one in value.split(b",")]
        elif colon and _TOKEN.fullmatch(name):
            kept.append(name.rstrip() + b":" + value)
    if lengths:
        kept[:0] = [b"Content-Length: " + one for one in dict.fromkeys(lengths)]
    return b"\r\n".join([status, *kept, b"", b""])
