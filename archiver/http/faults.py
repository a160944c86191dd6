"""Faults of a response that httpx's errors do not distinguish."""

import httpx


class NotHttp(httpx.RemoteProtocolError):
    """The response is not HTTP, or does not define where its body ends."""


class MoreThanAnnounced(httpx.RemoteProtocolError):
    """The body is longer than the response had announced."""
