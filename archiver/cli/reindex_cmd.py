"""`archiver reindex`: rebuild the catalog from the archive."""

import argparse
import time
from typing import TYPE_CHECKING, Final

import anyio

from archiver.cli.context import Context
from archiver.cli.parsing import Parser
from archiver.cli.wording import counted
from archiver.config import Config, state_folder
from archiver.text.measures import say_duration

if TYPE_CHECKING:
    from archiver.archive.reindex import Reindexed

_SAY_EVERY: Final = 10.0


def add_to(parser: Parser, common: Parser) -> None:
    """Give the command its options."""
    parser.description = (
        "Rebuild the catalog from the ledger. The old catalog is replaced once the new one is "
        "complete. No API key is needed. Exits 6 while a run has locked the archive."
    )
    parser.set_defaults(execute=execute)


def execute(_arguments: argparse.Namespace, context: Context) -> int:
    """Rebuild, and print the result; 0."""
    config = context.load_config(needs_key=False)
    done = anyio.run(_reindex, config, context)
    context.console.result(*_lines(done))
    context.console.json(done.as_json())
    return 0


async def _reindex(config: Config, context: Context) -> "Reindexed":
    from archiver.archive.reindex import reindex

    read = {"segments": 0, "events": 0}
    last = time.monotonic()

    def on_read(segments: int, events: int) -> None:
        nonlocal last
        read["segments"] += segments
        read["events"] += events
        if time.monotonic() - last >= _SAY_EVERY:
            last = time.monotonic()
            context.console.say(f"{read['segments']:,} segments, {read['events']:,} events so far")

    return await reindex(
        config, state_folder=state_folder(context.environ, config.catalog.path), on_read=on_read
    )


def _lines(done: "Reindexed") -> list[str]:
    counts = done.counts
    lines = [
        f"read      {counted(done.head.number, 'segment', 'segments')} of the ledger,"
        f" {counted(counts['events'], 'event', 'events')}, in {say_duration(done.seconds)}",
        f"found     {counted(counts['calls'], 'call', 'calls')},"
        f" {counted(counts['recordings'], 'recording', 'recordings')},"
        f" {counted(counts['runs'], 'run', 'runs')}",
        f"catalog   {done.path}",
        f"head      {done.head.digest or 'none: the ledger is empty'}",
    ]
    if counts["takenOver"]:
        taken = counted(counts["takenOver"], "event", "events")
        lines.append(
            f"note      {taken} taken over from the old catalog: the ledger does not have them yet"
        )
    return lines
