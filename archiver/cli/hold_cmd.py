"""`archiver hold`: keep calls from being removed, whatever their age."""

import argparse
from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any

import anyio

from archiver.cli.act_options import add_why, deed_of, why_of
from archiver.cli.context import Context
from archiver.cli.opening import archive_to_announce
from archiver.cli.parsing import Parser, id_argument
from archiver.cli.wording import counted, listed
from archiver.clock import stamp, stamp_or_none, system_clock
from archiver.config import Config, state_folder
from archiver.errors import UsageError
from archiver.text.measures import say_moment

if TYPE_CHECKING:
    from archiver.archive.archive import Archive
    from archiver.catalog.retention import Hold
    from archiver.retention.holds import HoldTexts
    from archiver.retention.legal_holds import LegalHolds

_KINDS = ("lead", "call", "order")


def add_to(parser: Parser, common: Parser) -> None:
    """Give the command its options."""
    parser.description = (
        "A legal hold protects recordings from `prune` and `erase` until it is lifted. Holds "
        "can be placed and lifted at any time, even during a run, without API requests. The "
        "ledger keeps ids and times permanently; the reason, which may name people, is stored "
        "in a separate object. On a bucket with Object Lock, S3 legal holds are set and removed "
        "as well; exit code 3 if that is incomplete."
    )
    acts = parser.add_subparsers(dest="act", metavar="ACT", required=True)
    _add_add(acts, common)
    showing = acts.add_parser(
        "list",
        help="show the holds in force",
        description="Show every hold in force, what it covers, who placed it, when and why.",
        parents=[common],
        allow_abbrev=False,
    )
    showing.add_argument("--all", action="store_true", help="include lifted holds")
    showing.set_defaults(execute=show)
    lifting = acts.add_parser(
        "lift",
        help="lift a hold",
        description="Lift one hold. `prune` and `erase` can then remove what no other hold "
        "covers; lifting itself removes nothing.",
        parents=[common],
        allow_abbrev=False,
    )
    lifting.add_argument("hold_id", metavar="HOLD_ID", help="the id shown by `archiver hold list`")
    add_why(lifting, reason="why it is lifted")
    lifting.set_defaults(execute=lift)
    again = acts.add_parser(
        "reapply",
        help="set S3 legal holds again",
        description="Set S3 legal holds again on all versions of everything that the holds in "
        "force cover, after `archiver verify` found `no-legal-hold`. Runs set only those that the "
        "ledger does not record yet.",
        parents=[common],
        allow_abbrev=False,
    )
    add_why(again, reason="why they are missing, or who asked for it")
    again.set_defaults(execute=reapply)


def _add_add(acts: Any, common: Parser) -> None:
    adding = acts.add_parser(
        "add",
        help="place a hold",
        description="Place one hold on any number of leads, calls and orders. It covers what the "
        "archive has of them and whatever it gets later: `archiver hold add --lead 789 --lead 790 "
        '--reason "lawsuit 4 O 12/26"`.',
        parents=[common],
        allow_abbrev=False,
    )
    for kind in _KINDS:
        adding.add_argument(
            f"--{kind}",
            dest=f"{kind}s",
            type=id_argument,
            action="append",
            default=[],
            metavar="ID",
            help=f"this {kind}; can be repeated",
        )
    add_why(adding, reason="why, and who asked for it")
    adding.set_defaults(execute=add)


def add(arguments: argparse.Namespace, context: Context) -> int:
    """Place a hold, and print what it covers now."""
    from archiver.retention.acts import Did, person
    from archiver.retention.holds import place_hold

    why = why_of(arguments, needed_for="a hold")

    async def act(archive: "Archive") -> str:
        return await place_hold(
            archive,
            leads=arguments.leads,
            calls=arguments.calls,
            orders=arguments.orders,
            reason=why.reason,
            by=person(),
            clock=system_clock,
            deed=deed_of(Did.HOLD, why),
        )

    async def placed(config: Config) -> "tuple[str, int, int, LegalHolds]":
        from archiver.catalog.retention import being_removed, covered
        from archiver.cli.evidence import attested

        async with archive_to_announce(config, context, today=arguments.today) as archive:
            hold_id = await act(archive)
            covers = await archive.catalog.ask(lambda db: covered(db, hold_id))
            leaving = await archive.catalog.ask(lambda db: being_removed(db, hold_id))
            followed = await _follow(archive, context)
            await attested(archive, config, context.console)
        return hold_id, covers, leaving, followed

    hold_id, covers, leaving, followed = anyio.run(placed, context.load_config(needs_key=False))
    lines = [
        f"Hold {hold_id} is in force.",
        f"It covers {counted(covers, 'recording', 'recordings')} in the archive now, and any "
        "archived later.",
        f"To lift it: `archiver hold lift {hold_id}`",
    ]
    if leaving:
        lines.append(
            f"Too late for {counted(leaving, 'recording', 'recordings')}: their removal was "
            "already recorded in the ledger."
        )
    context.console.result(*lines, *_legal_hold_lines(followed))
    told = {"holdId": hold_id, "recordings": covers, "tooLateFor": leaving}
    context.console.json(told | {"legalHolds": followed.as_json()})
    return _code_of(followed)


def lift(arguments: argparse.Namespace, context: Context) -> int:
    """End a hold."""
    from archiver.cli.evidence import attested
    from archiver.retention.acts import Did, person
    from archiver.retention.holds import lift_hold

    why = why_of(arguments, needed_for="lifting a hold")

    async def lifted(config: Config) -> "LegalHolds":
        async with archive_to_announce(config, context, today=arguments.today) as archive:
            await lift_hold(
                archive,
                arguments.hold_id,
                reason=why.reason,
                by=person(),
                clock=system_clock,
                deed=deed_of(Did.LIFT, why, holdId=arguments.hold_id),
            )
            followed = await _follow(archive, context)
            await attested(archive, config, context.console)
        return followed

    followed = anyio.run(lifted, context.load_config(needs_key=False))
    context.console.result(f"Hold {arguments.hold_id} is lifted.", *_legal_hold_lines(followed))
    told = {"holdId": arguments.hold_id, "lifted": True}
    context.console.json(told | {"legalHolds": followed.as_json()})
    return _code_of(followed)


def reapply(arguments: argparse.Namespace, context: Context) -> int:
    """Set legal holds on the storage, whatever the ledger records of them; who did it and why is
    recorded if any was set or removed."""
    from archiver.cli.evidence import attested
    from archiver.retention.acts import Did, record_deed

    why = why_of(arguments)

    async def reapplied(config: Config) -> "LegalHolds":
        async with archive_to_announce(config, context, today=arguments.today) as archive:
            followed = await _follow(archive, context, again=True)
            if followed.set or followed.removed:
                counts = {"set": followed.set, "removed": followed.removed}
                deed = deed_of(Did.REAPPLY, why, **counts)
                await record_deed(archive, deed, clock=system_clock)
            await attested(archive, config, context.console)
        return followed

    followed = anyio.run(reapplied, context.load_config(needs_key=False))
    if not followed.is_possible:
        raise UsageError(
            "the storage has no S3 legal holds: it is not a bucket with Object Lock",
            hint="nothing to do: holds protect recordings from archiver's own commands",
        )
    lines = _legal_hold_lines(followed) or ["No hold in force covers a recording of the archive."]
    context.console.result(*lines)
    context.console.json({"legalHolds": followed.as_json()})
    return _code_of(followed)


async def _follow(archive: "Archive", context: Context, *, again: bool = False) -> "LegalHolds":
    """Set and remove legal holds on the storage; a signal leaves the rest to the next run."""
    from archiver.cli.watch import stopped_by_signal
    from archiver.retention.acts import name_of_act
    from archiver.retention.legal_holds import follow_holds

    act = name_of_act(system_clock())
    async with stopped_by_signal(context.console) as stop:
        return await follow_holds(
            archive, clock=system_clock, act=act, again=again, is_over=stop.is_set
        )


def _legal_hold_lines(followed: "LegalHolds") -> list[str]:
    """What was done about it on the storage; nothing where it has no legal holds."""
    lines = []
    for count, done in ((followed.set, "set on"), (followed.removed, "removed from")):
        if count:
            recordings = counted(count, "recording", "recordings")
            lines.append(f"S3 legal holds were {done} all versions of {recordings}.")
    if followed.others:
        versions = counted(len(followed.others), "version", "versions")
        lines.append(f"{versions} already had a legal hold, which archiver will not remove.")
    if followed.trouble:
        lines.append(
            f"S3 legal holds are incomplete: {followed.trouble}. The next run or `archiver lock` "
            "tries again."
        )
    return lines


def _code_of(followed: "LegalHolds") -> int:
    """3 where something waits for the next run, else 0."""
    return 3 if followed.trouble else 0


def show(arguments: argparse.Namespace, context: Context) -> int:
    """List the holds."""
    config = context.load_config(needs_key=False)

    async def read() -> "list[tuple[Hold, HoldTexts, int]]":
        from archiver.archive.opening import watched_archive
        from archiver.catalog import retention
        from archiver.retention.holds import texts_of

        state = state_folder(context.environ, config.catalog.path)
        async with watched_archive(config, state_folder=state) as archive:
            holds = await archive.catalog.ask(retention.holds)
            return [
                (hold, await texts_of(archive, hold), await _covered(archive, hold.hold_id))
                for hold in holds
                if arguments.all or hold.lifted_at is None
            ]

    found = anyio.run(read)
    context.console.json({"holds": [_as_json(*one) for one in found]})
    if not found:
        context.console.result("No hold is in force.")
    for hold, texts, covers in found:
        context.console.result(*_lines(hold, texts, covers, config))
    return 0


async def _covered(archive: "Archive", hold_id: str) -> int:
    from archiver.catalog.retention import covered

    return await archive.catalog.ask(lambda db: covered(db, hold_id))


def _as_json(hold: "Hold", texts: "HoldTexts", covers: int) -> dict[str, Any]:
    placed, lifted = texts.placed or {}, texts.lifted or {}
    return {
        "holdId": hold.hold_id,
        "leadIds": list(hold.leads),
        "callIds": list(hold.calls),
        "orderIds": list(hold.orders),
        "recordings": covers,
        "placedAt": stamp(hold.placed_at),
        "placedBy": placed.get("placedBy"),
        "reason": placed.get("reason"),
        "liftedAt": stamp_or_none(hold.lifted_at),
        "liftedBy": lifted.get("liftedBy"),
        "liftReason": lifted.get("reason"),
        "textsErased": hold.is_erased,
    }


def _lines(hold: "Hold", texts: "HoldTexts", covers: int, config: Config) -> list[str]:
    zone = config.window.timezone
    scopes = zip(_KINDS, (hold.leads, hold.calls, hold.orders), strict=True)
    on = "; ".join(f"{kind} {listed(ids)}" for kind, ids in scopes if ids)
    lines = [f"{hold.hold_id}  {on}", *_act_lines("placed", hold.placed_at, texts.placed, zone)]
    if hold.lifted_at is None:
        lines.append(f"  covers  {counted(covers, 'recording', 'recordings')} now")
    else:
        lines += _act_lines("lifted", hold.lifted_at, texts.lifted, zone)
    if hold.is_erased:
        lines.append("  texts   erased together with a person")
    elif texts.placed is None or (hold.lifted_at and texts.lifted is None):
        lines.append("  texts   missing: run `archiver verify`")
    return lines


def _act_lines(act: str, at: datetime, told: Mapping[str, Any] | None, zone: tzinfo) -> list[str]:
    """When, by whom and why; who and why only while the text of it is there."""
    by, reason = (told or {}).get(f"{act}By"), (told or {}).get("reason")
    line = f"  {act}  {say_moment(at, zone)}" + (f" by {by}" if by else "")
    return [line, f"  reason  {reason}"] if reason else [line]
