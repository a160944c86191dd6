"""What a form says, read with a limit: fields of text, and the numbers that some of them are."""

from typing import Final
from urllib.parse import parse_qsl

from starlette.datastructures import MultiDict
from starlette.exceptions import HTTPException
from starlette.requests import Request

from archiver.web.view_address import read_id

MOST_BYTES: Final = 64 * 1024
_MOST_FIELDS: Final = 500
_KIND: Final = "application/x-www-form-urlencoded"

Form = MultiDict


async def read_form(request: Request) -> Form:
    """The fields of the form. Refuses (415, 413, 400) what is none, or larger than any of ours."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _KIND:
        raise HTTPException(415)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise HTTPException(413)
    try:
        fields = parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, max_num_fields=_MOST_FIELDS
        )
    except ValueError:
        raise HTTPException(400) from None
    return MultiDict(fields)


def number(text: str | None) -> int | None:
    """An id in a form or in an address, None where nothing is said; refuses (400) what is none."""
    if text is None or not text.strip():
        return None
    try:
        return read_id(text.strip())
    except ValueError:
        raise HTTPException(400) from None


def seconds(text: str | None, *, most: float = 7 * 86_400) -> float:
    """A position in a recording, in seconds; refuses (400) what is none."""
    try:
        position = float(text or "")
    except ValueError:
        raise HTTPException(400) from None
    if not 0 <= position <= most:
        raise HTTPException(400)
    return round(position, 2)
