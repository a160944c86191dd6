"""The audio of one recording, or a range of it, from the archive; every play is in the access log.

Nothing in a request names a key or a path: a recording is requested by its id, and `Media` finds
its key. A play that cannot be logged is not served.
"""

import logging
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import anyio
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from archiver.desk.journal import Act
from archiver.desk.media import Absent, Sound, why_unread
from archiver.desk.pcm import Undecoded
from archiver.desk.peaks import NoPeaks
from archiver.desk.playback import Way
from archiver.errors import StorageError
from archiver.recordings.audio import extension_of
from archiver.sound.spans import Plan
from archiver.storage.base import ByteRange
from archiver.tasks.lanes import answers_to
from archiver.web.context import Visit
from archiver.web.ranges import Unsatisfiable, content_range, requested

_LOG: Final = logging.getLogger(__name__)
_CHUNK: Final = 256 * 1024
_GONE: Final = frozenset({"gone", "pruned", "erased"})
_NOT_NOW: Final = frozenset({"forbidden", "unreachable"})


async def listen(visit: Visit) -> Response:
    """The sound for the player."""
    media = visit.desk.library.media
    found = await media.find(visit.id())
    if isinstance(found, Absent):
        return _absent(visit, found)
    # One switch to a thread after another would wait for all pages that are made meanwhile.
    told = await answers_to(
        {
            "there": partial(media.check, found),
            "claim": partial(_keep_claim, visit, found),
            "track": partial(_track, visit, found),
        }
    )
    if isinstance(told["there"], Absent):
        return _absent(visit, told["there"])
    await _log_play(visit, found)
    track = told["track"]
    return _answer(visit, track, {}) if isinstance(track, Track) else track


async def _log_play(visit: Visit, sound: Sound) -> None:
    if visit.request.method == "GET":
        await visit.desk.journal.played(visit.person, visit.address, sound.record_id)


async def _keep_claim(visit: Visit, sound: Sound) -> None:
    if visit.request.method == "GET":
        await visit.desk.queues.keep(visit.person, sound.record_id)


async def take_away(visit: Visit) -> Response:
    """The sound as a file to keep: what was archived, or the copy that the person may hear."""
    found = await visit.desk.library.media.look(visit.id())
    if isinstance(found, Absent):
        return _absent(visit, found)
    if visit.request.method == "GET":
        await visit.desk.journal.record(
            visit.person.name, visit.address, Act.DOWNLOAD, record_id=found.record_id
        )
    plan = await _plan(visit)
    track = _as_it_is(visit, found) if plan is None else await _redacted(visit, found, plan)
    if not isinstance(track, Track):
        return track
    mark = "" if plan is None else "_redacted"
    name = f"recording-{found.record_id}{mark}.{extension_of(track.content_type)}"
    disposition = f'attachment; filename="{name}"'
    return _answer(visit, track, {"content-disposition": disposition})


async def shape(visit: Visit) -> Response:
    """What the waveform is drawn from; computed on the first request, which may take a while.

    With `sketch` in the address a rough one, if the other is still to be computed.
    """
    peaks, plan = visit.desk.library.peaks, await _plan(visit)
    is_sketch = "sketch" in visit.request.query_params and plan is None
    rough = await peaks.sketch(visit.id()) if is_sketch else None
    found = rough or await peaks.of(visit.id(), plan)
    if isinstance(found, NoPeaks):
        return JSONResponse({"none": visit.say.named("peaks", found.reason)})
    return JSONResponse(
        {
            "seconds": found.seconds,
            "rough": rough is not None,
            "channels": [list(channel) for channel in found.channels],
            "silences": [[round(start, 2), round(end, 2)] for start, end in found.silences],
        }
    )


async def _plan(visit: Visit) -> Plan | None:
    """What the person must not hear of the recording."""
    plans = await visit.desk.redactions.plans(visit.person, [visit.id()])
    return plans.get(visit.id())


async def _track(visit: Visit, sound: Sound) -> "Track | Response":
    """What the person may hear, in a form that browsers play."""
    plan, pcm = await _plan(visit), visit.desk.library.pcm
    if plan is not None:
        return await _redacted(visit, sound, plan)
    try:
        way = await pcm.way(sound)
    except StorageError as error:
        return _unread(visit, sound.record_id, error)
    if way is Way.BROWSER:
        return _as_it_is(visit, sound)
    decoded = await pcm.of(sound, way)
    if isinstance(decoded, Path):
        return await _decoded(sound, decoded, "pcm")
    return _undecoded(visit, sound, decoded)


async def _redacted(visit: Visit, sound: Sound, plan: Plan) -> "Track | Response":
    pcm = visit.desk.library.pcm
    try:
        copy = await pcm.redacted(sound, await pcm.way(sound), plan)
    except StorageError as error:
        return _unread(visit, sound.record_id, error)
    if isinstance(copy, Path):
        return await _decoded(sound, copy, plan.digest)
    if copy == "no-decoder" or copy == "undecodable":  # noqa: PLR1714 - narrows the type
        copy = "unredacted"
    return _undecoded(visit, sound, copy)


def _undecoded(visit: Visit, sound: Sound, why: Undecoded) -> Response:
    if why == "no-decoder" or why == "undecodable" or why == "unredacted":  # noqa: PLR1714
        kind = extension_of(sound.content_type).upper()
        return PlainTextResponse(visit.say(f"absent.{why}", kind=kind), 415)
    return _absent(visit, Absent(sound.record_id, why))


def _absent(visit: Visit, found: Absent) -> Response:
    said = visit.say.named("absent", found.why)
    status = 410 if found.why in _GONE else 503 if found.why in _NOT_NOW else 404
    return PlainTextResponse(said, status)


def _unread(visit: Visit, record_id: int, error: StorageError) -> Response:
    return _absent(visit, Absent(record_id, why_unread(error)))


@dataclass(frozen=True, slots=True)
class Track:
    """What is sent: the recording as it is, or what was made of it. `tag` names these bytes."""

    record_id: int
    size: int
    content_type: str
    tag: str
    open: Callable[[ByteRange | None], AbstractAsyncContextManager[AsyncIterator[bytes]]]


def _as_it_is(visit: Visit, sound: Sound) -> Track:
    opened = partial(visit.desk.library.media.open, sound)
    return Track(sound.record_id, sound.size, sound.content_type, sound.sha256, opened)


async def _decoded(sound: Sound, path: Path, what: str) -> Track:
    size = (await anyio.Path(path).stat()).st_size
    return Track(sound.record_id, size, "audio/wav", f"{sound.sha256}-{what}", partial(_read, path))


@asynccontextmanager
async def _read(path: Path, span: ByteRange | None) -> AsyncIterator[AsyncIterator[bytes]]:
    async with await anyio.open_file(path, "rb") as file:

        async def chunks() -> AsyncIterator[bytes]:
            await file.seek(span.start if span else 0)
            left = (
                span.stop if span and span.stop is not None else sys.maxsize
            ) - await file.tell()
            while left > 0 and (chunk := await file.read(min(_CHUNK, left))):
                left -= len(chunk)
                yield chunk

        yield chunks()


def _answer(visit: Visit, track: Track, headers: dict[str, str]) -> Response:
    asked = visit.request.headers
    tag = f'"{track.tag}"'
    headers |= {"etag": tag, "accept-ranges": "bytes"}
    if tag in asked.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    # A range of another version would be glued to what the browser has of this one.
    is_same = asked.get("if-range", tag) == tag
    try:
        span = requested(asked.get("range") if is_same else None, track.size)
    except Unsatisfiable:
        headers["content-range"] = f"bytes */{track.size}"
        return Response(status_code=416, headers=headers)
    if span is not None:
        headers["content-range"] = content_range(span, track.size)
    return SoundResponse(track, span, headers, partial(_unread, visit, track.record_id))


class SoundResponse(Response):
    """Streams a track, and stops reading as soon as the listener has gone.

    `unread` is the answer instead, where the storage fails before the first byte.
    """

    def __init__(
        self,
        track: Track,
        span: ByteRange | None,
        headers: dict[str, str],
        unread: Callable[[StorageError], Response],
    ) -> None:
        stop = track.size if span is None or span.stop is None else span.stop
        length = stop - (span.start if span else 0)
        super().__init__(
            status_code=206 if span else 200,
            headers={**headers, "content-length": str(length)},
            media_type=track.content_type,
        )
        self._track, self._span, self._unread, self._length = track, span, unread, length

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; a storage that fails in mid-stream leaves the answer short, never wrong."""
        start = {
            "type": "http.response.start",
            "status": self.status_code,
            "headers": self.raw_headers,
        }
        if scope["method"] == "HEAD":
            await send(start)
            await send({"type": "http.response.body", "body": b""})
            return
        async with AsyncExitStack() as stack:
            try:
                chunks = await stack.enter_async_context(self._track.open(self._span))
                first = await anext(chunks, b"")
            except StorageError as error:
                await self._unread(error)(scope, receive, send)
                return
            await send(start)
            is_all = len(first) == self._length
            await send({"type": "http.response.body", "body": first, "more_body": not is_all})
            if is_all:  # most requests of a player: the storage need not be asked for its end
                return
            try:
                async with anyio.create_task_group() as talk:
                    talk.start_soon(_until_gone, receive, talk.cancel_scope)
                    async for chunk in chunks:
                        await send({"type": "http.response.body", "body": chunk, "more_body": True})
                    await send({"type": "http.response.body", "body": b""})
                    talk.cancel_scope.cancel()
            except* StorageError as group:
                # Without its end the answer is short of its length: the server cuts the connection.
                _LOG.warning("recording %s: %s", self._track.record_id, group.exceptions[0])


async def _until_gone(receive: Receive, listening: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    listening.cancel()
