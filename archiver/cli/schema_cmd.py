"""`archiver schema`: the JSON Schema of archive.yaml, for editors."""

import argparse

from archiver.cli.context import Context
from archiver.cli.init_cmd import schema_text
from archiver.cli.parsing import Parser


def add_to(parser: Parser, common: Parser) -> None:
    """Give the command its options."""
    parser.description = (
        "Print the JSON Schema of archive.yaml, which editors use to complete and validate it. "
        "`archiver init` writes it next to archive.yaml, whose first line refers to it. After "
        "an update, write it again with `archiver schema > archive.schema.json`."
    )
    parser.set_defaults(execute=execute)


def execute(_arguments: argparse.Namespace, context: Context) -> int:
    """Print the schema; 0."""
    context.console.document(schema_text())
    return 0
