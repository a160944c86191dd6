"""Who does something to an archive, and under which name the ledger knows it."""

import getpass
import os
import secrets
import socket
from datetime import datetime

from archiver.clock import stamp


def name_of_act(now: datetime) -> str:
    """A name of its own for whatever writes to the ledger, made as those of runs are."""
    return f"{stamp(now).replace('-', '').replace(':', '')}-{secrets.token_hex(3)}"


def person() -> str:
    """Who is at the keyboard, as far as the machine knows: `user@host`."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container without a name for its user
        user = f"user {os.getuid()}"
    return f"{user}@{socket.gethostname()}"
