"""`archiver completion`: complete commands and options in a shell."""

import argparse
from typing import Any, Final

from archiver.cli.commands import build_parser
from archiver.cli.context import Context
from archiver.cli.parsing import Parser

_SHELLS: Final = ("bash", "zsh", "fish")
_PLACES: Final = frozenset({"FILE", "PATH"})
"""The metavars of options that take a file name."""


def add_to(parser: Parser, common: Parser) -> None:
    """Give the command its options."""
    parser.description = (
        "Print a shell completion script for the commands and options of archiver. Generate it "
        "again after each update. bash: `archiver completion bash > "
        "~/.local/share/bash-completion/completions/archiver`. zsh: `archiver completion zsh > "
        "~/.zfunc/_archiver`, with ~/.zfunc in fpath before compinit. fish: `archiver "
        "completion fish > ~/.config/fish/completions/archiver.fish`."
    )
    parser.add_argument("shell", choices=_SHELLS, metavar="SHELL", help=", ".join(_SHELLS))
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Print the script; 0."""
    import shtab

    parser = build_parser(whole=True)
    _complete_files(parser, shtab.FILE)
    context.console.document(shtab.complete(parser, shell=arguments.shell))
    return 0


def _complete_files(parser: argparse.ArgumentParser, files: Any) -> None:
    """Mark every option that takes a file name, in this parser and its subparsers."""
    for action in parser._actions:
        if action.metavar in _PLACES:
            action.complete = files  # type: ignore[attr-defined]
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                _complete_files(below, files)
