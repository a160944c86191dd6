"""Content codings: which of them change a body, and which are only declared (pure).

Servers send all kinds of values in `Content-Encoding`: the `aws-chunked` of an upload, a charset,
`none`, `binary`. None of these changes a byte, and browsers ignore them.
"""

from typing import Final

_CODINGS: Final = frozenset(
    {
        "gzip", "x-gzip", "deflate", "br", "zstd", "compress", "x-compress",
        "exi", "pack200-gzip", "aes128gcm", "dcb", "dcz", "bzip2", "x-bzip2", "lzma", "xz",
    }
)  # fmt: skip
"""The registered codings that change a body (IANA), and others that are in use."""


def codings_of(header: str | None) -> tuple[str, ...]:
    """The codings of a `Content-Encoding` that change the body, in lower case and in order."""
    words = (word.strip().lower() for word in (header or "").split(","))
    return tuple(word for word in words if word in _CODINGS)
