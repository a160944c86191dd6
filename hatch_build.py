"""Takes the manual page into the sdist and the wheel where `.ci/manual.py` has made it."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PAGE = "build/archiver.1"


class ManualPage(BuildHookInterface[Any]):
    """Adds `archiver.1`, which pipx puts where `man` looks; a build without it works, too."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the page among the files of what is being built."""
        page = Path(self.root) / PAGE
        if not page.exists():
            return
        if self.target_name == "wheel":
            build_data["shared_data"][str(page)] = "share/man/man1/archiver.1"
        else:
            build_data["force_include"][str(page)] = PAGE
