"""The application: every route of the desk with the permission that it requires, in one table.

`/healthz`, the static files and the log-in page are open; everything else is behind `guarded`.
Metrics have a separate port: see `metrics`.
"""

from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope

from archiver.desk.accounts.access import Entrance
from archiver.desk.accounts.person import Right
from archiver.errors import ArchiverError
from archiver.web import (
    admin,
    api,
    audio,
    calibration_pages,
    collections_pages,
    disputes,
    error_pages,
    export_pages,
    judging,
    listing,
    login,
    my_calls,
    notes,
    plan_pages,
    player_page,
    quality_page,
    queue_pages,
    redacting,
    statements,
    tables,
)
from archiver.web.compression import Compressed
from archiver.web.context import Handler, guarded
from archiver.web.desk import Desk
from archiver.web.guard import Guard

_RECORDING: Final = "/recordings/{record_id:int}"
_PLAYLIST: Final = "/playlists/{playlist_id:int}"
_CALIBRATION: Final = "/calibrations/{calibration_id:int}"

PAGES: Final[tuple[tuple[str, str, Handler, Right], ...]] = (
    ("GET", "/", listing.show, Right.LISTEN),
    ("GET", "/recordings.csv", tables.recordings, Right.TAKE_AWAY),
    ("GET", _RECORDING, player_page.show, Right.LISTEN),
    ("GET", "/calls/{call_id:int}", player_page.of_call, Right.LISTEN),
    ("GET", f"{_RECORDING}/audio", audio.listen, Right.LISTEN),
    ("GET", f"{_RECORDING}/peaks", audio.shape, Right.LISTEN),
    ("GET", f"{_RECORDING}/file", audio.take_away, Right.TAKE_AWAY),
    ("POST", f"{_RECORDING}/notes", notes.add_note, Right.JUDGE),
    ("POST", f"{_RECORDING}/notes/{{note_id:int}}", notes.change_note, Right.JUDGE),
    ("POST", f"{_RECORDING}/notes/{{note_id:int}}/remove", notes.remove_note, Right.JUDGE),
    ("POST", f"{_RECORDING}/redactions", redacting.mark, Right.JUDGE),
    (
        "POST",
        f"{_RECORDING}/redactions/{{redaction_id:int}}/approve",
        redacting.approve,
        Right.OVERSEE,
    ),
    (
        "POST",
        f"{_RECORDING}/redactions/{{redaction_id:int}}/remove",
        redacting.remove,
        Right.JUDGE,
    ),
    ("POST", f"{_RECORDING}/tags", notes.change_tags, Right.JUDGE),
    ("POST", f"{_RECORDING}/verdict", judging.judge, Right.JUDGE),
    ("POST", f"{_RECORDING}/skip", queue_pages.skip, Right.JUDGE),
    ("POST", f"{_RECORDING}/put-back", queue_pages.put_back, Right.JUDGE),
    ("GET", "/queue", queue_pages.show, Right.JUDGE),
    ("POST", "/queue/next", queue_pages.take_next, Right.JUDGE),
    ("POST", "/queue", queue_pages.make, Right.LEAD),
    ("GET", "/queue/{queue_id:int}", queue_pages.places, Right.LEAD),
    ("POST", "/queue/{queue_id:int}/close", queue_pages.close, Right.LEAD),
    ("GET", "/quality", quality_page.show, Right.LEAD),
    ("GET", "/quality.csv", quality_page.table, Right.LEAD),
    ("GET", "/statement", statements.show, Right.OVERSEE),
    ("GET", "/statement.html", statements.page, Right.OVERSEE),
    ("GET", "/statement.pdf", statements.pdf, Right.OVERSEE),
    ("GET", "/journal", admin.journal, Right.OVERSEE),
    ("GET", "/journal.csv", tables.journal, Right.OVERSEE),
    ("GET", "/verdicts.csv", tables.verdicts, Right.LEAD),
    ("GET", "/notes.csv", tables.notes, Right.TAKE_AWAY),
    ("GET", "/exports", export_pages.show, Right.TAKE_AWAY),
    ("GET", "/exports/new", export_pages.form, Right.TAKE_AWAY),
    ("POST", "/exports", export_pages.ask, Right.TAKE_AWAY),
    ("GET", "/exports/{package_id:int}/file", export_pages.take_away, Right.TAKE_AWAY),
    ("POST", "/exports/{package_id:int}/remove", export_pages.remove, Right.TAKE_AWAY),
    ("GET", "/my", my_calls.show, Right.OWN),
    ("GET", f"/my{_RECORDING}", my_calls.call, Right.OWN),
    ("GET", f"/my{_RECORDING}/audio", my_calls.listen, Right.OWN),
    ("GET", f"/my{_RECORDING}/peaks", my_calls.shape, Right.OWN),
    ("POST", f"/my{_RECORDING}/acknowledge", my_calls.acknowledge, Right.OWN),
    ("POST", f"/my{_RECORDING}/dispute", my_calls.dispute, Right.OWN),
    ("POST", "/searches", collections_pages.save_search, Right.LISTEN),
    ("POST", "/searches/{search_id:int}/remove", collections_pages.remove_search, Right.LISTEN),
    ("GET", "/playlists", collections_pages.playlists, Right.LISTEN),
    ("GET", _PLAYLIST, collections_pages.playlist, Right.LISTEN),
    ("POST", f"{_PLAYLIST}/remove", collections_pages.remove_playlist, Right.JUDGE),
    ("POST", f"{_RECORDING}/moments", collections_pages.add_moment, Right.JUDGE),
    ("POST", "/moments/{moment_id:int}/remove", collections_pages.take_out, Right.JUDGE),
    ("GET", "/plans", plan_pages.show, Right.LEAD),
    ("POST", "/plans", plan_pages.make, Right.LEAD),
    ("POST", "/plans/{plan_id:int}/end", plan_pages.end, Right.LEAD),
    ("GET", "/calibrations", calibration_pages.show, Right.JUDGE),
    ("POST", "/calibrations", calibration_pages.make, Right.LEAD),
    ("GET", _CALIBRATION, calibration_pages.one, Right.JUDGE),
    ("POST", f"{_CALIBRATION}{_RECORDING}", calibration_pages.agree, Right.LEAD),
    ("POST", f"{_CALIBRATION}/close", calibration_pages.close, Right.LEAD),
    ("GET", "/disputes", disputes.show, Right.LEAD),
    ("POST", "/disputes/{step_id:int}", disputes.decide, Right.LEAD),
    ("POST", "/log-out", login.log_out, Right.ENTER),
    ("POST", "/settings", login.settle, Right.ENTER),
)
"""Method, path, handler, and the right without which the handler is never called."""


def create_app(desk: Desk) -> ASGIApp:
    """The desk as an ASGI application. It neither opens nor closes what it is given."""
    routes: list[BaseRoute] = [
        Route("/healthz", _healthy),
        Route("/log-in", login.show),
        Route("/log-in", login.log_in, methods=["POST"]),
        Route("/api/openapi.json", api.description),
        Route("/api/verdicts", api.guarded_by_token(api.verdicts)),
        Route("/api/report", api.guarded_by_token(api.report)),
        Mount("/static", _Static(packages=[("archiver.web", "static")])),
        *(
            Route(path, guarded(handler, right), methods=[method])
            for method, path, handler, right in PAGES
        ),
    ]
    app = Starlette(
        routes=[Mount(desk.base, routes=routes)] if desk.base else routes,
        exception_handlers={
            HTTPException: error_pages.on_http_error,
            ArchiverError: error_pages.on_archiver_error,
            Exception: error_pages.on_any_error,
        },
    )
    app.state.desk = desk
    is_local = desk.entrance is Entrance.LOCAL
    return Guard(Compressed(app), hosts=desk.hosts, origin=desk.origin, is_local=is_local)


class _Static(StaticFiles):
    """Static files: browsers keep them, but revalidate each time, so that an update is seen."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = "no-cache"
        return response


async def _healthy(request: Request) -> Response:
    """Whether the desk responds; reveals nothing about the archive."""
    return PlainTextResponse("ok\n")
