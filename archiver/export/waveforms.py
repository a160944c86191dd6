"""Waveforms of recordings, computed while they are packed.

Audio is read from the archive once. Each chunk that goes into the package is also sent to a worker
process, which decodes the recording once it is complete. Only a few run at a time; packing waits
for them.
"""

import base64
import itertools
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import AsyncExitStack, aclosing, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import anyio
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectReceiveStream

from archiver.catalog.selection import ChosenRecording
from archiver.extras import is_installed

POINTS: Final = 400
"""Points per channel: as many as fit into the width of a player."""

_AT_ONCE: Final = 2
_PATIENCE: Final = 900.0
_CHANNELS: Final = 2


class Waveforms:
    """Computes waveforms while recordings are packed. Use it as an async context manager.

    Without the sound libraries, or with --no-waveforms, it computes none.
    """

    def __init__(self, *, is_wanted: bool, folder: Path | None = None) -> None:
        self.is_drawing = is_wanted and is_installed("sound")
        self._folder = folder
        self._places = anyio.CapacityLimiter(_AT_ONCE)
        self._drawn: dict[int, anyio.Event] = {}
        self._found: dict[int, tuple[str, ...]] = {}
        self._stack = AsyncExitStack()
        self._tasks: TaskGroup

    async def __aenter__(self) -> Self:
        self._tasks = await self._stack.enter_async_context(anyio.create_task_group())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._tasks.cancel_scope.cancel()
        await self._stack.aclose()

    async def seen(
        self, chunks: AsyncGenerator[bytes, None], one: ChosenRecording
    ) -> AsyncGenerator[bytes, None]:
        """The same chunks, which are also sent to the worker."""
        if not self.is_drawing:
            async for chunk in chunks:
                yield chunk
            return
        send, receive = anyio.create_memory_object_stream[bytes](1)
        drawn = self._drawn[one.record_id] = anyio.Event()
        self._tasks.start_soon(self._draw, one, receive, drawn)
        async with send, aclosing(chunks):
            async for chunk in chunks:
                with suppress(anyio.BrokenResourceError):  # no waveform of a recording too long
                    await send.send(chunk)
                yield chunk

    async def of(self, record_ids: Iterable[int]) -> dict[int, tuple[str, ...]]:
        """The waveforms of these recordings, once computed; some have none."""
        drawn = {}
        for one in record_ids:
            if one in self._drawn:
                await self._drawn.pop(one).wait()
                if found := self._found.pop(one, None):
                    drawn[one] = found
        return drawn

    async def _draw(
        self, one: ChosenRecording, chunks: MemoryObjectReceiveStream[bytes], drawn: anyio.Event
    ) -> None:
        from archiver.desk.waveform import Waveform, trace
        from archiver.sound.workers import WorkerFailed, work_on_audio

        try:
            async with self._places, chunks:
                found = await work_on_audio(
                    _received(chunks),
                    trace,
                    size=one.size,
                    sha256=one.sha256,
                    folder=self._folder or Path(tempfile.gettempdir()),
                    patience=_PATIENCE,
                )
            if isinstance(found, Waveform):
                self._found[one.record_id] = tuple(
                    _packed(channel) for channel in found.channels[:_CHANNELS]
                )
        except (WorkerFailed, OSError):
            return  # the package is as good as evidence without this waveform
        finally:
            drawn.set()


async def _received(chunks: MemoryObjectReceiveStream[bytes]) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        yield chunk


def _packed(channel: bytes) -> str:
    """The maximum of each group of points, in base64."""
    count = min(POINTS, len(channel))
    bounds = [place * len(channel) // count for place in range(count + 1)]
    peaks = bytes(max(channel[a:b]) for a, b in itertools.pairwise(bounds))
    return base64.b64encode(peaks).decode()
