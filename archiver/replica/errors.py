"""Errors of one of the two places, which say of which."""

from collections.abc import Iterator
from contextlib import contextmanager

from archiver.errors import StorageError


@contextmanager
def named_errors(name: str) -> Iterator[None]:
    """Name the place in every StorageError of the block: `replica s3://bucket/prefix`."""
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
