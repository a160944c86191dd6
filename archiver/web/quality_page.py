"""The Quality page: scores, coverage and talk of a period, and the same as CSV."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any, Final

from starlette.responses import Response, StreamingResponse

from archiver.desk.index.view import View
from archiver.desk.journal import Act
from archiver.desk.quality.figures import Figures
from archiver.desk.quality.report import Coverage, Key, Line, Report
from archiver.desk.review.scorecard import Kind
from archiver.text.csv import BOM, csv_line
from archiver.web.context import Visit
from archiver.web.reporting import Asked, asked_report, report_of_view
from archiver.web.view_address import changed, pairs, query

_USUAL: Final = timedelta(weeks=8)
_TARGET: Final = 5.0
_AT_ONCE: Final = 1000
_SHOWN_WEEKS: Final = 13
GROUPS: Final = ("agent", "question", "section", "reviewer", "order")
COLUMNS: Final = (
    "since", "until", "timezone", "table", "id", "name", "week", "verdicts", "meanScore",
    "medianScore", "lowerQuartile", "upperQuartile", "standardDeviation", "trendPerWeek",
    "autoFails", "recordings", "reviewedRecordings", "recordingShare", "hours", "reviewedHours",
    "timeShare", "agentTalkShare", "otherTalkShare", "silenceShare", "overtalkShare",
)  # fmt: skip


async def show(visit: Visit) -> Response:
    """The report as a page."""
    asked = await asked_report(visit.request, visit.desk, visit.person, visit.wording)
    report = await report_of_view(visit.desk, visit.person, asked, visit.say.language)
    reviewed = changed(asked.view, is_reviewed=True)
    return visit.page(
        "quality.html",
        section="quality",
        report=report,
        asked=asked,
        senseless=asked.senseless,
        groups=[(name, _rows(visit, reviewed, name, report.scores[name])) for name in GROUPS],
        weeks=_weeks(report, reviewed),
        shown_weeks=report.weeks[-_SHOWN_WEEKS:],
        agents=_agents(visit, report),
        address=query(asked.view, target=f"{asked.target:g}"),
        list_address=query(asked.view),
        reviewed_address=query(reviewed),
        failed_address=query(changed(reviewed, is_failed=True)),
        unplayed_address=query(changed(reviewed, is_played=False)),
        hidden=[
            (name, value) for name, value in pairs(asked.view) if name not in ("since", "until")
        ],
        zone=str(visit.wording.zone),
        disputes=len(await visit.desk.responses.open_disputes(visit.person)),
        link=partial(_link, asked.view),
    )


async def table(visit: Visit) -> Response:
    """The same report as CSV."""
    asked = await asked_report(visit.request, visit.desk, visit.person, visit.wording)
    report = await report_of_view(visit.desk, visit.person, asked, visit.say.language)
    path = visit.request.url.path + query(asked.view)
    await visit.desk.journal.record(visit.person.name, visit.address, Act.EXPORT, detail=path)
    name = f"quality-{asked.since}-{asked.until}.csv"
    return StreamingResponse(
        _lines(visit, asked, report),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table of scores: what it says, and the addresses of its calls."""

    line: Line
    label: str
    address: str
    failed_address: str


def _rows(visit: Visit, view: View, group: str, lines: Sequence[Line]) -> list[Row]:
    return [
        Row(
            line,
            _label(visit, group, line),
            query(
                changed(view, answers=(f"{','.join(line.questions)}:any",))
                if line.questions
                else _narrowed(view, group, line.key)
            ),
            query(_failed(visit, view, group, line.key)),
        )
        for line in lines
    ]


def _label(visit: Visit, group: str, line: Line) -> str:
    if line.label:
        return line.label
    if group in ("agent", "order"):
        return _named(visit, group, int(line.key))
    return str(line.key)


def _named(visit: Visit, group: str, key: int) -> str:
    name = visit.desk.library.index.names().get((group, key))
    return name or (visit.say(f"{group}.number", id=key) if key else visit.say(f"{group}.none"))


def _narrowed(view: View, group: str, key: Key) -> View:
    if group == "agent":
        return changed(view, agents=(int(key),))
    if group == "order":
        return changed(view, orders=(int(key),))
    if group == "reviewer":
        return changed(view, reviewers=(str(key),))
    if group == "question":
        return changed(view, answers=(f"{key}:any",))
    return view


def _failed(visit: Visit, view: View, group: str, key: Key) -> View:
    """The calls behind the number of failures; of a question those with its worst answer."""
    if group == "question":
        question = visit.desk.cards.question(str(key))
        is_scale = question is not None and question.kind is Kind.SCALE
        return changed(view, answers=(f"{key}:{'1' if is_scale else 'no'}",))
    return changed(_narrowed(view, group, key), is_failed=True)


def _weeks(report: Report, view: View) -> list[tuple[date, Line | None, Coverage, str]]:
    lines = {int(line.key): line for line in report.scores["week"]}
    return [
        (week, lines.get(int(one.key)), one, _link(view, week=week)) for week, one in report.by_week
    ]


def _link(
    view: View, *, week: date | None = None, agent: int | None = None, reviewed: bool = False
) -> str:
    """The address of the calls of a week, an agent, or both."""
    members: dict[str, Any] = {}
    if agent is not None:
        members["agents"] = (agent,)
    if reviewed:
        members["is_reviewed"] = True
    if week is not None:
        end = week + timedelta(days=6)
        members |= {
            "since": max(week, view.since or week),
            "until": min(end, view.until or end),
        }
    return query(changed(view, **members))


def _agents(visit: Visit, report: Report) -> Mapping[int, str]:
    return {int(one.key): _named(visit, "agent", int(one.key)) for one in report.by_agent}


async def _lines(visit: Visit, asked: Asked, report: Report) -> AsyncIterator[str]:
    head = (asked.since, asked.until, str(visit.wording.zone))
    yield BOM + csv_line(COLUMNS)
    rows = [*_score_cells(visit, report), *_coverage_cells(visit, report)]
    rows += _talk_cells(visit, report)
    yield "".join(csv_line((*head, *row)) for row in rows)


def _figures(figures: Figures | None) -> list[object]:
    if figures is None:
        return [0, "", "", "", "", ""]
    numbers = (figures.mean, figures.median, figures.low, figures.high, figures.deviation)
    return [figures.count, *(None if one is None else round(one, 2) for one in numbers)]


def _score_cells(visit: Visit, report: Report) -> Iterator[list[object]]:
    rest: list[object] = [None] * 10
    yield ["all", "", "", "", *_figures(report.whole), None, report.failed, *rest]
    for group in (*GROUPS, "week"):
        for line in report.scores[group]:
            is_week = group == "week"
            week = next((w for w, one in report.by_week if one.key == line.key), "")
            yield [
                group,
                "" if is_week else line.key,
                "" if is_week else _label(visit, group, line),
                week if is_week else "",
                *_figures(line.figures),
                None if line.trend is None else round(line.trend, 2),
                line.failed,
                *rest,
            ]


def _coverage_cells(visit: Visit, report: Report) -> Iterator[list[object]]:
    yield ["coverage", "", "", "", *[None] * 8, *_covered(report.coverage)]
    for week, one in report.by_week:
        yield ["coverage by week", "", "", week, *[None] * 8, *_covered(one)]
    agents = _agents(visit, report)
    for one in report.by_agent:
        yield ["coverage by agent", one.key, agents[int(one.key)], "", *[None] * 8, *_covered(one)]
    for (agent, week), one in report.by_both.items():
        yield [
            "coverage by agent and week", agent, agents[agent], week, *[None] * 8, *_covered(one),
        ]  # fmt: skip


def _covered(one: Coverage) -> list[object]:
    return [
        one.recordings,
        one.reviewed,
        round(one.share, 4),
        round(one.seconds / 3600, 3),
        round(one.reviewed_seconds / 3600, 3),
        round(one.time_share, 4),
        *[None] * 4,
    ]


def _talk_cells(visit: Visit, report: Report) -> Iterator[list[object]]:
    for one in report.talk:
        shares = (one.agent, one.other, one.silence, one.overtalk)
        yield [
            "talk", one.key, _named(visit, "agent", one.key), "", *[None] * 8, one.recordings,
            *[None] * 5, *(round(share, 4) for share in shares),
        ]  # fmt: skip
