"""A client that hides nothing: it shows what came over the socket, right or wrong."""

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from archiver.sandbox.server import Sandbox


@dataclass(frozen=True)
class Seen:
    """What came until the connection ended, or, with `stalled`, until nothing more came."""

    status: int
    headers: dict[str, str]
    body: bytes
    was_reset: bool = False
    stalled: bool = False

    @property
    def data(self) -> Any:
        return json.loads(self.body)["data"]

    @property
    def rows(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = self.data["list"]
        return listed

    @property
    def ids(self) -> list[int]:
        return [row["id"] for row in self.rows]


async def get(
    sandbox: Sandbox,
    address: str,
    *,
    key: str | None = "sandbox-key",
    headers: dict[str, str] | None = None,
    patience: float = 5.0,
) -> Seen:
    """Asks for a path of the sandbox, or for a whole address, and reads to the end."""
    parts = urlsplit(address if "://" in address else sandbox.url + address)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    lines = {"Host": parts.netloc, "Connection": "close", **(headers or {})}
    if key is not None:
        lines["X-Api-Key"] = key
    request = f"GET {target} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in lines.items())
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write(f"{request}\r\n".encode())
        return await _read(reader, patience)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def _read(reader: asyncio.StreamReader, patience: float) -> Seen:
    received, was_reset, stalled = bytearray(), False, False
    try:
        async with asyncio.timeout(patience):
            while piece := await reader.read(65536):
                received += piece
    except ConnectionResetError:
        was_reset = True
    except TimeoutError:
        stalled = True
    head, _, body = bytes(received).partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    status = int(first.split(" ")[1]) if first else 0
    headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
    return Seen(status, headers, body, was_reset, stalled)
