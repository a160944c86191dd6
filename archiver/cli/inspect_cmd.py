"""`archiver inspect`: examine the sound of what is archived, and name what sounds wrong."""

import argparse
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

import anyio

from archiver.cli.act_options import add_why, deed_of, why_of
from archiver.cli.context import Context
from archiver.cli.parsing import Parser, period
from archiver.config import Config, state_folder
from archiver.errors import INTERRUPTED, ArchiveLocked

if TYPE_CHECKING:
    from datetime import date, datetime

    from archiver.archive.archive import Archive
    from archiver.archive.right_clock import OtherClocks
    from archiver.catalog.inspections import Examinable
    from archiver.inspection.inspect import Inspection
    from archiver.ledger.events import Inspected
    from archiver.retention.acts import Why


def add_to(parser: Parser, common: Parser) -> None:
    """Give the command its options."""
    parser.description = (
        "Decode every recording not examined yet, and report those that are silent, have a dead "
        "channel, are clipped or contain only noise. Runs do this for new recordings "
        "(inspect.after_run); use this command for older ones. It can be interrupted and "
        "resumed, needs no API key, and can be used during a run. Findings do not change the "
        "exit code."
    )
    parser.add_argument(
        "--since", metavar="T", help="only recordings archived since this date, time or age (7d)"
    )
    parser.add_argument(
        "--again", action="store_true", help="also examine recordings that were examined before"
    )
    add_why(parser)
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Print what was found; 130 when interrupted, else 0."""
    from archiver.cli.sound_lines import sound_lines

    config = context.load_config(needs_key=False)
    since, _ = period(arguments.since, None, config.window.timezone)
    found, is_stopped = anyio.run(
        _inspect, config, since, arguments.again, why_of(arguments), arguments.today, context
    )
    console = context.console
    console.json(found.as_json())
    console.result(*(sound_lines(found.as_json()) or ["", "Sound check: nothing to examine"])[1:])
    if found.lengths_put_right:
        console.result(
            f"  {found.lengths_put_right:,} sidecars had a wrong duration, and were revised"
        )
    if found.unproved:
        console.result(
            f"  {len(found.unproved):,} not examined: the bytes are missing or do not match the "
            "ledger; run `archiver verify`"
        )
    return INTERRUPTED if is_stopped else 0


async def _inspect(
    config: Config,
    since: "datetime | None",
    again: bool,
    why: "Why",
    today: "date | None",
    context: Context,
) -> "tuple[Inspection, bool]":
    """What was found, and whether it was interrupted."""
    from archiver.archive.opening import announcing_archive
    from archiver.archive.right_clock import OtherClocks
    from archiver.cli.evidence import acted_anew
    from archiver.cli.progress import Meter, MeterPrinter
    from archiver.cli.watch import shown_by, stopped_by_signal
    from archiver.clock import system_clock
    from archiver.inspection.inspect import Watcher, inspect
    from archiver.inspection.lengths import put_lengths_right
    from archiver.inspection.write import write_findings
    from archiver.retention.acts import Did, name_of_act

    state, meter = state_folder(context.environ, config.catalog.path), Meter()
    act, others = name_of_act(system_clock()), OtherClocks(today=today)
    opened = announcing_archive(config, state_folder=state, clock=system_clock, others=others)
    async with (
        stopped_by_signal(context.console) as stop,
        shown_by(MeterPrinter(meter, context.console, time.monotonic, title="inspect")),
        opened as archive,
    ):

        async def tell(events: "Sequence[Inspected]") -> None:
            if events:
                await archive.announce(events, at=system_clock(), run=act)

        async def put_right(recordings: "Sequence[Examinable]") -> bool:
            async def revise(locked: "Archive") -> list[str]:
                return await put_lengths_right(locked, recordings, clock=system_clock, act=act)

            is_done = await _under_lock(config, context, others, revise)
            await archive.catch_up()
            return is_done

        found = await inspect(
            archive,
            workers=config.inspect.workers,
            tell=tell,
            since=since,
            again=again,
            is_over=stop.is_set,
            put_right=put_right,
            watcher=Watcher(meter.expect, lambda size: meter.add(1, size)),
        )

    async def write(locked: "Archive") -> list[str]:
        return await write_findings(locked, clock=system_clock, act=act)

    if not await _under_lock(config, context, others, write):
        context.console.say("a run has locked the archive, and writes the findings into sidecars")
    deed = deed_of(Did.INSPECT, why, inspection=act, examined=found.examined)
    await acted_anew(config, state, context.console, deed, today=today)
    return found, stop.is_set()


async def _under_lock(
    config: Config,
    context: Context,
    others: "OtherClocks",
    revise: "Callable[[Archive], Awaitable[list[str]]]",
) -> bool:
    """Revise sidecars as the owner of the archive's lock; False while a run has locked it."""
    from archiver.archive.opening import locked_archive
    from archiver.clock import system_clock

    locked = locked_archive(
        config,
        owner="inspect",
        state_folder=state_folder(context.environ, config.catalog.path),
        clock=system_clock,
        make=False,
        others=others,
    )
    try:
        async with locked as archive:
            before, archive.lock.leave = archive.lock.leave, True
            damaged = await revise(archive)
            await archive.publish()
            archive.lock.leave = before
    except ArchiveLocked:
        return False
    for key in damaged:
        context.console.say(f"{key}: its sidecar is damaged; run `archiver verify`")
    return True
