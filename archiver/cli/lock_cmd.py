"""`archiver lock`: apply the configured Object Lock to objects without it, or with less."""

import argparse
import time
from typing import TYPE_CHECKING, Any, Final

import anyio

from archiver.cli.act_options import add_why, deed_of, why_of
from archiver.cli.context import Context
from archiver.cli.parsing import Parser
from archiver.cli.wording import counted, part_line, sized
from archiver.clock import system_clock
from archiver.config import Config, ObjectLockConfig, state_folder
from archiver.errors import INTERRUPTED, UsageError
from archiver.text.measures import say_duration, say_size

if TYPE_CHECKING:
    from datetime import date

    from archiver.retention.acts import Why
    from archiver.retention.lock_all import Locking

_ENDED: Final = {
    "locked": "locked now",
    "extended": "locked for longer now",
    "already": "were locked for long enough",
    "past": "written so long ago that the lock would have expired",
    "missing": "missing: run `archiver verify`",
}


def add_to(parser: Parser, common: Parser) -> None:
    """Give the command its options."""
    parser.description = (
        "Apply storage.s3.object_lock to objects that are not locked, and extend locks that are "
        "shorter than its `retain`, or than a matching rule of retention.rules, counted from when "
        "each object was written. A lock is never "
        "shortened, and keeps its mode. In COMPLIANCE mode nobody can undo this. The archive is "
        "locked for other commands meanwhile; interrupted, it continues where it stopped. It "
        "makes no API requests and needs no key."
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="only count what is not known to be locked; no object is read",
    )
    parser.add_argument(
        "--again",
        action="store_true",
        help="check also the objects that the ledger records as locked",
    )
    add_why(parser)
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Lock, or count; 130 when interrupted, 4 when objects are missing, else 0."""
    config = context.load_config(needs_key=False)
    wanted, why = config.storage.s3.object_lock, why_of(arguments)
    if wanted is None:
        raise UsageError(
            "storage.s3.object_lock is not set, so there is no Object Lock to apply",
            hint="set its mode and retain in archive.yaml",
        )
    if arguments.dry_run:
        planned = anyio.run(_plan, config, wanted, arguments.again, context)
        context.console.json(_as_json(planned, wanted, head=None, dry_run=True))
        context.console.result(*_planned_lines(planned, wanted))
        return 0
    asked = arguments.again, why, arguments.today
    done, head, is_stopped = anyio.run(_lock, config, wanted, *asked, context)
    context.console.json(_as_json(done, wanted, head=head, dry_run=False))
    context.console.result(*_lines(done, wanted, head))
    if is_stopped:
        return INTERRUPTED
    return 4 if done.missing else 0


async def _plan(
    config: Config, wanted: ObjectLockConfig, again: bool, context: Context
) -> "Locking":
    from archiver.archive.opening import existing_archive, watched_archive
    from archiver.retention.lock_all import plan_lock, require_locks
    from archiver.retention.rules import open_rulebook

    state = state_folder(context.environ, config.catalog.path)
    async with existing_archive(config) as (storage, _):
        await require_locks(storage, wanted)
    async with watched_archive(config, state_folder=state) as archive:
        rules = await open_rulebook(config, archive, state)
        return await plan_lock(archive, wanted, rules, again=again)


async def _lock(
    config: Config,
    wanted: ObjectLockConfig,
    again: bool,
    why: "Why",
    today: "date | None",
    context: Context,
) -> "tuple[Locking, str | None, bool]":
    from archiver.archive.opening import existing_archive
    from archiver.cli.evidence import attested
    from archiver.cli.progress import Meter, MeterPrinter
    from archiver.cli.watch import shown_by, stopped_by_signal
    from archiver.retention.acts import Did, name_of_act
    from archiver.retention.legal_holds import follow_holds
    from archiver.retention.lock_all import lock_all, plan_lock, require_locks
    from archiver.retention.locking import archive_to_remove_from
    from archiver.retention.rules import open_rulebook

    state, meter = state_folder(context.environ, config.catalog.path), Meter()
    seconds = int(wanted.retain.total_seconds())
    async with existing_archive(config) as (storage, _):
        await require_locks(storage, wanted)  # else the archive's own lock cannot be written
    async with (
        stopped_by_signal(context.console) as stop,
        shown_by(MeterPrinter(meter, context.console, time.monotonic, title="lock")),
        archive_to_remove_from(
            config, "lock", state_folder=state, clock=system_clock, today=today
        ) as archive,
    ):
        followed = await follow_holds(
            archive,
            clock=system_clock,
            act=name_of_act(system_clock()),
            is_over=stop.is_set,
        )
        if followed.trouble:
            context.console.warn(f"S3 legal holds are incomplete: {followed.trouble}")
        rules = await open_rulebook(config, archive, state)
        planned = await plan_lock(archive, wanted, rules, again=again)
        meter.expect(planned.due.recordings + planned.others, 0)
        done = await lock_all(
            archive,
            wanted,
            clock=system_clock,
            deed=deed_of(Did.LOCK, why, mode=wanted.mode, retainSeconds=seconds),
            rulebook=rules,
            again=again,
            is_over=stop.is_set,
            on_done=lambda count: meter.add(count, 0),
        )
        await attested(archive, config, context.console)
        head = (await archive.catalog.head()).digest
    return done, head, stop.is_set()


def _as_json(
    done: "Locking", wanted: ObjectLockConfig, *, head: str | None, dry_run: bool
) -> dict[str, Any]:
    told: dict[str, Any] = {
        "mode": wanted.mode,
        "retainSeconds": int(wanted.retain.total_seconds()),
        "dryRun": dry_run,
        "due": {
            "recordings": done.due.recordings,
            "objects": done.due.objects + done.others,
            "bytes": done.due.bytes,
            "hanging": done.due.hanging,
        },
    }
    if dry_run:
        return told
    return told | {
        "recordings": done.recordings,
        "objects": {name: done.objects[name] for name in _ENDED},  # type: ignore[index]
        "missing": done.missing,
        "whole": done.is_whole,
        "ledgerHead": head,
    }


def _planned_lines(planned: "Locking", wanted: ObjectLockConfig) -> list[str]:
    due = planned.due
    return [
        _policy(wanted),
        f"{sized(due.recordings, 'recording', 'recordings')} not known to be locked for that long "
        f"({say_size(due.bytes)})",
        f"{sized(due.objects, 'object', 'objects')} of them: audio, sidecars, revisions",
        f"{sized(planned.others, 'object', 'objects')} of the ledger, reports, holds and acts",
        *(
            [
                f"{sized(due.hanging, 'recording', 'recordings')} may have a longer period by "
                "status, which is read from the sidecar when it is locked"
            ]
            if due.hanging
            else []
        ),
        "",
        "Nothing was locked. `archiver lock` checks each of them, and locks those that need it.",
    ]


def _lines(done: "Locking", wanted: ObjectLockConfig, head: str | None) -> list[str]:
    lines = [_policy(wanted)]
    lines += [
        part_line(name, count, said)
        for name, said in _ENDED.items()
        if (count := done.objects[name])  # type: ignore[index]
    ]
    lines += [f"{'':15}{key}" for key in done.missing[:12]]
    rest = done.due.recordings - done.recordings
    if done.is_whole:
        end = f"LOCKED: {counted(done.recordings, 'recording', 'recordings')} checked."
    else:
        left = counted(rest, "recording is", "recordings are")
        end = f"INTERRUPTED: {left} left. Run `archiver lock` again to continue."
    return [*lines, "", end, f"Ledger head  {head}"]


def _policy(wanted: ObjectLockConfig) -> str:
    length = say_duration(wanted.retain.total_seconds())
    return f"Object Lock: {wanted.mode} for {length} from when each object was written"
