"""The id of the archive to verify, which may be damaged."""

from archiver.archive.format import FORMAT, read_id
from archiver.errors import (
    KeyMissing,
    NoArchive,
    StorageError,
    StorageForbidden,
    StorageUnreachable,
    UsageError,
)
from archiver.storage.base import Storage
from archiver.storage.keys import FORMAT_KEY, LEDGER_PREFIX
from archiver.text.json import read_json

_MOST_FORMAT_BYTES = 64 * 1024


async def stated_id(storage: Storage, url: str) -> str | None:
    """The archive's id; None if `format.json` is damaged or missing, but there is a ledger.

    Raises NoArchive if there is neither, UsageError for another version of the format, and
    StorageUnreachable or StorageForbidden if the storage cannot be read.
    """
    try:
        return await read_id(storage)
    except (StorageUnreachable, StorageForbidden):
        raise
    except (UsageError, StorageError) as error:
        if isinstance(error, UsageError) and await _is_other_version(storage):
            raise
        if await anext(storage.list(LEDGER_PREFIX), None) is not None:
            return None
        if isinstance(error, KeyMissing):
            raise NoArchive(
                f"no archive found in {url}",
                hint="check storage.url; `archiver run` creates an archive",
            ) from None
        raise


async def _is_other_version(storage: Storage) -> bool:
    """Whether `format.json` names another version of the format."""
    try:
        found = read_json(await storage.read(FORMAT_KEY, limit=_MOST_FORMAT_BYTES))["format"]
    except (ValueError, TypeError, KeyError):
        return False
    name, _, version = str(found).partition("/")
    return name == FORMAT.partition("/")[0] and version.isdecimal() and found != FORMAT
