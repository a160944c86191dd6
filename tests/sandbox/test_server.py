"""The sandbox starts, tells what it was asked, and stops, wherever it runs."""

import asyncio
import gc
import socket
import urllib.error
import urllib.request

import anyio
import pytest

from archiver.errors import UsageError
from archiver.sandbox.faults import Fault, Route, Silence, Status
from archiver.sandbox.server import Sandbox, sandbox_thread, serve
from archiver.sandbox.world import World
from tests.sandbox.client import get

pytestmark = pytest.mark.anyio


async def test_every_request_is_logged_and_counted() -> None:
    async with Sandbox(World().call(1).recording(11)) as sandbox:
        await get(sandbox, "/v2/call/?orderIds%5B%5D=1&limit=5")
        await get(sandbox, "/v2/order/", key=None)
        await get(sandbox, "/files/11.wav?x=1", key=None, headers={"Range": "bytes=1-"})
        calls, orders, file = sandbox.requests
        assert (calls.path, calls.query) == ("/v2/call/", (("orderIds[]", "1"), ("limit", "5")))
        assert (calls.status, calls.key_sent, orders.status, orders.key_sent) == (
            200, True, 401, False,
        )  # fmt: skip
        assert (file.route, file.id, file.range) == (Route.FILE, 11, "bytes=1-")
        assert (sandbox.count(), sandbox.count(Route.CALLS)) == (3, 1)
        assert (sandbox.count(Route.FILE, of=11), sandbox.count(Route.FILE, of=12)) == (1, 0)
        sandbox.forget()
        assert (sandbox.count(), len(sandbox.requests)) == (0, 0)


async def test_a_connection_carries_one_request_after_the_other() -> None:
    async with Sandbox(World().call(1)) as sandbox:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(sandbox.url.split(":")[2]))
        for path, status in (("/v2/order/", b"200"), ("/nowhere", b"404"), ("/v2/order/", b"200")):
            writer.write(f"GET {path} HTTP/1.1\r\nX-Api-Key: sandbox-key\r\n\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            assert head.split()[1] == status
            length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
            await reader.readexactly(int(length))
        writer.write(b"POST /v2/order/ HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc")
        assert (await reader.readuntil(b"\r\n\r\n")).split()[1] == b"405"
        writer.close()
        await writer.wait_closed()


async def test_nonsense_and_endless_heads_are_answered() -> None:
    async with Sandbox(World().call(1)) as sandbox:
        assert (await get(sandbox, "/v2/order/?" + "a" * 70_000)).status == 414
        assert (await get(sandbox, "/v2/order/ x y")).status == 400


@pytest.mark.parametrize("turns", range(6))
def test_a_connection_that_has_only_just_come_is_closed_with_it(turns: int) -> None:
    """Also where its conversation has not begun; what stays open warns when it is collected."""

    async def stop_at_once() -> socket.socket:
        async with Sandbox(World()) as sandbox:
            port = int(sandbox.url.split(":")[2])
            client = socket.create_connection(("127.0.0.1", port))
            for _ in range(turns):
                await asyncio.sleep(0)
        return client

    with asyncio.run(stop_at_once()):
        gc.collect()


async def test_it_stops_while_a_client_waits_for_ever() -> None:
    with anyio.fail_after(5):
        async with Sandbox(World().call(1), faults=[Fault(None, Silence())]) as sandbox:
            port = int(sandbox.url.split(":")[2])
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
            await get(sandbox, "/", patience=0.05)
            assert sandbox.requests[0].status == 0
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1", "example.com"])
async def test_it_listens_on_loopback_only(host: str) -> None:
    with pytest.raises(UsageError, match="loopback only"):
        async with Sandbox(World(), host=host):
            pytest.fail("it listens")


async def test_a_port_that_is_taken_is_named() -> None:
    async with Sandbox(World()) as sandbox:
        port = int(sandbox.url.split(":")[2])
        with pytest.raises(UsageError, match=str(port)):
            async with Sandbox(World(), port=port):
                pytest.fail("it listens")


def test_it_runs_in_a_thread_of_its_own() -> None:
    with sandbox_thread(Sandbox(World().call(1))) as sandbox:
        request = urllib.request.Request(
            f"{sandbox.url}/v2/order/", headers={"X-Api-Key": sandbox.key}
        )
        with urllib.request.urlopen(request) as answer:
            assert answer.status == 200
        sandbox.faults.add(Fault(None, Status(503)))
        with pytest.raises(urllib.error.HTTPError, match="503") as refused:
            urllib.request.urlopen(request)
        refused.value.close()
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(request)


async def test_it_serves_until_it_is_cancelled() -> None:
    announced: list[tuple[str, str]] = []
    async with anyio.create_task_group() as tasks:

        def announce(url: str, key: str) -> None:
            announced.append((url, key))
            tasks.cancel_scope.cancel()

        await serve("127.0.0.1", 0, announce)
    assert announced[0][0].startswith("http://127.0.0.1:")
    assert announced[0][1] == "sandbox-key"
