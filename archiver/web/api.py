"""Verdicts and reports as JSON, to be read by programs with a token. It changes nothing.

Without `desk.api_token_file` there is no such API: 404. What a caller sees is what a lead sees.
"""

import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from datetime import UTC
from importlib.resources import files
from typing import Any, Final

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from archiver.clock import stamp
from archiver.desk.accounts.person import Person, Role, Way
from archiver.desk.index.columns import day_of
from archiver.desk.journal import Act
from archiver.desk.quality.report import Coverage, Line, Report
from archiver.desk.review.verdicts import Verdict
from archiver.text.measures import parse_moment
from archiver.text.wording import Wording
from archiver.web.context import address_of, desk_of, language_of
from archiver.web.desk import Desk
from archiver.web.reporting import asked_report, report_of_view

CALLER: Final = Person("api", Role.LEAD, Way.PROXY)
"""Who a caller with the token is, in the access log."""
_MOST: Final = 1000
_DESCRIPTION: Final = files("archiver.web").joinpath("openapi.json")

Answer = Callable[[Request, Desk], Awaitable[Response]]


def guarded_by_token(answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    """The answer for a client with the token; each is recorded in the access log first."""

    async def endpoint(request: Request) -> Response:
        desk = desk_of(request)
        if desk.api_token is None:
            return _refusal(404, "the API is off: set desk.api_token_file")
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), desk.api_token.reveal().encode()):
            headers = {"www-authenticate": "Bearer"}
            return _refusal(401, "send the token as `Authorization: Bearer TOKEN`", headers)
        detail = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        await desk.journal.record(CALLER.name, address_of(request, desk), Act.EXPORT, detail=detail)
        return await answer(request, desk)

    return endpoint


async def verdicts(request: Request, desk: Desk) -> Response:
    """Submitted verdicts in the order in which they were changed, from `since` on."""
    asked = request.query_params
    try:
        since = parse_moment(asked["since"], UTC) if "since" in asked else None
        after = _cursor(asked.get("after", ""))
        limit = int(asked.get("limit", "100"))
        if not 1 <= limit <= _MOST:
            raise ValueError("limit")
    except (ValueError, OverflowError):
        return _refusal(400, f"since: a moment (ISO 8601); limit: 1 to {_MOST}; after: a `next`")
    found = await desk.verdicts.changed(CALLER, since=since, after=after, limit=limit)
    language = language_of(request, desk).language
    last = found[-1] if len(found) == limit else None
    return JSONResponse(
        {
            "verdicts": [verdict_as_json(one, language) for one in found],
            "next": None
            if last is None
            else f"{int(last.changed_at.timestamp())}-{last.verdict_id}",
        }
    )


async def report(request: Request, desk: Desk) -> Response:
    """The Quality report of a view."""
    say = language_of(request, desk)
    wording = Wording(say, desk.config.window.timezone)
    asked = await asked_report(request, desk, CALLER, wording)
    if asked.senseless:
        return _refusal(400, f"invalid: {', '.join(sorted(asked.senseless))}")
    told = await report_of_view(desk, CALLER, asked, say.language)
    period = {"since": str(asked.since), "until": str(asked.until), "timezone": str(wording.zone)}
    return JSONResponse({**period, **report_as_json(told)})


async def description(request: Request) -> Response:
    """The OpenAPI document; it contains nothing from the archive."""
    text = await anyio.to_thread.run_sync(_DESCRIPTION.read_text, "utf-8")
    return Response(text, media_type="application/json")


def verdict_as_json(one: Verdict, language: str) -> dict[str, Any]:
    """A verdict as in the API."""
    return {
        "verdictId": one.verdict_id,
        "recordId": one.record_id,
        "userId": one.agent_id,
        "reviewer": one.reviewer,
        "revision": one.revision,
        "score": one.score,
        "autoFail": one.is_failed,
        "scorecard": one.card_name,
        "scorecardVersion": one.card_version,
        "createdAt": stamp(one.created_at),
        "changedAt": stamp(one.changed_at),
        "comment": one.comment,
        "played": one.attention.is_played,
        "heardShare": one.attention.heard,
        "secondsSpent": one.attention.spent,
        "answers": [
            {
                "questionId": question.question_id,
                "question": question.text.said(language),
                "answer": _answer(one.marks.get(question.question_id)),
                **_remark(one, question.question_id),
            }
            for question in one.card.questions
        ],
    }


def report_as_json(told: Report) -> dict[str, Any]:
    """A report as in the API; shares are 0 to 1."""
    return {
        "verdicts": told.verdicts,
        "autoFails": told.failed,
        "withoutPlay": told.unplayed,
        "score": None if told.whole is None else asdict(told.whole),
        "scores": {
            group: [_line(group, line) for line in lines] for group, lines in told.scores.items()
        },
        "coverage": _coverage(told.coverage),
        "coverageByAgent": [{"userId": one.key, **_coverage(one)} for one in told.by_agent],
        "coverageByWeek": [{"week": str(week), **_coverage(one)} for week, one in told.by_week],
        "talkByAgent": [
            {
                "userId": one.key,
                "recordings": one.recordings,
                "agentShare": one.agent,
                "otherShare": one.other,
                "silenceShare": one.silence,
                "overtalkShare": one.overtalk,
            }
            for one in told.talk
        ],
    }


def _line(group: str, line: Line) -> dict[str, Any]:
    key = str(day_of(int(line.key))) if group == "week" else line.key
    named = {"id": key, "name": line.label}
    return {**named, **asdict(line.figures), "autoFails": line.failed, "trendPerWeek": line.trend}


def _coverage(one: Coverage) -> dict[str, Any]:
    return {
        "recordings": one.recordings,
        "reviewedRecordings": one.reviewed,
        "recordingShare": one.share,
        "seconds": one.seconds,
        "reviewedSeconds": one.reviewed_seconds,
        "timeShare": one.time_share,
    }


def _answer(mark: bool | int | None) -> bool | int | str:
    return "n/a" if mark is None else mark


def _remark(one: Verdict, question_id: str) -> dict[str, Any]:
    remark = one.remarks.get(question_id)
    if remark is None:
        return {}
    told = {"comment": remark.comment, "seconds": remark.at, "cause": remark.cause}
    return {name: value for name, value in told.items() if value not in ("", None)}


def _cursor(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    moment, _, verdict_id = text.partition("-")
    return int(moment), int(verdict_id)


def _refusal(status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": text}, status, headers)
