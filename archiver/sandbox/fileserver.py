"""Audio over HTTP: addresses that may expire, ranges, validators. Pure."""

import hashlib
import hmac
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from archiver.sandbox.audio import Audio
from archiver.sandbox.exchange import Answer, Request

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@dataclass(frozen=True)
class Addresses:
    """Makes the path of a file and admits requests for it.

    With `lifetime` (seconds) paths are signed and expire; without it they are plain and for ever.
    """

    secret: str
    lifetime: float | None = None
    clock: Callable[[], float] = time.time

    def path(self, record_id: int, extension: str) -> str:
        """Path and query of a recording's file."""
        plain = f"/files/{record_id}.{extension}"
        if self.lifetime is None:
            return plain
        expires = int(self.clock() + self.lifetime)
        return f"{plain}?expires={expires}&sig={self._signature(record_id, str(expires))}"

    def admit(self, request: Request, record_id: int) -> bool:
        """Whether the request's address is signed by us and still good."""
        if self.lifetime is None:
            return True
        expires = request.params.get("expires", "")
        wanted = self._signature(record_id, expires)
        signed = hmac.compare_digest(wanted, request.params.get("sig", ""))
        return signed and float(expires) > self.clock()

    def _signature(self, record_id: int, expires: str) -> str:
        text = f"{record_id}:{expires}".encode()
        return hmac.new(self.secret.encode(), text, hashlib.sha256).hexdigest()[:32]


def serve_file(request: Request, audio: Audio, changed_at: datetime) -> Answer:
    """200 with the whole file, 206 with a part of it, or 416."""
    headers = {
        "Content-Type": audio.content_type,
        "Accept-Ranges": "bytes",
        "ETag": audio.tag,
        "Last-Modified": format_datetime(changed_at, usegmt=True),
    }
    size = len(audio.data)
    wanted = request.headers.get("range")
    condition = request.headers.get("if-range")
    if condition is not None and condition not in {headers["ETag"], headers["Last-Modified"]}:
        wanted = None
    found = _RANGE.fullmatch(wanted or "")
    if found is None or (not found[1] and not found[2]):
        return Answer(200, headers, audio.data)
    first = int(found[1]) if found[1] else max(0, size - int(found[2]))
    last = min(int(found[2]), size - 1) if found[1] and found[2] else size - 1
    if first > last:
        return Answer(416, headers | {"Content-Range": f"bytes */{size}"})
    headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    return Answer(206, headers, memoryview(audio.data)[first : last + 1])
