"""One error of a task group: tasks fail together, a person acts on the first."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_failure() -> Iterator[None]:
    """Raise the first error of an exception group as itself."""
    try:
        yield
    except ExceptionGroup as group:
        raise first_failure(group) from None


def first_failure(group: ExceptionGroup[Exception]) -> Exception:
    """The first error in the group that is not a group."""
    error: Exception = group
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
