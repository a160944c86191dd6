"""A run: archives everything new since the last one, and accounts for everything.

This module only puts the parts together: `source` reaches the API, `opening` opens the archive,
`request`, `windows` and `enumeration` say what is requested, `execution` does the work.
"""

import time
from pathlib import Path

import anyio

from archiver.archive.pace import REAL_PACE, Pace
from archiver.archive.right_clock import OtherClocks
from archiver.clock import Clock, system_clock
from archiver.config import Config
from archiver.crew.choosing import prepare_crew
from archiver.liner.names import Directory
from archiver.retention.acts import name_of_act
from archiver.run.enumeration import Intake, listed_orders
from archiver.run.events import OnEvent, RunStarted
from archiver.run.execution import Execution
from archiver.run.opening import archive_to_survey, archive_to_write
from archiver.run.report import RunReport
from archiver.run.request import RunRequest
from archiver.run.source import source
from archiver.tasks.stopping import cancelled_by

_CONNECTIONS_BESIDE_WORKERS = 16
"""The enumerator reads pages while the workers are busy."""


async def run(
    config: Config,
    request: RunRequest,
    *,
    on_event: OnEvent,
    stop: anyio.Event,
    state_folder: Path,
    clock: Clock = system_clock,
    pace: Pace = REAL_PACE,
) -> RunReport | None:
    """Do one run and report on it. None if `stop` came before there was anything to report.

    `stop` ends it early and cleanly; its report then has `interrupted`. Catalogs are in
    `state_folder` unless the configuration says otherwise. Raises an ArchiverError if the run as a
    whole cannot continue; what was archived until then is recorded.
    """
    began = time.monotonic()
    now = clock()
    run_id = name_of_act(now)
    report: RunReport | None = None
    on_event(RunStarted(run_id))
    if not request.dry_run:
        prepare_crew(config)
    connections = config.download.workers + _CONNECTIONS_BESIDE_WORKERS
    reached = source(config, connections=connections, pace=pace, on_retry=on_event)
    async with cancelled_by(stop) as disarm, reached as origin:
        orders = await listed_orders(origin.liner, config, request)
        directory = Directory(origin.liner)
        await directory.load(orders)
        if request.dry_run:
            opened = archive_to_survey(config, state_folder)
        else:
            others = OtherClocks(origin.liner.server_time, request.today)
            opened = archive_to_write(config, run_id, state_folder, clock, pace, others)
        async with opened as archive:
            disarm()
            intake = Intake(
                config=config,
                request=request,
                archive=archive,
                liner=origin.liner,
                directory=directory,
                orders=[order.id for order in orders],
                run_id=run_id,
                now=now,
                on_event=on_event,
            )
            await intake.plan()
            execution = Execution(origin, intake, stop, began, clock)
            report = await (execution.survey() if request.dry_run else execution.archive())
    return report
