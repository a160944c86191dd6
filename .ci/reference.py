"""Makes docs/reference.md from the program itself: .ci/reference.py docs/reference.md

Commands and options come from the parser, keys from the schema of archive.yaml, metrics from what
is exposed. So the page cannot lag behind; a test compares it.
"""

import argparse
import json
import re
import sys
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from archiver.catalog.readonly import Vitals
from archiver.cli.commands import build_parser
from archiver.cli.parsing import common_options
from archiver.monitoring.history import Memory
from archiver.monitoring.metrics import exposition
from archiver.monitoring.replications import Replicated
from archiver.monitoring.verifications import Verification, Verifications

TOP: Final = Path(__file__).parent.parent

LOG_EVENTS: Final[Mapping[str, str]] = {
    "run-started": "a run began; every line after it has its `runId`",
    "not-archived": "a call or a recording was not archived: its ids, `state` and `reason`",
    "retry": "a request failed and is tried again: `attempt` of `attempts`, after `waitSeconds`",
    "run-ended": "a run ended: `exitCode`, `seconds`, and the sums of its report",
    "delivered": "a notice arrived: `notice` names which",
    "undelivered": "a notice did not arrive",
    "trouble": "notices, metrics or the history of runs could not be written",
    "note": "a line that people would read",
    "error": "the command failed: `code`, `message`, `hint`",
}

EXIT_CODES: Final[Mapping[int, str]] = {
    0: "complete: everything listed is accounted for, and nothing is open",
    1: "a bug in archiver",
    2: "usage or configuration",
    3: "finished, but something is waiting, failed or newly gone",
    4: "damage found in the archive",
    5: "access refused, or the source or the storage is unreachable",
    6: "another run has locked the archive",
    130: "interrupted; everything done so far is recorded",
}


def reference() -> str:
    """The whole page."""
    parts = [
        ["# Reference", "", "Made from the program by `.ci/reference.py`; do not edit it by hand."],
        ["## Options of every command", "", *_options(common_options())],
        ["## Commands", *_commands(build_parser(whole=True))],
        ["## Exit codes", "", *_table("code", "meaning", EXIT_CODES.items())],
        ["## Configuration", "", _CONFIGURATION, "", *_table("key", "meaning", _keys())],
        ["## Metrics", "", _METRICS, "", *_table("metric", "meaning", _metrics())],
        ["## Log events", "", _LOG, "", *_table("event", "meaning", LOG_EVENTS.items())],
    ]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


_CONFIGURATION: Final = (
    "The keys of `archive.yaml`. The sample that `archiver init` writes has their defaults;"
    " `archiver schema` prints their form."
)
_METRICS: Final = "What `metrics.textfile` and `metrics.listen` expose."
_LOG: Final = (
    "The `event` of each line of `--log json`. Every line has `at` (UTC, with milliseconds) and"
    " `level` (`info`, `warning` or `error`)."
)


def _commands(parser: argparse.ArgumentParser) -> Iterator[str]:
    shared = {name for action in common_options()._actions for name in action.option_strings}
    for name, command in _below(parser):
        yield from ("", f"### archiver {name}", "", _cell(command.description or ""))
        rows = [*_options(command, without=shared)]
        if rows:
            yield from ("", *rows)


def _below(
    parser: argparse.ArgumentParser, path: str = ""
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every command below the parser, with its own commands behind it."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                yield (f"{path}{name}", command)
                yield from _below(command, f"{path}{name} ")


def _options(parser: argparse.ArgumentParser, without: Collection[str] = ()) -> Iterator[str]:
    rows = [
        (_spelled(action), action.help or "")
        for action in parser._actions
        if not isinstance(action, argparse._HelpAction | argparse._SubParsersAction)
        and not set(action.option_strings) & set(without)
    ]
    return _table("option", "meaning", rows) if rows else iter(())


def _spelled(action: argparse.Action) -> str:
    value = action.metavar or (
        "|".join(map(str, action.choices)) if action.choices else action.dest.upper()
    )
    value = value if isinstance(value, str) else " ".join(value)
    if not action.option_strings:
        return f"`{value}`"
    takes = "" if action.nargs == 0 else f" {value}"
    return ", ".join(f"`{name}{takes}`" for name in action.option_strings)


def _keys() -> Iterator[tuple[str, str]]:
    schema = json.loads((TOP / "archive.schema.json").read_text("utf-8"))
    return _keys_below(schema, "")


def _keys_below(schema: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    for name, member in schema.get("properties", {}).items():
        if "properties" in member:
            yield from _keys_below(member, f"{path}{name}.")
        else:
            yield f"`{path}{name}`", member.get("description", "")


def _metrics() -> Iterator[tuple[str, str]]:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    memory = Memory(exit_code=0, runs={"0": 1})
    for name in memory.__struct_fields__:
        if name.endswith("_at"):  # what never happened has no metric
            setattr(memory, name, now)
    verified = Verifications(Verification(now, now, "all", 0), {"all": now})
    memory.verifications = memory.replica_verifications = verified
    memory.replication = Replicated(now, current_at=now)
    text = exposition(memory, Vitals({"none": 1}, {"gone": 1}, 0, None, 0, 0), now).decode()
    helps = dict(re.findall(r"^# HELP (\w+) (.*)$", text, re.MULTILINE))
    for name, kind in re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE):
        if not name.endswith("_created"):
            yield f"`{name}`", f"{helps.get(name, '')} ({kind})"


def _table(first: str, second: str, rows: Any) -> Iterator[str]:
    yield f"| {first} | {second} |"
    yield "|---|---|"
    for key, meaning in rows:
        yield f"| {_cell(str(key))} | {_cell(meaning)} |"


def _cell(text: str) -> str:
    return " ".join(text.replace("%%", "%").split()).replace("|", "\\|")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(reference(), encoding="utf-8")
