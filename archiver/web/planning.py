"""Draws the samples of due plans, regularly and whenever the page is opened."""

import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Final

import anyio
import anyio.to_thread
from starlette.datastructures import QueryParams

from archiver.desk.accounts.person import Person, Role, Way
from archiver.desk.index.calls import Calls
from archiver.desk.index.view import View
from archiver.desk.review.plans import Plan, Stratum
from archiver.desk.review.sampling import Drawn, stratified
from archiver.errors import ArchiverError
from archiver.web.asked import resolved
from archiver.web.desk import Desk
from archiver.web.view_address import changed, read_view

_LOG: Final = logging.getLogger(__name__)
_EVERY: Final = 600.0
"""Seconds."""
_PLANNER: Final = Person("plan", Role.LEAD, Way.LOCAL)
_LENGTHS: Final = (60.0, 300.0)
"""Seconds: shorter than the first, than the second, or longer."""


@asynccontextmanager
async def plans_at_work(desk: Desk) -> AsyncIterator[None]:
    """Draw what is due in the background, until the block ends."""

    async def work() -> None:
        while True:
            try:
                await draw_due(desk)
            except ArchiverError as error:
                _LOG.warning("plans: %s", error)
            await anyio.sleep(_EVERY)

    async with anyio.create_task_group() as background:
        background.start_soon(work)
        try:
            yield
        finally:
            background.cancel_scope.cancel()


async def draw_due(desk: Desk) -> int:
    """Draw every week that is over and not drawn; how many queues that gave.

    While the index is being filled nothing is drawn: it would miss calls.
    """
    progress = desk.library.progress
    if not progress.is_current:
        return 0
    today = desk.clock().astimezone(desk.config.window.timezone).date()
    made = 0
    for plan, week in await desk.plans.due(today):
        seed = secrets.token_hex(8)
        drawn = await _drawn(desk, plan, week, seed)
        made += await desk.plans.keep(plan, week, drawn, seed) is not None
    return made


def view_of(plan: Plan) -> View:
    """What a plan draws from, in every week."""
    return read_view(QueryParams(plan.query.lstrip("?")))[0]


async def _drawn(desk: Desk, plan: Plan, week: date, seed: str) -> list[Drawn]:
    view = changed(replace(view_of(plan), since=week, until=week + timedelta(days=6), days=()))
    calls = await desk.library.index.calls(await resolved(desk, _PLANNER, view))
    work = partial(stratified, strata_of(calls, plan.strata), number=plan.per_agent, seed=seed)
    return await anyio.to_thread.run_sync(work)


def strata_of(
    calls: Calls, strata: tuple[Stratum, ...]
) -> dict[int, dict[tuple[int, ...], list[int]]]:
    """The recordings by agent and stratum."""
    found: dict[int, dict[tuple[int, ...], list[int]]] = {}
    for place, (record_id, agent) in enumerate(
        zip(calls.record_id.tolist(), calls.agent.tolist(), strict=True)
    ):
        key = tuple(_stratum(calls, place, one) for one in strata)
        found.setdefault(agent, {}).setdefault(key, []).append(record_id)
    return found


def _stratum(calls: Calls, place: int, stratum: Stratum) -> int:
    if stratum is Stratum.DIRECTION:
        return int(calls.direction[place])
    if stratum is Stratum.ORDER:
        return int(calls.order[place])
    seconds = float(calls.seconds[place])
    return sum(seconds >= border for border in _LENGTHS)
