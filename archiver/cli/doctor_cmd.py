"""`archiver doctor`: check everything before runs are scheduled."""

import argparse
from typing import TYPE_CHECKING, Final

import anyio

from archiver.cli.context import Context
from archiver.cli.parsing import Parser
from archiver.config import Config
from archiver.console import Console
from archiver.errors import ConfigError

if TYPE_CHECKING:
    from archiver.doctor import Check, Surroundings

_LONGEST_NAME: Final = len("storage: create-only writes in a race")


def add_to(parser: Parser, common: Parser) -> None:
    """Give the command its options."""
    parser.description = (
        "Check configuration, API and key, clock, storage permissions and features, free space "
        "and catalog, one after another, and continue after a failure."
    )
    parser.set_defaults(execute=execute)


def execute(_arguments: argparse.Namespace, context: Context) -> int:
    """Print one line per check; 0 if no check found a problem, else the code of the first problem.

    That is 2 for the configuration, and 5 otherwise.
    """
    from archiver.doctor import Check, Surroundings

    console = context.console
    try:
        config = context.load_config()
    except ConfigError as error:
        checks = [Check.failed("configuration", each) for each in (error, *error.others)]
        for check in checks:
            _say(console, check)
    else:
        around = Surroundings.of(context.environ, context.config_path)
        checks = anyio.run(_examine, config, around, console)
    console.result("", _summary(checks))
    problems = [check for check in checks if check.is_problem]
    console.json({"ok": not problems, "checks": [check.as_json() for check in checks]})
    return problems[0].exit_code if problems else 0


async def _examine(config: Config, around: "Surroundings", console: Console) -> "list[Check]":
    from archiver.doctor import examine

    checks: list[Check] = []
    async for check in examine(config, around):
        checks.append(check)
        _say(console, check)
    return checks


def _say(console: Console, check: "Check") -> None:
    mark = check.verdict.upper() if check.is_problem else check.verdict
    console.result(f"{mark:<8} {check.name:<{_LONGEST_NAME}}  {check.finding}")
    if check.hint:
        console.result(f"{'':<8} {'':<{_LONGEST_NAME}}  next: {check.hint}")


def _summary(checks: "list[Check]") -> str:
    problems = sum(check.is_problem for check in checks)
    looks = sum(check.verdict == "warning" for check in checks)
    if problems:
        return f"Problems found: {problems}. Fix them before you schedule runs."
    if looks:
        return f"Ready to run, with warnings: {looks}."
    return "All checks passed."
