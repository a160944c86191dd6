"""A client that talks to a server which says what the test tells it to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import anyio

from archiver.config import LinerConfig
from archiver.http.origins import OriginPolicy
from archiver.http.transport import GuardedTransport
from archiver.liner.client import LinerClient
from archiver.secrets import Secret
from archiver.tasks.retry import RetryPolicy
from tests.liner.fake import Asked, Fake, Route, serving

KEY = "a-key-of-the-tests"

NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)
RECORDING = {"id": 456, "fileUrl": "https://example.com/record.mp3", "recordSummary": None}


class Waits(list[float]):
    """Stands in for sleep."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)
        await anyio.lowlevel.checkpoint()


@asynccontextmanager
async def talking(
    route: Route, *, attempts: int = 3, timeout: float = 5.0, **more: Any
) -> AsyncIterator[tuple[LinerClient, Fake]]:
    async with serving(route) as fake:
        config = LinerConfig(fake.url, Secret(KEY), requests_per_second=1e6, timeout=timeout)
        more.setdefault("sleep", Waits())
        client = LinerClient(
            config,
            GuardedTransport(OriginPolicy(fake.url)),
            retry=RetryPolicy(attempts=attempts),
            clock=lambda: NOW,
            **more,
        )
        async with client:
            yield client, fake


def listing(rows: list[dict[str, Any]], total: Any = ..., following: Any = 50) -> dict[str, Any]:
    data: dict[str, Any] = {"list": rows, "next": following}
    if total is not None:
        data["total"] = len(rows) if total is ... else total
    return data


def saying(data: Any) -> Route:
    return lambda asked: asked.data(data)


def refusing(status: int, message: str = "", **headers: str) -> Route:
    return lambda asked: asked.refuse(status, message, **headers)


def in_turn(*routes: Route) -> Route:
    """One route after the other; the last one for all that follow."""
    left = list(routes)

    async def route(asked: Asked) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(asked)

    return route


def by_path(**routes: Route) -> Route:
    """Routes by the first word of a path after the version; 404 for all others."""

    async def route(asked: Asked) -> None:
        name = asked.path.strip("/").replace("/", "_").replace("-", "_")
        await routes.get(name, refusing(404))(asked)

    return route


def raw(data: bytes) -> Route:
    async def route(asked: Asked) -> None:
        await asked.say(data)
        asked.hang_up()

    return route


ORDERS = listing([{"id": 1, "title": "One"}, {"id": 2, "serviceTitle": "two"}])
