"""`archiver init`: write a commented archive.yaml, and never over another file."""

import argparse
import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path

from archiver.cli.context import Context
from archiver.cli.parsing import Parser
from archiver.config.schema import SCHEMA_NAME, schema
from archiver.errors import UsageError


def add_to(parser: Parser, common: Parser) -> None:
    """Give the command its options."""
    parser.description = (
        "Write archive.yaml (or the file given with -c) with every key, its default and a "
        "comment, and next to it archive.schema.json, which editors use to complete and "
        "validate it. Existing files are never overwritten."
    )
    parser.set_defaults(execute=execute)


def execute(_arguments: argparse.Namespace, context: Context) -> int:
    """Write the file; UsageError when it exists or cannot be written."""
    path = context.config_path
    _create(path, sample())
    described = path.parent / SCHEMA_NAME
    if not described.exists():
        _create(described, schema_text())
    steps = _steps(context.environ)
    lines = (f"  {number}. {step}" for number, step in enumerate(steps, start=1))
    context.console.result(f"Created {path}. Next steps:", *lines)
    context.console.json({"config": str(path.absolute()), "schema": str(described.absolute())})
    return 0


def _steps(environ: Mapping[str, str]) -> Iterator[str]:
    """The remaining steps; what the environment has need not be set in the file."""
    if environ.get("LINER_URL"):
        yield "set window.since to the first day (LINER_URL is set: liner.url can stay empty)"
    else:
        yield "set liner.url to the host of your Liner API, and window.since to the first day"
    if not environ.get("LINER_API_KEY"):
        yield "export LINER_API_KEY=<the integration's token>"
    yield "archiver doctor"
    yield "archiver run"


def sample() -> str:
    """The complete, commented archive.yaml that ships with the package."""
    return files("archiver").joinpath("archive.yaml").read_text(encoding="utf-8")


def schema_text() -> str:
    """The JSON Schema of archive.yaml, as the file beside it."""
    return json.dumps(schema(sample()), indent=2, ensure_ascii=False) + "\n"


def _create(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(
            f"{path} already exists; it was not changed", hint="choose another file with -c"
        ) from None
    except OSError as error:
        reason = error.strerror or "it failed"
        raise UsageError(
            f"cannot write {path}: {reason}", hint="choose a folder that you can write to"
        ) from None
