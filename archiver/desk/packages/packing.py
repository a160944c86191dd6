"""Creates the requested packages, one after the other, and removes expired ones.

Packing reads, hashes and compresses gigabytes, so it is done in a separate process: it does not
slow down the desk, and its failures do not end the desk. What a killed desk had begun is started
again by the next one; a file in the folder without an order is removed.

The password of a package is in the memory of the desk from the request until the package is made,
and goes to the process through its input: it is in no file, no argument and no environment. What
waits for a password when the desk ends cannot be made any more.
"""

import json
import logging
import os
import pickle
import stat
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from archiver.config import Config
from archiver.desk.accounts.person import Person
from archiver.desk.packages.orders import Order, Orders, Packed, Stage, Wish
from archiver.errors import ArchiverError, StorageRefused
from archiver.secrets import Secret

_LOG: Final = logging.getLogger(__name__)
_LOOK_EVERY: Final = 60.0
"""Seconds between two searches for expired packages."""

PASSWORD_LOST: Final = "password-lost"  # noqa: S105 - the word for a problem
"""The desk ended before the package was made; it had the password in memory only."""

LENGTH_BYTES: Final = 8
"""The length of the job that precedes it on the packing process's input."""


@dataclass(frozen=True, slots=True)
class Job:
    """The input of the packing process: where the archive and this machine's state are, and which
    file to create for which order."""

    config: Config
    state_folder: Path
    path: Path
    order: Order
    password: Secret | None


class Packing:
    """The folder of packages, and the processes that create them.

    `pack` is the command of such a process. It reads a job from its input (the length, then the
    pickled job), which stays open as long as the package is wanted, and writes `bytes`,
    `manifestSha256` and `missing`, or the `problem`, as one JSON object.
    """

    def __init__(
        self,
        orders: Orders,
        config: Config,
        folder: Path,
        state_folder: Path,
        pack: Sequence[str],
    ) -> None:
        self._orders = orders
        self._config = config
        self._folder = folder
        self._state_folder = state_folder
        self._pack = pack
        self._changed = anyio.Event()
        self._current: tuple[int, anyio.CancelScope] | None = None
        self._passwords: dict[int, Secret] = {}
        self._handing_over = anyio.Lock()

    @property
    def keep(self) -> timedelta:
        """How long a package can be downloaded."""
        return self._config.desk.keep_exports

    def path(self, order: Order) -> Path:
        """The path of a package's file."""
        return self._folder / order.file_name

    async def written(self, order: Order) -> int:
        """The bytes written so far of a package in progress."""
        return await anyio.to_thread.run_sync(_bytes_in_parts, self._folder, order.file_name)

    async def ask(self, by: Person, wish: Wish, token: str, password: Secret | None = None) -> int:
        """Request a package, which is encrypted with that password; returns its number. Raises what
        `Orders.ask` raises."""
        async with self._handing_over:  # no order is begun before its password is known
            order = replace(wish, has_password=password is not None)
            package_id = await self._orders.ask(by, order, token)
            if password is not None:
                self._passwords.setdefault(package_id, password)
        await self.look()
        return package_id

    async def look(self) -> None:
        """Check the orders now: one was added or removed."""
        for package_id in list(self._passwords):
            if await self._orders.stage(package_id) not in (Stage.WAITING, Stage.WORKING):
                self._passwords.pop(package_id, None)
        if self._current is not None:
            package_id, scope = self._current
            if not await self._is_wanted(package_id):
                scope.cancel()
        self._changed.set()

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Create packages while the context lasts. StorageRefused if the folder cannot be
        created."""
        await anyio.to_thread.run_sync(_make_private, self._folder)
        await self._orders.begin_again()
        async with anyio.create_task_group() as around:
            around.start_soon(self._work)
            try:
                yield
            finally:
                _stop(around)

    async def _work(self) -> None:
        while True:
            self._changed = anyio.Event()
            try:
                await self._tidy()
                async with self._handing_over:
                    order = await self._orders.next()
                if order is not None:
                    await self._make(order)
                    continue
            except ArchiverError as error:  # a full disk must not end the desk
                _LOG.warning("exports: %s", error)
            with anyio.move_on_after(_LOOK_EVERY):
                await self._changed.wait()

    async def _make(self, order: Order) -> None:
        password = self._passwords.pop(order.package_id, None)
        if order.wish.has_password and password is None:
            await self._orders.finish(order.package_id, PASSWORD_LOST)
            return
        job = Job(self._config, self._state_folder, self.path(order), order, password)
        with anyio.CancelScope() as scope:
            self._current = order.package_id, scope
            try:
                done = await _packed(self._pack, job)
            finally:
                self._current = None
            await self._orders.finish(order.package_id, done)

    async def _tidy(self) -> None:
        await self._orders.expire(self.keep)
        kept = await self._orders.files()
        await anyio.to_thread.run_sync(_remove_others, self._folder, kept)

    async def _is_wanted(self, package_id: int) -> bool:
        return await self._orders.stage(package_id) is Stage.WORKING


async def _packed(command: Sequence[str], job: Job) -> Packed | str:
    """The result of the packing process; a message if it cannot be read."""
    data = pickle.dumps(job)
    said = bytearray()
    try:
        async with await anyio.open_process(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=None
        ) as process:
            assert process.stdin is not None and process.stdout is not None  # noqa: S101
            await process.stdin.send(len(data).to_bytes(LENGTH_BYTES, "big") + data)
            async for chunk in process.stdout:
                said += chunk
        told = json.loads(said)
        if "problem" in told:
            return str(told["problem"])
        return Packed(told["bytes"], told["manifestSha256"], told["missing"])
    except (OSError, ValueError, KeyError, anyio.BrokenResourceError) as error:
        _LOG.warning("export %d: %s", job.order.package_id, error)
        return "the process that created it ended unexpectedly"


def _stop(group: TaskGroup) -> None:
    group.cancel_scope.cancel()


def _make_private(folder: Path) -> None:
    """The folder, which no one else on this machine can read: it contains copies of recordings."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(stat.S_IRWXU)
    except OSError as error:
        raise StorageRefused(
            f"cannot use {folder} for exports: {error.strerror}",
            hint="check the permissions of the folder, or set desk.exports to another one",
        ) from error


def _remove_others(folder: Path, kept: set[str]) -> None:
    """Remove the files of expired packages, and remains of a kill.

    Only files with names of packages and their parts: the folder may be one that was configured.
    """
    with suppress(OSError):
        for entry in os.scandir(folder):
            is_ours = entry.name.startswith("export-") and entry.name.endswith((".zip", ".zip.age"))
            is_part = entry.name.startswith(".export-") and entry.name.endswith(".part")
            if (is_ours and entry.name not in kept) or is_part:
                with suppress(OSError):
                    Path(entry.path).unlink()


def _bytes_in_parts(folder: Path, name: str) -> int:
    total = 0
    for part in folder.glob(f".{name}.*.part"):
        with suppress(OSError):
            total += part.stat().st_size
    return total
