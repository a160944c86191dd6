"""The command line of a child process that runs a module of this package."""

import sys
from pathlib import Path

import archiver


def child_command(module: str) -> list[str]:
    """A Python that calls `main` of that module, with the same packages as this one.

    Not from the folder in which Python was started: anyone may have put modules there.
    """
    boot = f"import sys; sys.path.append(sys.argv[1]); from {module} import main; main()"
    return [sys.executable, "-P", "-c", boot, str(Path(archiver.__file__).parent.parent)]
