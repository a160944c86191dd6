"""Signing, stamping and witnessing the head after a command that wrote to the ledger."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from archiver.clock import system_clock
from archiver.config import Config
from archiver.console import Console

if TYPE_CHECKING:
    from archiver.archive.archive import Archive
    from archiver.evidence.attest import Attestation
    from archiver.evidence.troubles import Trouble
    from archiver.retention.acts import Deed


async def attested(
    archive: "Archive", config: Config, console: Console, *, told: "Sequence[Trouble]" = ()
) -> "Attestation | None":
    """Have the newest head signed, witnessed and stamped; what could not be done is a warning,
    unless the user was `told` of its cause."""
    if not config.evidence.is_configured:
        return None
    from archiver.evidence.attest import attest

    head = await archive.catalog.head()
    done = await attest(
        archive.storage,
        archive.archive_id,
        head,
        config.evidence,
        clock=system_clock,
        proxies=config.http.proxy,
    )
    causes = {trouble.why for trouble in told}
    for trouble in () if done is None else done.troubles:
        if trouble.why not in causes:
            console.warn(str(trouble))
    return done


async def acted_anew(
    config: Config,
    state_folder: Path,
    console: Console,
    deed: "Deed",
    *,
    today: date | None = None,
    told: "Sequence[Trouble]" = (),
) -> None:
    """Record who did it and why, and create evidence for the new head; opens the archive itself.
    Evidence that fails for a cause that the user was `told` of causes no warning."""
    from archiver.archive.opening import announcing_archive
    from archiver.archive.right_clock import OtherClocks
    from archiver.retention.acts import record_deed

    async with announcing_archive(
        config, state_folder=state_folder, clock=system_clock, others=OtherClocks(today=today)
    ) as archive:
        await record_deed(archive, deed, clock=system_clock)
        await attested(archive, config, console, told=told)
