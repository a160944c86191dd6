"""`archiver erase`: remove everything of one person, and never fetch it again."""

import argparse
from datetime import date
from typing import TYPE_CHECKING, Any

import anyio

from archiver.cli.act_options import add_why, deed_of, why_of
from archiver.cli.context import Context
from archiver.cli.parsing import Parser, count_argument, id_argument
from archiver.cli.wording import counted, listed, sized
from archiver.clock import stamp, stamp_or_none, system_clock
from archiver.config import Config, state_folder
from archiver.text.measures import say_moment, say_size

if TYPE_CHECKING:
    from archiver.retention.acts import Why
    from archiver.retention.erase import ErasePlan

_REFUSED = 3
"""Something prevents it for now: exit code 3, as for an open recording."""


def add_to(parser: Parser, common: Parser) -> None:
    """Give the command its options."""
    parser.description = (
        "Erase one lead: its audio, sidecars and revisions (on S3 all versions), its entries in "
        "run reports and in the catalog, and the texts of lifted holds that name it. Ids and "
        "digests stay in the ledger. Later runs skip calls created before the erasure; calls "
        "created after it are archived. Without --remove, only show what would be erased. "
        "Refused, with exit code 3, while a legal hold or an Object Lock protects any of it. It "
        "makes no API requests and needs no key. You must delete copies elsewhere yourself "
        "(exports, backups, catalogs on other machines)."
    )
    parser.add_argument(
        "--lead",
        dest="lead_id",
        type=id_argument,
        required=True,
        metavar="ID",
        help="the lead to erase",
    )
    parser.add_argument(
        "--remove",
        type=count_argument,
        metavar="COUNT",
        help="erase it; COUNT is the number of recordings that `archiver erase --lead ID` shows",
    )
    add_why(parser, reason="why it is erased, and who asked for it")
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Show or erase; 3 if it is refused for now, else 0."""
    config = context.load_config(needs_key=False)
    number, today = arguments.remove, arguments.today
    why = why_of(arguments, needed_for="" if number is None else "an erasure")
    plan, erased, head = anyio.run(_act, config, arguments.lead_id, number, today, why, context)
    context.console.json(_as_json(plan, erased=erased, head=head))
    context.console.result(*_lines(plan, config, erased=erased, head=head))
    return _REFUSED if plan.is_refused else 0


async def _act(
    config: Config,
    lead_id: int,
    number: int | None,
    today: date | None,
    why: "Why",
    context: Context,
) -> "tuple[ErasePlan, bool, str | None]":
    from archiver.archive.opening import watched_archive
    from archiver.archive.right_clock import require_right_clock
    from archiver.cli.evidence import attested
    from archiver.retention.acts import Did, name_of_act
    from archiver.retention.erase import erase, plan_erase
    from archiver.retention.locking import archive_to_remove_from

    state = state_folder(context.environ, config.catalog.path)
    if number is None:
        async with watched_archive(config, state_folder=state) as archive:
            plan = await plan_erase(archive, lead_id, clock=system_clock)
            return plan, False, (await archive.catalog.head()).digest
    async with archive_to_remove_from(
        config, "erase", state_folder=state, clock=system_clock, today=today
    ) as archive:
        await require_right_clock(archive, system_clock, today=today)
        act = name_of_act(system_clock())
        deed = deed_of(Did.ERASE, why, leadId=lead_id, recordings=number)
        plan = await erase(archive, lead_id, number, clock=system_clock, act=act, deed=deed)
        await attested(archive, config, context.console)
        return plan, not plan.is_refused, (await archive.catalog.head()).digest


def _as_json(plan: "ErasePlan", *, erased: bool, head: str | None) -> dict[str, Any]:
    told: dict[str, Any] = {
        "leadId": plan.lead_id,
        "erased": erased,
        "calls": len(plan.calls),
        "recordings": len(plan.archived),
        "bytes": plan.size,
        "reports": len(plan.reports),
        "holdTexts": len(plan.hold_texts),
        "leavings": len(plan.leavings),
        "heldBy": plan.held_by,
        "locked": None,
        "earlier": None,
        "ledgerHead": head,
    }
    if plan.earlier is not None:
        told["earlier"] = {"before": stamp(plan.earlier.before), "complete": plan.earlier.is_done}
    if plan.locked is not None:
        told["locked"] = {"key": plan.locked.key, "until": stamp_or_none(plan.locked.until)}
    return told


def _lines(plan: "ErasePlan", config: Config, *, erased: bool, head: str | None) -> list[str]:
    recordings = len(plan.archived)
    lines = [
        f"Lead {plan.lead_id}",
        *_earlier(plan, config),
        f"{sized(len(plan.calls), 'call', 'calls')} in the catalog",
        f"{sized(recordings, 'recording', 'recordings')} with sidecar ({say_size(plan.size)})",
    ]
    others = {
        ("report of a run", "reports of runs"): plan.reports,
        ("lifted hold that names it", "lifted holds that name it"): plan.hold_texts,
        ("object of a killed run", "objects of killed runs"): plan.leavings,
    }
    lines += [sized(len(found), *what) for what, found in others.items() if found]
    return [*lines, "", *_end(plan, config, erased=erased, head=head)]


def _earlier(plan: "ErasePlan", config: Config) -> list[str]:
    """The result of an earlier erasure, so that the lead does not look unknown."""
    if plan.earlier is None:
        return []
    before = say_moment(plan.earlier.before, config.window.timezone)
    if plan.earlier.is_done:
        return [f"Already erased: everything created up to {before}. It is not fetched again."]
    return [f"The erasure up to {before} was interrupted: some data may remain."]


def _end(plan: "ErasePlan", config: Config, *, erased: bool, head: str | None) -> list[str]:
    if erased:
        return [
            f"ERASED. Calls of lead {plan.lead_id} created before now are never fetched again.",
            f"Ledger head  {head}",
        ]
    refused = []
    if plan.held_by:
        refused.append(
            f"REFUSED: {counted(len(plan.held_by), 'hold covers', 'holds cover')} it: "
            f"{listed(plan.held_by)}. Lift holds with `archiver hold lift`."
        )
    if plan.locked is not None:
        until = plan.locked.until
        when = (
            "the storage's own legal hold is removed"
            if until is None
            else say_moment(until, config.window.timezone)
        )
        refused.append(f"REFUSED: Object Lock prevents deletion until {when} ({plan.locked.key}).")
    if refused:
        return [*refused, "Nothing was erased."]
    command = f"archiver erase --lead {plan.lead_id} --remove {len(plan.archived)} --reason TEXT"
    if plan.calls or plan.archived:
        return [f"Nothing was erased. To erase it permanently, run `{command}`."]
    if plan.earlier is None:
        return [
            f"The archive has no call of lead {plan.lead_id}, and never erased that lead: check "
            "the id.",
            f"`{command}` would block its calls created until now from ever being fetched.",
        ]
    if plan.earlier.is_done:
        return ["Nothing else of it is in the archive."]
    return [f"The next `archiver run` completes it, or run `{command}`."]
