"""A relay before an S3 server that answers every PUT later: the storage of a region far away.

`python -m benchmarks.slow_puts PORT UPSTREAM_PORT SECONDS`. It waits before it passes a PUT on, and
works for many connections at a time; everything else goes through as it is.
"""

import asyncio
import sys


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    try:
        while data := await reader.read(1 << 16):
            if data.startswith(b"PUT "):  # a client sends no request before it has the answer
                await asyncio.sleep(delay)
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def serve(port: int, upstream: int, delay: float) -> None:
    """Relay until the process ends."""

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", upstream)
        await asyncio.gather(_pass(reader, back, delay), _pass(there, writer, 0.0))

    server = await asyncio.start_server(relay, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
