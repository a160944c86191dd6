"""Storage errors that name the location in which they occurred."""

from collections.abc import Iterator
from contextlib import contextmanager

from archiver.errors import StorageError


@contextmanager
def named_errors(name: str) -> Iterator[None]:
    """Begin every StorageError of the block with the location: `replica s3://bucket/prefix`."""
    try:
        yield
    except StorageError as error:
        hint = error.hint
        if name.startswith("replica "):
            hint = hint.replace("storage.", "replica.")
        said = type(error)(
            f"{name}: {error}", key=error.key, hint=hint, retry_after=error.retry_after
        )
        raise said from error
