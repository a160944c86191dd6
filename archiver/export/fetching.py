"""Fetches what is missing in the archive: a run over all time, limited to the selection."""

from collections.abc import Awaitable, Callable
from datetime import tzinfo

from msgspec.structs import replace

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
"""Performs one run; returns its report, or None if it was interrupted early."""


async def fetch(
    config: Config, request: ExportRequest, traced: Trace, *, run: Run, on_event: OnEvent
) -> Fetched | None:
    """Fetch what is missing of the selected calls. None if it was interrupted.

    Calls that `scope` excludes from nightly runs are included. While another run has locked the
    archive, nothing is fetched. Raises the errors of a run if the API cannot be used.
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
    """No restrictions, except the selected users if all orders have to be listed."""
    return ScopeConfig() if asked.names_scopes else ScopeConfig(users=selection.users)


def _announced(asked: RunRequest, zone: tzinfo) -> str:
    """The message about the API requests to come."""
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
