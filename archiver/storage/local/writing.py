"""Puts into a folder, a group at a time, so that they share their syncs.

A put takes these steps, each for a reason:

1. every folder on the way exists and is durable: its parent has been synced since it was created.
   Folders known to be durable are remembered, so a second put into a folder costs nothing;
2. the bytes are written to a part file under `_archive/tmp/`, on the same file system, and synced:
   a name must never be durable before the bytes are. If they cannot be, they are written again,
   never only synced again, which may succeed without them. A body spooled on this file system is
   moved; its writer has synced it;
3. the part file is linked to its final name, which fails if the name is taken (`disk.publish`);
4. the part's own name is removed, and the folder is synced.

There are two syncs in this: after the bytes, and after the name. Objects that are put in order,
such as a recording and its sidecar, share both: each gets its name after the one before, so a kill
leaves no later one alone. (A loss of power could, before any of these puts has returned.) The steps
are a generator that stops where it needs a sync; all puts of a group are brought to that point,
then one sync serves them all.

A kill between any two steps leaves at most part files. The digest of a body is not computed again:
its writer hashed the same bytes as they went by, and its length is compared with what the
file system holds after the sync.
"""

import errno
import os
import stat
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from itertools import count
from pathlib import Path
from secrets import token_hex
from typing import NamedTuple, TypeAlias

from msgspec import Struct

from archiver.errors import KeyChanged, KeyExists, StorageError, StorageRefused
from archiver.storage.base import Body, ObjectInfo
from archiver.storage.keys import TMP_PREFIX
from archiver.storage.local import disk
from archiver.storage.local.syncing import Syncing, Target

# About 100 bytes a folder, so that an archive of millions is not remembered whole.
KNOWN_FOLDERS = 8192
# Bytes from which a file is not left in the page cache. Most recordings are that large, and rarely
# read soon; most sidecars, which the desk reads, are not.
UNCACHED_FROM = 64 * 1024
# How often a put starts over because an empty folder or part file was removed meanwhile.
ATTEMPTS = 4

_PARTS_FOLDER = TMP_PREFIX.removesuffix("/")

_Steps: TypeAlias = Generator[Sequence[Target], None, list[ObjectInfo | StorageError]]


class Put(Struct, frozen=True, eq=False):
    """What is to be put where; `replacing` as in `Storage.put`."""

    key: str
    body: Body
    replacing: str | None = None

    @property
    def folder(self) -> str:
        """The folder of the key."""
        return self.key.rpartition("/")[0]


class _Part(NamedTuple):
    """A file with a body, open to be synced; `is_moved` unless it was written here."""

    path: str
    file: int
    is_moved: bool


class _UnderWay:
    """Puts on their way: what they want to be synced now, or how they ended."""

    def __init__(self, steps: _Steps) -> None:
        self.steps = steps
        self.wants: Sequence[Target] = ()
        self.ended: list[ObjectInfo | StorageError] = []
        self._lost: OSError | None = None

    def goes_on(self) -> bool:
        """Continue with the next sync; False if there is none."""
        try:
            self.wants = next(self.steps) if self._lost is None else self.steps.throw(self._lost)
        except StopIteration as done:
            self.ended = done.value
            return False
        return True

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

    def put_all(self, orders: Sequence[Sequence[Put]]) -> list[list[ObjectInfo | StorageError]]:
        """Make all puts, those of one order one after the other; how they ended, in that order.

        The first of an order that fails ends it: those after it have no result, and no object.
        """
        under_way = [_UnderWay(self._steps(order)) for order in orders]
        with ExitStack() as left:  # whatever happens, no file stays open and no part file remains
            left.enter_context(self._syncing.watching())
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

    def _steps(self, puts: Sequence[Put]) -> _Steps:
        done: list[ObjectInfo | StorageError] = []
        moves = True
        try:
            for _ in range(ATTEMPTS):
                moves = yield from self._attempt(puts[len(done) :], done, moves=moves)
                if len(done) == len(puts):
                    return done
        except StorageError as failure:
            return [*done, failure]
        except OSError as error:
            return [*done, disk.storage_error(error, puts[len(done)].key)]
        key = puts[len(done)].key
        gone = StorageRefused(
            f"cannot write {key}: the archive's folder or the spooled file is gone",
            key=key,
            hint="check that the archive's folder exists and is mounted",
        )
        return [*done, gone]

    def _attempt(
        self, puts: Sequence[Put], done: list[ObjectInfo | StorageError], *, moves: bool
    ) -> Generator[Sequence[Target], None, bool]:
        """Put as many as possible, in order, and add them to `done`.

        These may be fewer than all: an empty folder or part file was removed meanwhile, or spooled
        bodies are on another file system and cannot be moved from there, but have to be copied.
        Returns whether the next attempt may move them.
        """
        published: list[ObjectInfo] = []
        failure: OSError | StorageError | None = None
        try:
            yield from self._publish_all(puts, published, moves=moves)
        except FileNotFoundError:
            self._durable = {""}
        except FileExistsError:
            failure = self._taken(puts[len(published)].key)
        except OSError as error:
            moves = moves and error.errno != errno.EXDEV
            failure = None if error.errno == errno.EXDEV else error
        except StorageError as error:
            failure = error
        # An object that is there already may be that of a process that was killed before it synced
        # the folder, or of an attempt whose sync failed.
        is_there = isinstance(failure, KeyExists | KeyChanged)
        if is_there:
            self._require_writable(puts[len(published)].folder)
        if named := puts[: len(published) + is_there]:
            yield list({f"{self._root}/{put.folder}": None for put in named})
            done += published
        if failure is not None:
            raise failure
        return moves

    def _publish_all(
        self, puts: Sequence[Put], published: list[ObjectInfo], *, moves: bool
    ) -> Generator[Sequence[Target], None, None]:
        """Write all parts, sync them, and give them their names, in order."""
        made = self._make(_PARTS_FOLDER)
        for folder in {put.folder: None for put in puts}:
            made += self._make(folder)
        parts: list[_Part] = []
        try:
            for put in puts:
                if put.replacing is not None:
                    self._check_tag(put.key, put.replacing)
                parts.append(self._part(put.body, moves=moves))
            yield [*(part.file for part in parts), *(f"{self._root}/{above}" for _, above in made)]
            self._remember(folder for folder, _ in made)
            for put, part in zip(puts, parts, strict=True):
                published.append(self._publish(put, part))
                if put.body.size >= UNCACHED_FROM:
                    disk.drop_from_cache(part.file)
        finally:
            for number, part in enumerate(parts):
                os.close(part.file)
                if not part.is_moved and number >= len(published):
                    disk.discard(part.path)

    def _part(self, body: Body, *, moves: bool) -> _Part:
        if moves and isinstance(body.source, Path):
            path = str(body.source)
            rights = os.stat(self._parts).st_mode & 0o444  # noqa: PTH116
            return _Part(path, disk.open_part(path, rights=rights), is_moved=True)
        path = f"{self._parts}{self._name}-{next(self._numbers)}.part"
        return _Part(path, disk.write_part(path, body.source), is_moved=False)

    def _publish(self, put: Put, part: _Part) -> ObjectInfo:
        facts = os.fstat(part.file)
        if facts.st_size != put.body.size:
            raise StorageError(
                f"{put.key} should be {put.body.size} bytes, but {facts.st_size} were written",
                key=put.key,
            )
        if put.replacing is None:
            disk.publish(part.path, f"{self._root}/{put.key}")
        else:
            with self._changing():
                self._check_tag(put.key, put.replacing)
                os.replace(part.path, f"{self._root}/{put.key}")  # noqa: PTH105
        return ObjectInfo(put.key, facts.st_size, tag_of(facts))

    def _require_writable(self, folder: str) -> None:
        """Raise OSError if nothing can be written to the folder any more: a file system that became
        read-only after an error reports that it is synced, and forgets what it has not written."""
        os.utime(f"{self._root}/{folder}")

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
