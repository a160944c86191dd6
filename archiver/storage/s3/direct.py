"""Small puts and gets over our own connections, after boto3 has made the first one.

Only plain success is handled here, and an unmet condition of a put. For any other response of S3,
the request is left to boto3, which handles redirects, regions and errors; its next request of the
kind is the new pattern.
"""

import hashlib
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from enum import Enum, auto
from typing import Any, Final, cast

from anyio import to_thread
from botocore.httpsession import get_cert_path

from archiver.errors import KeyChanged, KeyExists
from archiver.http.direct import Direct, Received, Unanswered
from archiver.storage.base import Body, ByteRange
from archiver.storage.s3.answers import is_of_s3
from archiver.storage.s3.errors import unanswered, unmet_words
from archiver.storage.s3.requests import Bucket, get_parameters
from archiver.storage.s3.signing import Keys, Pattern, signed_head
from archiver.storage.s3.timeouts import CONNECT_TIMEOUT, SOCKET_TIMEOUT

DIRECT_UP_TO: Final = 8 << 20
"""Bytes of a body that is put this way: it is in memory, and is sent again as a whole."""
CONNECTIONS: Final = 64
_ORDINARY: Final = frozenset({200, 206, 404, 416})
"""Answers to a get after which the next may look the same."""
_MOST_ERROR_BYTES: Final = 1 << 16
_NOTHING: Final = hashlib.sha256().hexdigest()
_GIVEN: Final = {
    b"etag": "ETag",
    b"x-amz-version-id": "VersionId",
    b"x-amz-checksum-sha256": "ChecksumSHA256",
    b"x-amz-checksum-type": "ChecksumType",
}
"""Headers of an answer, and what boto3 calls them."""


class Fate(Enum):
    """The state of a put that is left to boto3: nothing was stored, or that is unknown."""

    NOT_STORED = auto()
    UNKNOWN = auto()


class DirectRequests:
    """Requests for the objects of one bucket, used within one event loop."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._server = Direct(
            lambda: _context(bucket.access.trust),
            connections=CONNECTIONS,
            connect=CONNECT_TIMEOUT,
            patience=SOCKET_TIMEOUT,
        )

    def close(self) -> None:
        """Close every connection."""
        self._server.close()

    async def put(self, key: str, body: Body, replacing: str | None) -> Mapping[str, Any] | Fate:
        """Put a small object; what S3 answers, or what is left for boto3.

        Raises KeyExists or KeyChanged when the condition does not hold.
        """
        pattern, data = self._bucket.access.patterns.get("PUT"), body.source
        is_small = isinstance(data, bytes) and len(data) == body.size <= DIRECT_UP_TO
        if pattern is None or not is_small:
            return Fate.NOT_STORED
        parameters = self._bucket.put_parameters(key, body, replacing)
        head = await self._head(pattern, key, parameters, body.sha256)
        if head is None:
            return Fate.NOT_STORED
        fate = Fate.UNKNOWN
        try:
            # Sent once: it is too unsure that a put has not been read whose connection was closed.
            asked = self._server.asked(pattern.origin, head, cast(bytes, data), repeat=False)
            async with asked as answer:
                await answer.read_off(_MOST_ERROR_BYTES)
                if answer.status == 200:
                    return _given(answer)
                if answer.status == 412:
                    kind = KeyExists if replacing is None else KeyChanged
                    raise kind(unmet_words(key), key=key)
                if 300 <= answer.status < 500:
                    fate = Fate.NOT_STORED
        except Unanswered as error:
            fate = Fate.UNKNOWN if error.was_sent else Fate.NOT_STORED
        self._bucket.access.patterns.pop("PUT", None)
        return fate

    @asynccontextmanager
    async def open(
        self, key: str, span: ByteRange | None
    ) -> AsyncIterator[AsyncIterator[bytes] | None]:
        """Get an object: its bytes as they arrive, or None where that is left for boto3."""
        pattern = self._bucket.access.patterns.get("GET")
        head = await self._head(pattern, key, get_parameters(span), _NOTHING) if pattern else None
        if pattern is None or head is None:
            yield None
            return
        async with AsyncExitStack() as stack:
            try:
                asked = self._server.asked(pattern.origin, head)
                answer = await stack.enter_async_context(asked)
                arriving = _chunks(key, answer) if _is_asked_for(answer, span) else None
                if arriving is None:
                    await answer.read_off(_MOST_ERROR_BYTES)
                is_known = answer.status in _ORDINARY
            except Unanswered:
                arriving, is_known = None, False
            if not is_known:
                self._bucket.access.patterns.pop("GET", None)
            yield arriving

    async def _head(
        self, pattern: Pattern, key: str, parameters: Mapping[str, Any], payload: str
    ) -> bytes | None:
        """The head of a request; None without credentials, which boto3 will report."""
        keys = await self._keys()
        if keys is None:
            return None
        try:
            name = self._bucket.name_of(key)
            return signed_head(pattern, name, parameters, payload, keys)
        except ValueError:
            return None

    async def _keys(self) -> Keys | None:
        if self._bucket.access.known is not None:
            return self._bucket.access.known.keys
        service = self._bucket.access.service
        try:
            if service.must_ask:
                return await to_thread.run_sync(service.keys)
            return service.keys()
        except Exception:  # noqa: BLE001 - of any kind: boto3 meets it, too, and reports it
            return None


async def _chunks(key: str, answer: Received) -> AsyncIterator[bytes]:
    try:
        while chunk := await answer.read():
            yield chunk
    except Unanswered as error:
        raise unanswered(str(error), key) from error


def _is_asked_for(answer: Received, span: ByteRange | None) -> bool:
    headers = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers)
    if not is_of_s3(headers):
        return False
    if span is None:
        return answer.status == 200
    begins = f"bytes {span.start}-".encode()
    ranges = (value for name, value in answer.headers if name.lower() == b"content-range")
    return answer.status == 206 and next(ranges, b"").startswith(begins)


def _given(answer: Received) -> dict[str, Any]:
    named = ((_GIVEN.get(name.lower()), value) for name, value in answer.headers)
    return {name: value.decode("latin-1") for name, value in named if name is not None}


def _context(trust: Any) -> ssl.SSLContext:
    """Trusts whom boto3 trusts: AWS_CA_BUNDLE, or the certificates that come with it."""
    return ssl.create_default_context(cafile=get_cert_path(trust))
