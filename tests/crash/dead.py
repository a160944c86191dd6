"""What `verify` says of an archive right after a run died in it, before anything else is run."""

from pathlib import Path

from archiver.config import Config
from archiver.config.loading import load_config
from archiver.errors import NoArchive
from archiver.verify.findings import Finding
from archiver.verify.verify import Wanted, verify
from tests.verify.archives import AT_ONCE


def config_of(folder: Path) -> Config:
    """The configuration of the archive in that folder; no API is needed to verify it."""
    text = "liner: {url: 'http://127.0.0.1:9', api_key: unused}\nwindow: {since: 2026-11-01}\n"
    return load_config(text, {}, base=folder)


async def damage(folder: Path, state: Path | None = None) -> list[Finding]:
    """The findings; none where the run died before there was an archive."""
    try:
        verified = await verify(
            config_of(folder), Wanted(), state_folder=state or folder / "state", patience=AT_ONCE
        )
    except NoArchive:
        return []
    return verified.found.findings
