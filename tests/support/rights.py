"""Files that the account may not open, also where the tests run as root."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest


def forbids(patch: pytest.MonkeyPatch, path: Path) -> None:
    """The account may not open that file."""
    opened = os.open

    def refusing(name: Any, *others: Any, **named: Any) -> int:
        if name == str(path):
            raise PermissionError(errno.EACCES, "Permission denied", name)
        return opened(name, *others, **named)

    patch.setattr(os, "open", refusing)
