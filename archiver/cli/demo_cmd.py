"""`archiver demo`: the sandbox, a run, and the desk for the result."""

import argparse
import json
import shlex
import socket
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio
from msgspec.structs import replace

from archiver.cli.context import Context
from archiver.cli.parsing import Parser
from archiver.clock import system_clock
from archiver.config import (
    Config,
    DeskConfig,
    LinerConfig,
    StorageConfig,
    WindowConfig,
    state_folder,
)
from archiver.errors import UsageError
from archiver.extras import extra
from archiver.secrets import Secret
from archiver.storage.keys import FORMAT_KEY

if TYPE_CHECKING:
    from archiver.run.report import RunReport
    from archiver.sandbox.stage import Stage

_EVIDENCE: Final = FORMAT_KEY.partition("/")[0]
_SHOWN_FOLDERS: Final = 4
_REQUESTS_PER_SECOND: Final = 500.0
_HOST: Final = "127.0.0.1"
_PORT: Final = 8080
_FOLDER: Final = Path("demo-archive")


def add_to(parser: Parser, common: Parser) -> None:
    """Give the command its options."""
    parser.description = (
        "Serve the sample calls of the sandbox, archive them, and serve the QA desk for the "
        "result until Ctrl-C. No configuration is needed. It can be repeated: nothing is "
        "fetched twice."
    )
    parser.add_argument(
        "--dir",
        type=Path,
        default=_FOLDER,
        metavar="PATH",
        help="the folder for the demo archive (default: ./%(default)s)",
    )
    parser.add_argument("--no-serve", action="store_true", help="exit after the run")
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace, context: Context) -> int:
    """Archive the sandbox's calls, then serve the desk until interrupted.

    UsageError if the folder contains anything but a demo archive, ExtraMissing if the desk is
    wanted and not installed.
    """
    from archiver.cli.running import finish
    from archiver.sandbox.stage import stage_for

    folder = arguments.dir.absolute()
    stage = stage_for(system_clock())
    _refuse_foreign(folder, stage.leads)
    if not arguments.no_serve:
        with extra("desk"):  # before the run, so that a missing desk is reported at once
            import_module("archiver.web.serving")
    context.console.say(f"archiving the sample calls of the sandbox into {folder}")
    report, config = anyio.run(_run, folder, stage, context)
    code = finish(report, config, context)
    if code == 0 and not context.console.json_mode:
        context.console.result("", *_tour(folder), "", *_next_steps(arguments))
    if report is not None and not arguments.no_serve:
        return _serve(config, context)
    return code


async def _run(folder: Path, stage: "Stage", context: Context) -> tuple["RunReport | None", Config]:
    """The report of a run with the sandbox, which serves during the run only."""
    from archiver.cli.running import run_with_progress
    from archiver.run.request import RunRequest
    from archiver.sandbox.server import Sandbox

    async with Sandbox(stage.world) as sandbox:
        config = Config(
            liner=LinerConfig(
                url=sandbox.url,
                api_key=Secret(sandbox.key),
                requests_per_second=_REQUESTS_PER_SECOND,
            ),
            window=WindowConfig(since=stage.since),
            storage=StorageConfig(url=str(folder)),
        )
        state = state_folder(context.environ, config.catalog.path)
        # Where a demo was before, its calls are listed again: none is fetched twice.
        was_here = await anyio.Path(folder / FORMAT_KEY).exists()
        request = RunRequest(since=stage.since) if was_here else RunRequest()
        report = await run_with_progress(config, request, context.console, state)
    return report, config


def _serve(config: Config, context: Context) -> int:
    """The desk for this machine only, regardless of users for another archive."""
    from archiver.cli.serve_cmd import keep_serving

    listener = _listener(context)
    desk = DeskConfig(
        users=state_folder(context.environ, config.catalog.path) / "demo" / "users.yaml"
    )

    def announce(url: str) -> None:
        context.console.say(f"QA desk with the sample calls: {url} (press Ctrl-C to stop)")

    return keep_serving(replace(config, desk=desk), _HOST, listener, context, announce)


def _listener(context: Context) -> socket.socket:
    """The usual port, or any other if it is in use."""
    with extra("desk"):
        from archiver.web.serving import listening

    try:
        return listening(_HOST, _PORT)
    except UsageError as error:
        context.console.say(f"{error}; any other port works for the demo")
        return listening(_HOST, 0)


def _refuse_foreign(folder: Path, leads: frozenset[str]) -> None:
    """Refuse a folder that is neither empty nor the archive of an earlier demo."""
    try:
        names = {entry.name for entry in folder.iterdir()}
    except FileNotFoundError:
        return
    except OSError as error:
        raise UsageError(
            f"cannot read the folder {folder}: {error.strerror}",
            hint="choose another folder with --dir",
        ) from None
    if names and (_EVIDENCE not in names or names - leads - {_EVIDENCE}):
        raise UsageError(
            f"{folder} contains something other than a demo archive",
            hint="choose a new or empty folder with --dir",
        )


def _tour(folder: Path) -> list[str]:
    """The tree of the archive, shortened, and one sidecar."""
    recordings = sorted(
        (path for path in folder.iterdir() if path.name != _EVIDENCE), key=lambda path: path.name
    )
    lines = [f"{folder}/", *_branches(folder / _EVIDENCE)]
    for lead in recordings[:_SHOWN_FOLDERS]:
        lines += _branches(lead)
    if len(recordings) > _SHOWN_FOLDERS:
        lines.append(f"  and {len(recordings) - _SHOWN_FOLDERS} more leads")
    for sidecar in sorted(folder.glob("[0-9]*/*/*.json"))[:1]:
        lines += ["", f"{sidecar.relative_to(folder)}, the sidecar of one recording:"]
        lines += _indented(json.loads(sidecar.read_bytes()))
    return lines


def _next_steps(arguments: argparse.Namespace) -> list[str]:
    """What to try after the demo; the desk only if it is not started anyway."""
    same = "" if arguments.dir == _FOLDER else f" --dir {shlex.quote(str(arguments.dir))}"
    steps = {
        "archiver sandbox": "try all other commands: it prints how",
        "archiver init": "archive your own calls",
    }
    if arguments.no_serve:
        steps = {f"archiver demo{same}": "listen to these calls in the QA desk"} | steps
    width = max(map(len, steps))
    return ["Next steps:", *(f"  {command:<{width}}  {what}" for command, what in steps.items())]


def _branches(folder: Path) -> Iterator[str]:
    yield f"  {folder.name}/"
    root = folder.parent
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            shown = path.relative_to(root).as_posix().removeprefix(f"{folder.name}/")
            yield f"    {shown}  ({path.stat().st_size:,} bytes)"


def _indented(sidecar: dict[str, Any]) -> list[str]:
    text = json.dumps(sidecar, indent=2, ensure_ascii=False)
    return [f"  {line}" for line in text.splitlines()]
