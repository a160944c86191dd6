"""Brings home first what the archive lacks: a run over all time, narrowed to what is asked for."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import tzinfo

from archiver.config import Config, ScopeConfig
from archiver.errors import ArchiveLocked, RequestError, SourceError
from archiver.export.request import BEGINNING, ExportRequest, Fetched, Trace, fetch_request
from archiver.export.selection import Selection
from archiver.reasons import Reason
from archiver.run.events import Note, OnEvent
from archiver.run.report import RunReport
from archiver.run.request import RunRequest
from archiver.text.measures import say_moment

Run = Callable[[Config, RunRequest], Awaitable[RunReport | None]]
"""Does one run; its report, or None when it was interrupted early."""


async def fetch(
    config: Config, request: ExportRequest, traced: Trace, *, run: Run, on_event: OnEvent
) -> Fetched | None:
    """Fetch what the archive lacks of the calls that are asked for. None: it was interrupted.

    Everything counts, whomever and whatever `scope` leaves out of the nightly runs. While another
    run has locked the archive nothing is fetched. Raises what a run raises when the API cannot be
    used.
    """
    asked = None if request.offline else fetch_request(request.selection, traced)
    if asked is None:
        return Fetched("offline")
    asked = replace(asked, today=request.today)
    on_event(Note(_announced(asked, config.window.timezone)))
    try:
        report = await run(replace(config, scope=_scope(request.selection, asked)), asked)
    except ArchiveLocked as error:
        on_event(Note(f"{error}; exporting what is archived"))
        return Fetched("locked")
    except (SourceError, RequestError) as error:
        hints = (error.hint.rstrip("."), "or export only what is archived, with --offline")
        error.hint = "; ".join(hint for hint in hints if hint)
        raise
    if report is None or report.interrupted:
        return None
    return Fetched(
        mode="fetched",
        run_id=report.run_id,
        since=report.since,
        until=report.until,
        recordings=report.tally.recordings["archived"],
        gaps=tuple(_gaps(report)),
    )


def _scope(selection: Selection, asked: RunRequest) -> ScopeConfig:
    """Everybody counts; where all orders are listed, those users alone who are named."""
    return ScopeConfig() if asked.names_scopes else ScopeConfig(users=selection.users)


def _announced(asked: RunRequest, zone: tzinfo) -> str:
    """What the API is about to be asked for."""
    whose = [
        f"{count:,} {word}{'' if count == 1 else 's'}"
        for word, count in (
            ("lead", len(asked.leads)),
            ("order", len(asked.orders)),
            ("call", len(asked.calls)),
        )
        if count
    ]
    since = "over all time"
    if asked.since and asked.since > BEGINNING:
        since = f"since {say_moment(asked.since, zone)}"
    until = f" until {say_moment(asked.until, zone)}" if asked.until else ""
    return f"querying the API for calls of {' and '.join(whose) or 'all orders'}, {since}{until}"


def _gaps(report: RunReport) -> list[str]:
    unread = Reason.CALL_NOT_READ
    gaps = [one.error for one in report.shortfalls]
    gaps += [
        f"call {one.call_id}: {unread.sentence}" for one in report.problems if one.reason == unread
    ]
    if not report.is_balanced:
        gaps.append("the run that should have fetched them did not finish")
    return list(dict.fromkeys(gaps))
