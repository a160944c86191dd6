"""The fields of a form, read with a limit: text, and numbers."""

import math
from typing import Final
from urllib.parse import parse_qsl

from starlette.datastructures import MultiDict
from starlette.exceptions import HTTPException
from starlette.requests import Request

from archiver.desk.review.basis import LONGEST_TOKEN, Basis
from archiver.errors import Problem, WrongInput
from archiver.web.view_address import read_id
from archiver.web.wording import read_clock

MOST_BYTES: Final = 64 * 1024
MOST_BYTES_OF_PEOPLE: Final = 512 * 1024
"""Of those who are logged in: a scorecard of a hundred questions, each with a comment."""
_MOST_FIELDS: Final = 500
_KIND: Final = "application/x-www-form-urlencoded"

Form = MultiDict


async def read_form(request: Request, most: int = MOST_BYTES) -> Form:
    """The fields of the form. Refuses (415, 413, 400) what is none, or larger than any of ours."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _KIND:
        raise HTTPException(415)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise HTTPException(413)
    try:
        fields = parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, max_num_fields=_MOST_FIELDS
        )
    except ValueError:
        raise HTTPException(400) from None
    return MultiDict(fields)


def number(text: str | None) -> int | None:
    """An id in a form or an address, None if missing; rejects (400) invalid ones."""
    if text is None or not text.strip():
        return None
    try:
        return read_id(text.strip())
    except ValueError:
        raise HTTPException(400) from None


def number_within(form: Form, field: str, usual: str, *, most: int) -> float:
    """A number from 0 to `most`; WrongInput for anything else."""
    try:
        given = float(form.get(field, usual))
    except ValueError:
        given = math.nan
    if not 0 <= given <= most:
        raise WrongInput(field, f"not a number from 0 to {most}", problem="range", limit=most)
    return given


def token(form: Form) -> str:
    """The token of a form that creates something; nothing for one that has none."""
    return _code(form.get("token", ""))


def basis(form: Form) -> Basis:
    """The version that a form was based on; rejects (400) a form without it."""
    version = number(form.get("version"))
    if version is None:
        raise HTTPException(400)
    return Basis(version, _code(form.get("writer", "")))


def _code(text: str) -> str:
    if len(text) > LONGEST_TOKEN or not (text.isascii() and text.isprintable()):
        raise HTTPException(400)
    return text


def position(form: Form, field: str) -> float:
    """A position as people write it: `75.2`, `75,2` or `1:15`; WrongInput for what is none."""
    text = form.get(field, "").strip()
    whole = read_clock(text) if ":" in text else None
    try:
        return whole if whole is not None else float(text.replace(",", "."))
    except ValueError:
        problem: Problem = "invalid" if text else "empty"
        raise WrongInput(field, f"{field} is not a position", problem=problem) from None


def share(text: str | None, *, most: float = 1.0) -> float:
    """A number that a script of ours counted, from 0 to `most`; what is none counts as 0."""
    try:
        counted = float(text or "")
    except ValueError:
        return 0.0
    return min(max(counted, 0.0), most) if math.isfinite(counted) else 0.0


def seconds(text: str | None, *, most: float = 7 * 86_400) -> float:
    """A position in a recording, in seconds; refuses (400) what is none."""
    try:
        position = float(text or "")
    except ValueError:
        raise HTTPException(400) from None
    if not 0 <= position <= most:
        raise HTTPException(400)
    return round(position, 2)
