"""`archiver prune`: remove what is past its retention period, once its number is named."""

import argparse
from datetime import date, tzinfo
from typing import TYPE_CHECKING, Any, Final

import anyio

from archiver.cli.act_options import add_why, deed_of, why_of
from archiver.cli.context import Context
from archiver.cli.parsing import Parser, count_argument
from archiver.cli.wording import counted, part_line, sized
from archiver.clock import stamp, stamp_or_none, system_clock
from archiver.config import Config, state_folder
from archiver.text.measures import say_duration, say_moment, say_size

if TYPE_CHECKING:
    from archiver.retention.acts import Why
    from archiver.retention.prune import PrunePlan
    from archiver.retention.rules import Rulebook

_KEPT: Final = {
    "held": "under a legal hold: see `archiver hold list`",
    "locked": "protected by Object Lock",
    "open": "their call still has a recording to come",
    "damaged": "they do not match the ledger: run `archiver verify --repair`",
}
_MOST_SHOWN: Final = 12
_MOST_IDS: Final = 1000
"""Recordings that the JSON names of each rule."""


def add_to(parser: Parser, common: Parser) -> None:
    """Give the command its options."""
    parser.description = (
        "Delete recordings that were created and archived longer ago than retention.keep, or than "
        "the first of retention.rules that they match. "
        "Without --remove, only list and count them. With --remove and exactly that count, "
        "delete audio, sidecars and revisions (on S3 all versions). Recordings that are under a "
        "hold, locked, damaged or open are never deleted. Ids and digests stay in the ledger, "
        "and no later run fetches the recordings again. It makes no API requests and needs no "
        "key."
    )
    parser.add_argument(
        "--remove",
        type=count_argument,
        metavar="COUNT",
        help="delete them; COUNT is the number that `archiver prune` shows",
    )
    add_why(parser)
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Show or remove; 4 when something damaged was met, else 0."""
    config = context.load_config(needs_key=False)
    why = why_of(arguments)
    plan, rules, removed, head = anyio.run(
        _act, config, arguments.remove, arguments.today, why, context
    )
    context.console.json(_as_json(plan, rules, removed, head))
    context.console.result(*_lines(plan, rules, removed, head, config.window.timezone))
    return 4 if plan.kept["damaged"] else 0


async def _act(
    config: Config,
    number: int | None,
    today: date | None,
    why: "Why",
    context: Context,
) -> "tuple[PrunePlan, Rulebook, int | None, str | None]":
    from archiver.archive.opening import watched_archive
    from archiver.archive.right_clock import require_right_clock
    from archiver.cli.evidence import attested
    from archiver.retention.acts import Did, name_of_act
    from archiver.retention.locking import archive_to_remove_from
    from archiver.retention.prune import plan_prune, prune
    from archiver.retention.rules import open_rulebook

    state = state_folder(context.environ, config.catalog.path)
    if number is None:
        async with watched_archive(config, state_folder=state) as archive:
            rules = await open_rulebook(config, archive, state)
            plan = await plan_prune(archive, rules, clock=system_clock)
            return plan, rules, None, (await archive.catalog.head()).digest
    async with archive_to_remove_from(
        config, "prune", state_folder=state, clock=system_clock, today=today
    ) as archive:
        await require_right_clock(archive, system_clock, today=today)
        act = name_of_act(system_clock())
        rules = await open_rulebook(config, archive, state)
        plan, removed = await prune(
            archive,
            rules,
            number,
            clock=system_clock,
            act=act,
            deed=deed_of(Did.PRUNE, why, recordings=number),
        )
        await attested(archive, config, context.console)
        return plan, rules, removed, (await archive.catalog.head()).digest


def _as_json(
    plan: "PrunePlan", rules: "Rulebook", removed: int | None, head: str | None
) -> dict[str, Any]:
    return {
        "keepSeconds": _seconds(rules, 0),
        "before": stamp(plan.before),
        "recordings": len(plan.record_ids),
        "bytes": plan.size,
        "oldest": stamp_or_none(plan.oldest),
        "newest": stamp_or_none(plan.newest),
        "byMonth": dict(sorted(plan.by_month.items())),
        "byLead": [
            {"leadId": lead, "recordings": count} for lead, count in plan.by_lead.most_common(100)
        ],
        "byRule": [
            {
                "rule": number,
                "name": rules.name(number),
                "keepSeconds": _seconds(rules, number),
                "recordings": len(plan.by_rule.get(number, ())),
                "recordIds": plan.by_rule.get(number, [])[:_MOST_IDS],
                "younger": plan.kept_by_rule[number],
            }
            for number in range(len(rules.rules) + 1)
        ],
        "kept": {cause: plan.kept[cause] for cause in _KEPT},
        "damaged": sorted(plan.damaged),
        "nextUnlockAt": stamp_or_none(plan.next_at),
        "younger": plan.younger,
        "removed": removed,
        "ledgerHead": head,
    }


def _seconds(rules: "Rulebook", number: int) -> int | None:
    keep = rules.term(number).keep
    return None if keep is None else int(keep.total_seconds())


def _lines(
    plan: "PrunePlan", rules: "Rulebook", removed: int | None, head: str | None, zone: tzinfo
) -> list[str]:
    lines = [
        *_past_lines(plan, rules, zone),
        f"{sized(len(plan.record_ids), 'recording', 'recordings')} can be deleted "
        f"({say_size(plan.size)})",
    ]
    if plan.oldest and plan.newest:
        lines += [
            f"{'':13}created {say_moment(plan.oldest, zone)} to {say_moment(plan.newest, zone)}",
            *_most(sorted(plan.by_month.items()), "month"),
            *_most([(f"lead {lead}", n) for lead, n in plan.by_lead.most_common()], "lead"),
        ]
    lines += [part_line(name, plan.kept[name], _KEPT[name]) for name in _KEPT if plan.kept[name]]
    if plan.next_at is not None:
        lines.append(f"{'':15}the first lock expires {say_moment(plan.next_at, zone)}")
    lines += [f"{'':15}{key}" for key in sorted(plan.damaged)[:_MOST_SHOWN]]
    lines.append(
        f"{sized(plan.younger, 'is', 'are')} younger, and stay{'s' if plan.younger == 1 else ''}"
    )
    return [*lines, "", *_end(plan, removed, head)]


def _past_lines(plan: "PrunePlan", rules: "Rulebook", zone: tzinfo) -> list[str]:
    """What counts as old enough; with rules, what each of them lets go and keeps."""
    keep = _seconds(rules, 0)
    before = f"created and archived before {say_moment(plan.before, zone)}"
    if not rules.rules:
        return [f"Past retention.keep ({say_duration(keep or 0)}): {before}"]
    lines = [f"Past the shortest retention period: {before}"]
    for number in (*range(1, len(rules.rules) + 1), 0):
        seconds = _seconds(rules, number)
        length = "forever" if seconds is None else say_duration(seconds)
        gone, kept = len(plan.by_rule.get(number, ())), plan.kept_by_rule[number]
        lines.append(f"  {rules.name(number)}, {length}: {gone:,} can be deleted, {kept:,} kept")
    return lines


def _most(rows: list[tuple[str, int]], what: str) -> list[str]:
    shown = [f"{'':13}{name:<16}{count:>9,}" for name, count in rows[:_MOST_SHOWN]]
    rest = len(rows) - _MOST_SHOWN
    return (
        [*shown, f"{'':13}and {rest:,} more {what if rest == 1 else what + 's'}"]
        if rest > 0
        else shown
    )


def _end(plan: "PrunePlan", removed: int | None, head: str | None) -> list[str]:
    number = len(plan.record_ids)
    if removed is not None:
        return [
            f"REMOVED: {counted(removed, 'recording', 'recordings')}. Their ids and digests stay "
            "in the ledger; no run fetches them again.",
            f"Ledger head  {head}",
        ]
    if not number:
        return ["Nothing to delete now."]
    return [
        f"Nothing was deleted. To delete them permanently, run `archiver prune --remove {number}`."
    ]
