"""Asking through a transport, whatever a test serves."""

import httpx

from archiver.http.origins import OriginPolicy
from archiver.http.transport import GuardedTransport


class Anywhere(OriginPolicy):
    """Admits what a test serves, on whichever port."""

    def __init__(self) -> None:
        super().__init__("https://liner.example.org")

    def check(self, url: httpx.URL) -> None:
        """Everything goes."""

    def admits_address(self, host: str, port: int, address: str) -> bool:
        return True


async def fetch(
    transport: GuardedTransport,
    url: str,
    headers: list[tuple[str, str]] | None = None,
    *,
    method: str = "GET",
    **timeout: float,
) -> tuple[httpx.Response, bytes]:
    """The response, closed, and its body; time-outs in seconds, by httpx's names."""
    request = httpx.Request(method, url, headers=headers, extensions={"timeout": timeout})
    response = await transport.handle_async_request(request)
    try:
        return response, b"".join([chunk async for chunk in response.aiter_raw()])
    finally:
        await response.aclose()
