"""What a run requests: which scopes, over which windows (pure).

A full run lists every scope from its cursor, and again from `window.lookback` before it, since
calls and flags can be late. A run limited to a period, leads, orders or calls lists only these, and
moves no cursor. If `window.since` is set to an earlier day than what is listed, everything from
there on is listed once more.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import groupby

from archiver.catalog.queries import Cursor
from archiver.config import Config
from archiver.errors import UsageError
from archiver.ledger.events import CursorMoved
from archiver.liner.scope import Scope, ScopeKind, Stretch, Window
from archiver.run.request import RunRequest

_IDS_AN_EVENT = 500
"""Cursors moved by one line of the ledger: a line stays a few kilobytes."""


def window_of(
    config: Config, request: RunRequest, now: datetime
) -> tuple[datetime | None, datetime]:
    """The period of the run: its start (None: each scope's own), and its end, exclusive."""
    until = request.until or now - config.window.settle
    since = request.since
    if since is None and request.names_scopes:
        since = config.window.since
    return (None if since is None else _whole(since)), _whole(until)


def scopes_of(
    config: Config, request: RunRequest, orders: Iterable[int]
) -> dict[ScopeKind, list[int]]:
    """The scopes to list; `orders` are those that the API lists and those known from earlier
    runs."""
    if request.names_scopes:
        named: dict[ScopeKind, list[int]] = {
            "order": list(request.orders),
            "lead": list(request.leads),
        }
        return {kind: ids for kind, ids in named.items() if ids}
    if config.scope.leads is not None:
        by_lead: dict[ScopeKind, list[int]] = {"lead": sorted(set(config.scope.leads))}
        if config.scope.orders is not None:
            by_lead["order"] = sorted(set(config.scope.orders))
        return by_lead
    wanted = orders if config.scope.orders is None else config.scope.orders
    return {"order": sorted(set(wanted))}


def stretches_of(
    config: Config,
    kind: ScopeKind,
    ids: Iterable[int],
    cursors: Mapping[int, Cursor],
    bounds: tuple[datetime | None, datetime],
) -> list[Stretch]:
    """The windows of those scopes; scopes with the same window together.

    Raises UsageError if a scope has no start: no cursor, no `--since`, no `window.since`.
    """
    since, until = bounds

    def start(one: int) -> datetime:
        return since or _start(config, cursors.get(one), until)

    ordered = sorted(ids, key=lambda one: (start(one), one))
    stretches = []
    for begin, group in groupby(ordered, key=start):
        if begin < until:
            scopes = tuple(Scope(kind, one) for one in group)
            stretches.append(Stretch(scopes, Window(begin, until)))
    return stretches


def narrowing(config: Config) -> str:
    """The filter of the scopes, as stored with cursors: a wider filter starts again."""
    parts = []
    if config.scope.users:
        parts.append("users=" + ",".join(map(str, sorted(set(config.scope.users)))))
    if config.scope.statuses:
        parts.append("statuses=" + ",".join(map(str, sorted(set(config.scope.statuses)))))
    return " ".join(parts)


def cursor_events(
    stretches: Iterable[Stretch], incomplete: set[Scope], narrowed_to: str
) -> list[CursorMoved]:
    """The cursors to move: those of every scope that was listed completely."""
    events = []
    for stretch in stretches:
        done = [scope for scope in stretch.scopes if scope not in incomplete]
        for first in range(0, len(done), _IDS_AN_EVENT):
            some = done[first : first + _IDS_AN_EVENT]
            events.append(
                CursorMoved(
                    kind=some[0].kind,
                    ids=tuple(scope.id for scope in some),
                    until=stretch.window.until,
                    narrowed_to=narrowed_to,
                    since=stretch.window.since,
                )
            )
    return events


def _start(config: Config, cursor: Cursor | None, until: datetime) -> datetime:
    first = config.window.since
    if cursor is None:
        if first is None:
            raise UsageError(
                "no start date: there is no cursor yet, and window.since is not set",
                hint="set window.since in archive.yaml to the first day to archive, or use --since",
            )
        return _whole(first)
    if first is not None and cursor.since is not None and first < cursor.since:
        return _whole(first)  # it is set to an earlier day than before
    # Counted from the cursor and not from now: after a pause of the runs, a call that came late
    # before the pause would never be listed.
    start = min(cursor.until, until) - config.window.lookback
    return _whole(start if first is None else max(start, first))


def _whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
