"""Brings home first what the archive lacks: a run over all time, narrowed to what is asked for."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from archiver.config import Config, ScopeConfig
from archiver.errors import ArchiveLocked, RequestError, SourceError
from archiver.export.request import ExportRequest, Fetched, Trace, fetch_request
from archiver.reasons import Reason
from archiver.run.events import Note, OnEvent
from archiver.run.report import RunReport
from archiver.run.request import RunRequest

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
    asked = fetch_request(request, traced)
    if request.offline or not asked.names_scopes:
        return Fetched("offline")
    on_event(Note("asking the API, over all time, for what the archive lacks"))
    try:
        report = await run(replace(config, scope=ScopeConfig()), asked)
    except ArchiveLocked as error:
        on_event(Note(f"{error}; the export goes on with what the archive holds"))
        return Fetched("locked")
    except (SourceError, RequestError) as error:
        hints = (error.hint.rstrip("."), "or pack what the archive holds, with --offline")
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


def _gaps(report: RunReport) -> list[str]:
    unread = Reason.CALL_NOT_READ
    gaps = [one.error for one in report.shortfalls]
    gaps += [
        f"call {one.call_id}: {unread.sentence}" for one in report.problems if one.reason == unread
    ]
    if not report.is_balanced:
        gaps.append("the run that should have fetched them did not come to its end")
    return list(dict.fromkeys(gaps))
