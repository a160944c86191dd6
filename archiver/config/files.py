"""The files of the configuration: archive.yaml, a list of leads, a mounted secret.

A secret that every user of the machine can read is not secret, so such a file is rejected. The
exception is a file on a read-only mount: that is how containers get secrets (readable by all,
because the user inside is unknown, but mounted for that container alone), and its permissions could
not be changed.
"""

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

from archiver.errors import ConfigError
from archiver.text.measures import parse_id

_MOST_BYTES = 16 * 2**20
_MOST_SECRET_BYTES = 64 * 2**10


def read_text(path: Path, name: str) -> str:
    """The file as UTF-8 text; ConfigError, which calls it `name`, when it cannot be read."""
    data = _read(path, name, _MOST_BYTES)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"{name}, line {line}: is not UTF-8", hint=f"save {path} as UTF-8 text"
        ) from None


def read_ids(path: Path, key: str) -> tuple[int, ...]:
    """One id a line, each kept once; empty lines and what follows a `#` do not count."""
    name = f"{key}: {path}"
    ids: dict[int, None] = {}
    for number, line in enumerate(read_text(path, name).splitlines(), start=1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        try:
            ids[parse_id(text)] = None
        except ValueError as error:
            raise ConfigError(
                f"{name}, line {number}: {error}", hint="write one id per line, and nothing else"
            ) from None
    if not ids:
        raise ConfigError(f"{name} contains no lead ids", hint="write one id per line")
    return tuple(ids)


def read_secret(path: Path, key: str) -> str:
    """The secret in a file, without white space around it; it may be empty.

    Raises ConfigError for a file that everyone on this machine can read, unless it is mounted
    read-only.
    """
    data = _read(path, f"{key}: {path}", _MOST_SECRET_BYTES, check=_refuse_public)
    try:
        return data.decode("ascii").strip()
    except UnicodeDecodeError:
        raise ConfigError(
            f"{key}: {path} is not plain ASCII",
            hint="the file must contain only the secret, in ASCII characters",
        ) from None


def state_folder(environ: Mapping[str, str], catalog: Path | None) -> Path:
    """The user's folder for catalogs: `archiver` in XDG_STATE_HOME or in ~/.local/state.

    If neither is known (a service without HOME), the folder of `catalog`, which is `catalog.path`:
    files that belong next to a catalog are there then. A relative XDG_STATE_HOME counts as unset
    (XDG Base Directory Specification). Raises ConfigError if there is no such folder.
    """
    state = Path(environ.get("XDG_STATE_HOME") or ".")
    if not state.is_absolute():
        home = Path(environ.get("HOME") or ".")
        if not home.is_absolute() and catalog is not None:
            return catalog.absolute().parent
        if not home.is_absolute():
            raise ConfigError(
                "cannot determine a folder for the catalog: neither XDG_STATE_HOME nor HOME is set",
                hint="set catalog.path, or HOME",
            )
        state = home / ".local" / "state"
    return state / "archiver"


def is_public(file: BinaryIO) -> bool:
    """Whether everyone on this machine can read an open file, other than on a read-only mount."""
    everybody = os.fstat(file.fileno()).st_mode & stat.S_IROTH
    return bool(everybody) and not os.fstatvfs(file.fileno()).f_flag & os.ST_RDONLY


def _refuse_public(file: BinaryIO, path: Path, name: str) -> None:
    if is_public(file):
        raise ConfigError(
            f"{name} is readable by everyone on this machine",
            hint=f"chmod 600 {path} (or 640 for a group), then rotate it: treat this secret as "
            "compromised",
        )


def _read(
    path: Path,
    name: str,
    most: int,
    check: Callable[[BinaryIO, Path, str], None] = lambda file, path, name: None,
) -> bytes:
    try:
        with path.open("rb") as file:
            check(file, path, name)
            data = file.read(most + 1)
    except FileNotFoundError:
        raise ConfigError(
            f"{name} does not exist", hint=f"create {path}, or correct the path"
        ) from None
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise ConfigError(
            f"cannot read {name}: {reason}",
            hint=f"make {path} readable for this user",
        ) from None
    if len(data) > most:
        raise ConfigError(f"{name} is larger than {most // 1024} KiB", hint=f"make {path} smaller")
    return data
