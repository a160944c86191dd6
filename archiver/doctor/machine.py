"""Checks of this machine: the configuration, the catalog's folder, disk space."""

import os
import tempfile
from pathlib import Path
from typing import Final

import anyio.to_thread

from archiver.config import Config
from archiver.config.files import is_public
from archiver.doctor.check import Check, Surroundings
from archiver.errors import ConfigError, StorageError
from archiver.sqlite.connections import is_fast_in
from archiver.text.measures import say_moment, say_size

_SPARE: Final = 2**30
"""Free bytes below which a place is worth a look: some ten thousand short calls."""
_TOO_LITTLE: Final = 2**26
"""Free bytes below which a night is likely to end early: a few long calls."""


async def try_configuration(config: Config, around: Surroundings) -> list[Check]:
    """The file was read successfully, so only what depends on the clock remains."""
    since = config.window.since
    if since is None:
        finding = "valid, but window.since is not set"
        hint = "set window.since to the first day to archive, or use --since for the first run"
        return [Check.warning("configuration", finding, hint)]
    if since > around.clock():
        raise ConfigError(
            f"window.since is in the future: {say_moment(since, config.window.timezone)}",
            hint="set it to the first day to archive",
        )
    shown = say_moment(since, config.window.timezone)
    return [Check.ok("configuration", f"valid; the first day begins at {shown}")]


async def try_secrets(config: Config, around: Surroundings) -> list[Check]:
    """No secret is readable by everyone, and the API key is the intended one."""
    path, checks = around.config_path, []
    if path is not None and await anyio.to_thread.run_sync(_tells_everybody, path, config):
        finding = f"{path} contains a secret and is readable by everyone on this machine"
        hint = f"chmod 600 {path}, or keep the secret in a separate file (liner.api_key_file, ...)"
        checks.append(
            Check.warning(
                "secrets", finding, f"{hint}; then rotate it: treat this secret as compromised"
            )
        )
    exported = around.environ.get("LINER_API_KEY", "").strip()
    if exported and exported != config.api.api_key.reveal():
        finding = (
            "LINER_API_KEY is set, but the configuration has another key, which takes precedence"
        )
        checks.append(Check.warning("secrets", finding, "if that is intended, unset LINER_API_KEY"))
    return checks or [Check.ok("secrets", "no secret is readable by everyone")]


async def try_catalog(config: Config, around: Surroundings) -> list[Check]:
    """A database can be kept at the location of the catalog."""
    folder = around.catalog_folder(config)
    hint = "set catalog.path to a writable location on a local disk"
    return [await anyio.to_thread.run_sync(try_database, folder, "catalog", hint)]


async def try_spool(config: Config, _around: Surroundings) -> list[Check]:
    """Large recordings can wait on their way to S3; a folder has its own place for them."""
    if config.storage.is_local:
        return []
    return [await anyio.to_thread.run_sync(_try_folder, config.download.spool)]


async def try_space(config: Config, around: Surroundings) -> list[Check]:
    """There is room for what will be written."""
    places = {"catalog": around.catalog_folder(config)}
    if config.storage.is_local:
        places["archive"] = Path(config.storage.url)
    else:
        places["spool"] = config.download.spool
    return [
        await anyio.to_thread.run_sync(_free, name, folder, around)
        for name, folder in places.items()
    ]


def try_database(folder: Path, name: str, hint: str) -> Check:
    """The check `name`: a small database works there, with its locks and shared memory."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        is_fast = is_fast_in(folder)
    except (OSError, StorageError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return Check.problem(name, f"{folder} cannot be used for databases: {reason}", hint)
    if not is_fast:
        return Check.warning(
            name, f"the file system of {folder} does not support fast databases (WAL)", hint
        )
    return Check.ok(name, f"{folder} can be used for databases")


def _tells_everybody(path: Path, config: Config) -> bool:
    """Whether a secret is in the file in plain text, and everyone can read the file."""
    proxy = config.http.proxy.https
    secrets = (
        config.api.api_key.reveal(),
        *(one.reveal() for one in (config.notices.webhook, config.notices.heartbeat) if one),
        *((proxy.login,) if proxy and proxy.login else ()),
    )
    try:
        with path.open("rb") as file:
            text = file.read().decode("utf-8", "replace") if is_public(file) else ""
    except OSError:  # it was read a moment ago, and is gone
        return False
    return any(one in text for one in secrets)


def _try_folder(spool: Path) -> Check:
    try:
        with tempfile.TemporaryFile(dir=spool) as file:
            file.write(b"tried")
    except OSError as error:
        finding = f"{spool} is not writable: {error.strerror}"
        hint = "set download.spool to an existing folder that you can write to"
        return Check.problem("spool", finding, hint)
    return Check.ok("spool", f"{spool} can be used as spool")


def _free(name: str, folder: Path, around: Surroundings) -> Check:
    title = f"space ({name})"
    there = next(place for place in (folder, *folder.parents) if os.path.exists(place))  # noqa: PTH110
    try:
        free = around.free_bytes(there)
    except OSError as error:
        return Check.warning(title, f"unknown: {error.strerror}", f"check {there}")
    said = f"{say_size(free)} free for {folder}"
    if free < _TOO_LITTLE:
        return Check.problem(title, said, "free some disk space, or choose another location")
    if free < _SPARE:
        return Check.warning(title, said, "free some disk space before it runs out")
    return Check.ok(title, said)
