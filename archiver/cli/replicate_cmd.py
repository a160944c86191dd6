"""`archiver replicate`: bring the second archive up to the first, or a lost one back from it."""

import argparse
from typing import TYPE_CHECKING

import anyio

from archiver.cli.act_options import add_why, deed_of, why_of
from archiver.cli.context import Context
from archiver.cli.parsing import Parser
from archiver.cli.wording import counted, sized
from archiver.clock import system_clock
from archiver.config import Config, state_folder
from archiver.errors import INTERRUPTED
from archiver.text.measures import say_moment, say_size

if TYPE_CHECKING:
    from datetime import date

    from archiver.replica.replicate import Replication
    from archiver.replica.restore import Restoration
    from archiver.retention.acts import Why

_MOST_SHOWN = 12


def add_to(parser: Parser, common: Parser) -> None:
    """Give the command its options."""
    parser.description = (
        "Copy everything new from the archive to replica.url. Each object is compared with its "
        "digest in the ledger, and written create-only; foreign objects are reported and never "
        "overwritten or deleted. What was erased from the archive is erased from the replica as "
        "well. Each run is followed by a replication (replica.after_run). It can be interrupted "
        "and resumed, and used during a run. It makes no API requests and needs no key."
    )
    parser.add_argument(
        "--all",
        action="store_true",
        help="compare every object again, not only new ones, and copy what is missing",
    )
    parser.add_argument(
        "--restore",
        action="store_true",
        help="copy in the other direction: restore a lost archive from the replica to an empty "
        "storage.url",
    )
    add_why(parser, reason="with --restore: why it is done")
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Replicate or restore; 130 when interrupted, 4 when objects of the archive are damaged, 3
    when something waits, else 0."""
    config = context.load_config(needs_key=False)
    if arguments.restore:
        why = why_of(arguments, needed_for="a restoration")
        return _tell_restored(*anyio.run(_restore, config, why, arguments.today, context), context)
    done, is_stopped = anyio.run(_replicate, config, arguments.all, context)
    context.console.json(done.as_json())
    context.console.result(*_lines(done, config))
    return _code_of(done, is_stopped=is_stopped)


async def _replicate(
    config: Config, everything: bool, context: Context
) -> "tuple[Replication, bool]":
    from archiver.cli.replicating import one_replication
    from archiver.cli.watch import stopped_by_signal

    state = state_folder(context.environ, config.catalog.path)
    async with stopped_by_signal(context.console) as stop:
        done = await one_replication(config, context, state, stop, everything=everything)
        return done, stop.is_set()


async def _restore(
    config: Config, why: "Why", today: "date | None", context: Context
) -> "tuple[Restoration, bool]":
    from archiver.archive.opening import watched_archive
    from archiver.cli.evidence import attested
    from archiver.cli.watch import stopped_by_signal
    from archiver.replica.restore import restore
    from archiver.retention.acts import Did

    state = state_folder(context.environ, config.catalog.path)
    async with stopped_by_signal(context.console) as stop:
        done = await restore(
            config,
            state_folder=state,
            clock=system_clock,
            deed=deed_of(Did.RESTORE, why),
            today=today,
            is_over=stop.is_set,
        )
        if done.head is not None and config.evidence.is_configured:
            async with watched_archive(config, state_folder=state) as archive:
                await attested(archive, config, context.console)
        return done, stop.is_set()


def _code_of(done: "Replication", *, is_stopped: bool) -> int:
    if is_stopped and not done.is_whole:
        return INTERRUPTED
    if done.damaged:
        return 4
    return 0 if done.is_whole else 3


def _tell_restored(done: "Restoration", is_stopped: bool, context: Context) -> int:
    head = None if done.head is None else done.head.digest
    told = done.copied.as_json() | {
        "restored": done.head is not None,
        "ledgerHead": head,
        "catalogSetAside": None if done.set_aside is None else str(done.set_aside),
    }
    context.console.json(told)
    lines = _counts(done.copied)
    if done.head is None:
        lines += ["", "INCOMPLETE: run `archiver replicate --restore` again to continue."]
    else:
        lines += ["", f"RESTORED: the archive has {done.copied.head.number:,} segments again."]
        if done.set_aside is not None:
            lines.append(
                "The catalog of this machine had recorded more than the replica has: what was "
                f"archived after that is lost, unless the source still has it. It is now "
                f"{done.set_aside}."
            )
        lines += ["Next: `archiver verify`, then `archiver run`.", f"Ledger head  {head}"]
    context.console.result(*lines)
    return _code_of(done.copied, is_stopped=is_stopped)


def _lines(done: "Replication", config: Config) -> list[str]:
    lines = _counts(done)
    if done.is_whole:
        return [*lines, "", f"CURRENT: the replica has all {done.head.number:,} segments."]
    lines.append("")
    if done.waiting:
        waiting = counted(len(done.waiting), "object waits", "objects wait")
        lines.append(f"INCOMPLETE: {waiting}; the next replication tries again.")
    if done.behind:
        behind = counted(done.behind, "segment", "segments")
        since = (
            f", since {say_moment(done.behind_since, config.window.timezone)}"
            if done.behind_since
            else ""
        )
        lines.append(f"BEHIND by {behind}{since}. Run `archiver replicate` again to continue.")
    return lines


def _counts(done: "Replication") -> list[str]:
    from archiver.replica.copying import Copied

    sent = done.objects[Copied.COPIED] + done.objects[Copied.REPLACED]
    lines = [
        f"Segment {done.head.number:,} of {done.wanted.number:,} (was at {done.before.number:,})",
        f"{sized(sent, 'object', 'objects')} copied ({say_size(done.bytes)})",
    ]
    if already := done.objects[Copied.ALREADY]:
        lines.append(f"{sized(already, 'object was', 'objects were')} there already")
    if done.removed:
        lines.append(f"{sized(done.removed, 'recording', 'recordings')} removed")
    shown = list(done.waiting.items())[:_MOST_SHOWN]
    lines += [f"{'':13}{key}: {why}" for key, why in shown]
    rest = len(done.waiting) - len(shown)
    return [*lines, f"{'':13}and {rest:,} more"] if rest > 0 else lines
