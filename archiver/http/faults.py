"""What can be wrong with an answer, where the errors of httpx do not tell it apart."""

import httpx


class NotHttp(httpx.RemoteProtocolError):
    """What came is no answer in HTTP, or leaves in doubt where its body ends."""


class MoreThanAnnounced(httpx.RemoteProtocolError):
    """The body went on behind the end that the answer had announced."""
