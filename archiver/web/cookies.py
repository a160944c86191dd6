"""The cookies of the desk: who came in, and how a reader wants to see it."""

from typing import Final

from starlette.responses import Response

SESSION: Final = "desk-session"
GATE: Final = "desk-gate"
"""Binds a log-in form to the browser that was given it, before there is a session."""
LANGUAGE: Final = "desk-language"
THEME: Final = "desk-theme"
_YEAR: Final = 365 * 86_400


def keep(
    response: Response, name: str, value: str, *, path: str, secure: bool, lasting: bool = False
) -> None:
    """Set a cookie that no script reads and no other site sends along; `lasting` for a year."""
    response.set_cookie(
        name,
        value,
        path=path,
        secure=secure,
        httponly=True,
        samesite="lax",
        max_age=_YEAR if lasting else None,
    )


def drop(response: Response, name: str, *, path: str, secure: bool) -> None:
    """Let the browser forget the cookie."""
    response.delete_cookie(name, path=path, secure=secure, httponly=True, samesite="lax")
