"""How a failure becomes lines and an exit code, wherever it ends a command or one of its runs."""

from archiver.console import Console
from archiver.errors import ArchiverError


def say_failure(console: Console, error: Exception) -> int:
    """Report the error and return its exit code; what is not ours is reported as a bug of ours."""
    ours = our_error(error)
    try:
        if ours is None:
            console.bug(error)
            return 1
        console.error(ours)
    except ArchiverError as unwritten:
        console.error(unwritten)
        return unwritten.exit_code
    return ours.exit_code


def our_error(error: BaseException) -> ArchiverError | None:
    """The error, or the first of a group that holds nothing but errors of ours; else None."""
    if isinstance(error, ArchiverError):
        return error
    if not isinstance(error, BaseExceptionGroup):
        return None
    found = [our_error(each) for each in error.exceptions]
    return None if None in found else found[0]
