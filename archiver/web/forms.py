"""The body of a form, read with a limit: fields of text, of which some may be repeated."""

from typing import Final
from urllib.parse import parse_qsl

from starlette.datastructures import MultiDict
from starlette.exceptions import HTTPException
from starlette.requests import Request

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


def whole_number(text: str | None, *, most: int = 2**53) -> int:
    """A number from 0 on, as an id or a position is written; refuses (400) anything else."""
    if text is None or not (text.isascii() and text.isdigit()) or len(text) > 16:
        raise HTTPException(400)
    number = int(text)
    if number > most:
        raise HTTPException(400)
    return number


def seconds(text: str | None, *, most: float = 7 * 86_400) -> float:
    """A position in a recording, in seconds; refuses (400) what is none."""
    try:
        position = float(text or "")
    except ValueError:
        raise HTTPException(400) from None
    if not 0 <= position <= most:
        raise HTTPException(400)
    return round(position, 2)
