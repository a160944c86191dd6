"""Passwords that a person types, or keeps in a file: never an argument, which others can list."""

import getpass
import sys
from pathlib import Path

from archiver.errors import UsageError


def password_from_terminal(*, otherwise: str) -> str:
    """A password that was typed twice. UsageError where there is no terminal, for which
    `otherwise` is the way, and where the two differ."""
    if not sys.stdin.isatty():
        raise UsageError("no terminal to enter the password", hint=otherwise)
    try:
        password = getpass.getpass("Password: ")
        again = getpass.getpass("Repeat it: ")
    except EOFError:
        raise UsageError("no password entered", hint="try again") from None
    if password != again:
        raise UsageError("the passwords do not match; nothing was changed", hint="try again")
    return password


def password_in_file(path: Path, option: str) -> str:
    """The password in a file that only its owner can read. ConfigError for another."""
    from archiver.config.files import read_secret

    return read_secret(path, option)
