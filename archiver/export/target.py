"""The target of a package: written next to it, synced, and renamed when complete.

So no partial file or folder ever has the target's name. Every function here blocks and must be
called in a worker thread.
"""

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from archiver.config import StorageConfig
from archiver.errors import StorageError, StorageFull, StorageRefused, UsageError
from archiver.storage.local.disk import sync_folder

MARKS: Final = ("bagit.txt", "custody.json")
"""The top level of an export in a folder; `--force` replaces no other folder."""

_NAME_OF_PART: Final = 40
"""Characters of the target's name in that of its partial file: with the rest, at most 255 bytes."""

_NO_SPACE: Final = {errno.ENOSPC, errno.EDQUOT}


class Target:
    """The target of one package. Use it as a context manager: what is not committed is removed.

    A name that ends in `.zip` or `.zip.age` is a file, any other a folder, unless `is_file` says
    which. `scratch` is a folder for temporary files. Raises the errors of `check_target`.
    """

    def __init__(
        self,
        path: Path,
        *,
        force: bool = False,
        is_file: bool | None = None,
        scratch: Path | None = None,
    ) -> None:
        self.path = path.absolute()
        self.scratch = scratch or self.path.parent
        self.is_file = _names_zip(path) if is_file is None else is_file
        self._force = force
        check_target(self.path, force=force, is_file=self.is_file)
        name = f".{self.path.name[:_NAME_OF_PART]}.{secrets.token_hex(4)}.part"
        self.part = self.path.with_name(name)

    @property
    def bare_name(self) -> str:
        """The name without `.zip` and `.age`."""
        name = self.path.name
        for ending in (".age", ".zip"):
            name = name[: -len(ending)] if name.lower().endswith(ending) else name
        return name

    def __enter__(self) -> "Target":
        return self

    def __exit__(self, *failure: object) -> None:
        if self.part.is_dir():
            shutil.rmtree(self.part, ignore_errors=True)
        else:
            with suppress(OSError):  # the first error counts, not the ones that follow from it
                self.part.unlink()

    def write(self, data: bytes) -> None:
        """Write the content of a file, and give it its final name."""
        with writing(self.path), self.part.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        self.commit()

    def commit(self) -> None:
        """Give the complete and synced package its final name, durably."""
        with writing(self.path):
            if self.is_file:
                self._commit_file()
            else:
                self._commit_folder()
            sync_folder(os.fspath(self.path.parent))

    def _commit_file(self) -> None:
        if self._force:
            self.part.replace(self.path)
            return
        try:
            os.link(self.part, self.path)  # unlike a rename, it fails if the name exists
        except FileExistsError:
            raise _taken(self.path) from None
        except OSError as error:
            if error.errno in _NO_SPACE:
                raise
            check_target(self.path, force=False, is_file=True)  # a file system without hard links
            self.part.rename(self.path)
            return
        self.part.unlink()

    def _commit_folder(self) -> None:
        check_target(self.path, force=self._force, is_file=False)
        if not self.path.exists():
            self.part.rename(self.path)
            return
        old = self.part.with_suffix(".old")
        self.path.rename(old)
        try:
            self.part.rename(self.path)
        except OSError:
            old.rename(self.path)
            raise
        shutil.rmtree(old, ignore_errors=True)


def check_target(path: Path, *, force: bool, is_file: bool | None = None) -> None:
    """Raise UsageError if the package must not be written there; StorageRefused if it cannot be.

    `is_file`: as for `Target`.
    """
    path = path.absolute()
    with writing(path):
        if not path.parent.is_dir():
            if path.parent.exists():
                raise UsageError(f"{path.parent} is not a folder", hint="choose another --to")
            raise UsageError(
                f"the folder {path.parent} does not exist",
                hint="create it first, or choose another --to",
            )
        if _is_there(path):
            if not force:
                raise _taken(path)
            _check_replaceable(path, is_file=_names_zip(path) if is_file is None else is_file)
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, f"{path.parent} is not writable")


def keep_apart(path: Path, storage: StorageConfig) -> None:
    """Raise UsageError for a target inside the archive, which contains evidence only."""
    if storage.is_local and path.resolve().is_relative_to(Path(storage.url).resolve()):
        raise UsageError(f"{path} is inside the archive", hint="choose a --to outside the archive")


def _names_zip(path: Path) -> bool:
    return path.name.lower().endswith((".zip", ".zip.age"))


def _is_there(path: Path) -> bool:
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        raise UsageError("the name in --to is too long", hint="choose a shorter one") from error
    return True


def _check_replaceable(path: Path, *, is_file: bool) -> None:
    if path.is_symlink() or (is_file and not path.is_file()):
        raise UsageError(
            f"{path} is not a file that --force can replace", hint="choose another --to"
        )
    if not is_file and not (path.is_dir() and all((path / mark).is_file() for mark in MARKS)):
        raise UsageError(
            f"{path} is not an export: --force replaces only exports", hint="choose another --to"
        )


def _taken(path: Path) -> UsageError:
    return UsageError(f"{path} already exists", hint="choose another --to, or use --force")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn every OSError of the block into an archiver error about the package."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise StorageFull(
                f"no space left for {path}",
                hint="the partial file was removed; choose a larger disk",
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise StorageRefused(
                f"cannot write {path}: {error.strerror}",
                hint="check the permissions of its folder, or choose another --to",
            ) from error
        raise StorageError(
            f"cannot write {path}: {error.strerror or error}", hint="choose another --to"
        ) from error
