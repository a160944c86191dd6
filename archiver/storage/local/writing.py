"""Puts into a folder, a group at a time, so that they share their syncs.

A put takes these steps, each for a reason:

1. every folder on the way exists and is durable: its parent has been synced since it was created.
   Folders known to be durable are remembered, so a second put into a folder costs nothing;
2. the bytes are written to a part file under `_archive/tmp/`, on the same file system, and synced:
   a name must never be durable before the bytes are. A body spooled on this file system is synced
   in place;
3. the part file is linked to its final name, which fails if the name is taken (`disk.publish`);
4. the part's own name is removed, and the folder is synced.

There are two syncs in this: after the bytes, and after the name. Each put is a generator that stops
where it needs one; all puts of a group are brought to that point, then one sync serves them all.

A kill between any two steps leaves at most part files. The digest of a body is not computed again:
its writer hashed the same bytes as they went by, and its length is compared with what the
file system holds after the sync.
"""

import errno
import os
import stat
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from secrets import token_hex
from typing import TypeAlias

from archiver.errors import KeyExists, StorageError, StorageRefused
from archiver.storage.base import Body, ObjectInfo
from archiver.storage.keys import TMP_PREFIX
from archiver.storage.local import disk
from archiver.storage.local.syncing import Syncing, Target

# About 100 bytes a folder, so that an archive of millions is not remembered whole.
KNOWN_FOLDERS = 8192
# How often a put starts over because an empty folder or part file was removed meanwhile.
ATTEMPTS = 4

_PARTS_FOLDER = TMP_PREFIX.removesuffix("/")

_Steps: TypeAlias = Generator[list[Target], None, ObjectInfo]


@dataclass(frozen=True, slots=True, eq=False)
class Put:
    """What is to be put where; `replacing` as in `Storage.put`."""

    key: str
    body: Body
    replacing: str | None = None


class _UnderWay:
    """A put on its way: what it wants to be synced now, or how it ended."""

    def __init__(self, steps: _Steps) -> None:
        self.steps = steps
        self.wants: Sequence[Target] = ()
        self.ended: ObjectInfo | Exception = RuntimeError("a put has not ended")
        self._lost: OSError | None = None

    def goes_on(self) -> bool:
        """Continue with the next sync; False if there is none."""
        try:
            self.wants = next(self.steps) if self._lost is None else self.steps.throw(self._lost)
        except StopIteration as done:
            self.ended = done.value
        except StorageError as failure:
            self.ended = failure
        else:
            return True
        return False

    def hear_of(self, failed: Mapping[Target, OSError]) -> None:
        """Take note of what could not be synced."""
        self._lost = next((failed[one] for one in self.wants if one in failed), None)


class Writer:
    """Puts objects into the folder `root`. Used by one thread at a time.

    `changing` keeps other processes from replacing objects; `check_tag` raises KeyChanged unless
    the object has the tag.
    """

    def __init__(
        self,
        root: str,
        syncing: Syncing,
        *,
        changing: Callable[[], AbstractContextManager[None]],
        check_tag: Callable[[str, str], None],
    ) -> None:
        self._root = root
        self._parts = f"{root}/{TMP_PREFIX}"
        self._name = token_hex(8)
        self._numbers = count()
        self._durable = {""}
        self._syncing = syncing
        self._changing = changing
        self._check_tag = check_tag

    def put_all(self, puts: Sequence[Put]) -> list[ObjectInfo | Exception]:
        """Make all puts; how each of them ended, in their order."""
        under_way = [_UnderWay(self._steps(put)) for put in puts]
        with ExitStack() as left:  # whatever happens, no file stays open and no part file remains
            for one in under_way:
                left.callback(one.steps.close)
            going = under_way
            while going := [one for one in going if one.goes_on()]:
                failed = self._syncing.sync(target for one in going for target in one.wants)
                for one in going:
                    one.hear_of(failed)
        return [one.ended for one in under_way]

    def forget(self, folder: str) -> None:
        """The folder is not there any more."""
        self._durable.discard(folder)

    def _steps(self, put: Put) -> _Steps:
        with disk.disk_errors(put.key):
            for _ in range(ATTEMPTS):
                try:
                    return (yield from self._attempt(put))
                except FileExistsError:
                    raise self._taken(put.key) from None
                except FileNotFoundError:
                    # An empty folder or a part file was removed: start over.
                    self._durable = {""}
        raise StorageRefused(
            f"cannot write {put.key}: the archive's folder or the spooled file is gone",
            key=put.key,
            hint="check that the archive's folder exists and is mounted",
        )

    def _attempt(self, put: Put) -> _Steps:
        if put.replacing is not None:
            self._check_tag(put.key, put.replacing)
        try:
            facts = yield from self._commit(put, moved=isinstance(put.body.source, Path))
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            facts = yield from self._commit(put, moved=False)
        yield [f"{self._root}/{put.key.rpartition('/')[0]}"]
        return ObjectInfo(put.key, facts.st_size, tag_of(facts))

    def _commit(self, put: Put, *, moved: bool) -> Generator[list[Target], None, os.stat_result]:
        made = [*self._make(put.key.rpartition("/")[0]), *self._make(_PARTS_FOLDER)]
        if moved:
            part = str(put.body.source)
            file = disk.open_part(part, rights=os.stat(self._parts).st_mode & 0o444)  # noqa: PTH116
        else:
            part = f"{self._parts}{self._name}-{next(self._numbers)}.part"
            file = disk.write_part(part, put.body.source)
        try:
            try:
                yield [file, *(f"{self._root}/{parent}" for _, parent in made)]
                facts = os.fstat(file)
            finally:
                os.close(file)
            self._remember(folder for folder, _ in made)
            self._publish(put, part, facts.st_size)
        except BaseException:
            if not moved:
                disk.discard(part)
            raise
        return facts

    def _publish(self, put: Put, part: str, size: int) -> None:
        if size != put.body.size:
            raise StorageError(
                f"{put.key} should be {put.body.size} bytes, but {size} were written", key=put.key
            )
        if put.replacing is None:
            disk.publish(part, f"{self._root}/{put.key}")
            return
        with self._changing():
            self._check_tag(put.key, put.replacing)
            os.replace(part, f"{self._root}/{put.key}")  # noqa: PTH105

    def _taken(self, key: str) -> StorageError:
        if os.path.isdir(f"{self._root}/{key}"):  # noqa: PTH112
            return StorageRefused(f"{key} is a folder", key=key)
        return KeyExists(f"{key} already exists", key=key)

    def _make(self, folder: str) -> list[tuple[str, str]]:
        """Make the folder and those above it: each that is not known to be durable, and its parent.

        An existing folder is among them, too: its creator may not have synced it yet.
        """
        if folder in self._durable:
            return []
        parent = folder.rpartition("/")[0]
        above = self._make(parent)
        path = f"{self._root}/{folder}"
        try:
            os.mkdir(path)  # noqa: PTH102
        except FileExistsError:
            _refuse_link(path)
        return [*above, (folder, parent)]

    def _remember(self, folders: Iterable[str]) -> None:
        if len(self._durable) >= KNOWN_FOLDERS:
            self._durable = {""}
        self._durable.update(folders)


def tag_of(facts: os.stat_result) -> str:
    """A tag that changes whenever the bytes of the file may have changed."""
    return f"{facts.st_mtime_ns:x}-{facts.st_size:x}-{facts.st_ino:x}"


def _refuse_link(path: str) -> None:
    mode = os.lstat(path).st_mode
    if stat.S_ISLNK(mode):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    if not stat.S_ISDIR(mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
