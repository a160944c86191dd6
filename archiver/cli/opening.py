"""Opens the archive for a command that records an act of a person, without locking it."""

from datetime import date
from typing import TYPE_CHECKING

from archiver.cli.context import Context
from archiver.clock import system_clock
from archiver.config import Config, state_folder

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from archiver.archive.archive import Archive


def archive_to_announce(
    config: Config, context: Context, *, today: date | None
) -> "AbstractAsyncContextManager[Archive]":
    """The archive; a run may have locked it. `today` is the date by `--today`.

    Raises UsageError if the clock of this machine cannot be trusted.
    """
    from archiver.archive.opening import announcing_archive
    from archiver.archive.right_clock import OtherClocks

    return announcing_archive(
        config,
        state_folder=state_folder(context.environ, config.catalog.path),
        clock=system_clock,
        others=OtherClocks(today=today),
    )
