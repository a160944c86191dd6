"""The real command line over a sandbox in a thread: started, watched, killed, completed.

Only what is sent a signal or killed needs a process of its own; `run` does without.
"""

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from archiver.archive.pace import Pace
from archiver.sandbox.model import Source
from archiver.sandbox.server import Sandbox, sandbox_thread
from tests.cli.commands import Ended, archiver, started
from tests.support.crews import CREW
from tests.support.witness import Witness
from tests.support.world import QUICK

RECENTLY = datetime.now(UTC).replace(microsecond=0) - timedelta(days=2)
"""Commands have the clock of the machine, so calls happen lately."""


@dataclass
class Command:
    """`archiver` in a folder of its own, configured for one sandbox."""

    sandbox: Sandbox
    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)
    module: str = "archiver"
    pace: Pace = QUICK

    @property
    def archive(self) -> Witness:
        return Witness(self.folder / "archive")

    def configure(self) -> None:
        document: dict[str, Any] = {
            "liner": {"url": self.sandbox.url, "requests_per_second": 10_000},
            "window": {"since": f"{RECENTLY - timedelta(days=1):%Y-%m-%d}"},
            "storage": {"url": str(self.folder / "archive")},
            "inspect": {"after_run": False},
        }
        for section, members in self.settings.items():
            document[section] = document.get(section, {}) | members
        CREW.configure(document, self.sandbox.key)
        (self.folder / "archive.yaml").write_text(json.dumps(document))

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """A command as a process of its own."""
        self.configure()
        environ = self._environ()
        return started(*arguments, folder=self.folder, environ=environ, module=self.module)

    def run(self, *arguments: str) -> Ended:
        """`archiver run --json` with more arguments, to its end."""
        return self.here("run", "--json", *arguments)

    def here(self, *arguments: str) -> Ended:
        """Any command, to its end, within this process, where retries need not wait."""
        self.configure()
        environ = self._environ()
        return archiver(*arguments, folder=self.folder, environ=environ, pace=self.pace)

    def _environ(self) -> dict[str, str]:
        return {
            "XDG_STATE_HOME": str(self.folder / "state"),
            "LINER_API_KEY": self.sandbox.key,
            **self.environ,
        }


@contextmanager
def command(folder: Path, world: Source, **sandbox: Any) -> Iterator[Command]:
    """A sandbox over the world and the command line beside it."""
    with sandbox_thread(Sandbox(world, **sandbox)) as server:
        yield Command(server, folder)
