"""What a report is asked for by an address, and the report: for its page, its table and the API."""

import math
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from typing import Final

import anyio.to_thread
from starlette.requests import Request

from archiver.desk.accounts.person import Person
from archiver.desk.index.view import View
from archiver.desk.quality.report import Report, report_of
from archiver.desk.review.verdicts import Verdict
from archiver.text.wording import Wording
from archiver.web.asked import resolved
from archiver.web.desk import Desk
from archiver.web.view_address import changed, read_view, unknown_names

_USUAL: Final = timedelta(weeks=8)
_TARGET: Final = 5.0
_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class Asked:
    """What a report is asked for: a view with both ends of its period, and a target in percent."""

    view: View
    since: date
    until: date
    target: float
    senseless: list[str]


async def asked_report(request: Request, desk: Desk, person: Person, wording: Wording) -> Asked:
    """The last eight weeks, where the address names no period."""
    view, senseless = read_view(request.query_params)
    senseless += unknown_names(request.query_params, {"target"})
    view = await resolved(desk, person, view)
    today = wording.day_of(desk.clock()) or date.min
    until = view.until or max(today, view.since or today)
    since = view.since or until - _USUAL + timedelta(days=1)
    if since > until:
        since, until = until, since
    target = _TARGET
    text = request.query_params.get("target", "")
    if text:
        try:
            target = float(text.replace(",", "."))
        except ValueError:
            target = math.nan
        if not 0 <= target <= 100:
            target = _TARGET
            senseless.append("target")
    return Asked(changed(replace(view, since=since, until=until)), since, until, target, senseless)


async def report_of_view(desk: Desk, person: Person, asked: Asked, language: str) -> Report:
    """The report; it is added up in a worker thread."""
    index = desk.library.index
    calls = await index.calls(asked.view)
    verdicts: list[Verdict] = []
    if len(calls.record_id):
        span = (int(calls.record_id[0]), int(calls.record_id[-1]))
        last = 0
        while found := await desk.verdicts.after(person, last, _AT_ONCE, span=span):
            verdicts += found
            last = found[-1].verdict_id
    work = partial(report_of, calls, verdicts, language, index.names())
    return await anyio.to_thread.run_sync(work)
