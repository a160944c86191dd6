"""The border where errors of SQLite and of the disk become ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from archiver.sqlite.errors import Database


@contextmanager
def index_errors(path: Path) -> Iterator[None]:
    """Turn what goes wrong with the index at `path` into one of our errors."""
    index = Database(
        name="the desk's index",
        if_full=f"free some disk space for {path.parent}",
        if_unusable=f"stop the desk and delete {path}; it is rebuilt from the archive",
        if_not_opened=f"check the permissions of {path.parent}",
    )
    with index.file_errors(path), index.sqlite_errors():
        yield
