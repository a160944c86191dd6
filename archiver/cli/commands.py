"""The commands: their names, summaries and modules.

Only the command in use is imported: `archiver --version` loads no HTTP client, and `archiver
status` no web server.
"""

from collections.abc import Sequence
from functools import partial
from importlib import import_module
from typing import Final, NamedTuple

from archiver import __version__
from archiver.cli.parsing import Parser, common_options


class Command(NamedTuple):
    """One command; the module `archiver.cli.<name>_cmd` has its options and its work."""

    name: str
    summary: str

    def add_to(self, parser: Parser, common: Parser) -> None:
        """Give the parser of this command its options and its function."""
        import_module(f"archiver.cli.{self.name}_cmd").add_to(parser, common)


COMMANDS: Final[Sequence[Command]] = (
    Command("init", "write a commented archive.yaml"),
    Command("doctor", "check everything that a run depends on"),
    Command("run", "archive new recordings and report what is missing"),
    Command("status", "show the balance of the archive by day, order and agent, and what is open"),
    Command("report", "write the statement of a month as a page to print or hand over"),
    Command("export", "export calls as one package to hand over"),
    Command("table", "write one table of all recordings and calls, for other programs"),
    Command("verify", "read the archive back and report all damage"),
    Command("inspect", "check recordings for silence, a dead channel, clipping or noise"),
    Command("reindex", "rebuild the catalog from the archive alone"),
    Command("hold", "place, list and lift legal holds"),
    Command(
        "prune", "list recordings past their retention period; delete them with --remove COUNT"
    ),
    Command("erase", "erase all data of one person"),
    Command("lock", "apply the configured Object Lock to objects that are not locked"),
    Command("replicate", "copy the archive to a second location, or restore it from there"),
    Command("key", "create and rotate the signing key of the ledger; sign now"),
    Command("user", "manage the users of the QA desk"),
    Command("serve", "serve the QA desk: search, listen, review"),
    Command("sandbox", "serve an embedded Liner API with sample calls"),
    Command("demo", "run sandbox, archiver and desk in one command, with sample calls"),
    Command("schema", "print the JSON Schema of archive.yaml, for editors"),
    Command("completion", "print a completion script for bash, zsh or fish"),
)
"""In the order in which new users need them."""


def build_parser(*, whole: bool = False) -> Parser:
    """The command line, one subparser per command, which gets its options when it is used.

    With `whole` every command has them at once, for documentation.
    """
    common = common_options()
    parser = Parser(
        prog="archiver",
        description="Archives the call recordings of a Liner call centre, completely and "
        "verifiably.",
        epilog="Exit codes: 0 complete, 1 a bug in archiver, 2 usage or configuration error, 3 "
        "something is open or missing, 4 damage found, 5 access denied or source "
        "unreachable, 6 locked by another run, 130 interrupted.",
        parents=[common],
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"archiver {__version__}")
    parser._positionals.title = "commands"
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for command in COMMANDS:
        added = commands.add_parser(
            command.name,
            help=command.summary,
            parents=[common],
            allow_abbrev=False,
            fill=partial(command.add_to, common=common),
        )
        if whole:
            added.filled()
    return parser
