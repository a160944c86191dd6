"""`_archive/format.json`: which format an archive has, and its own id."""

import json
import uuid
from typing import Final

from archiver.errors import KeyExists, KeyMissing, StorageRefused, UsageError
from archiver.storage.base import Body, Storage
from archiver.storage.keys import FORMAT_KEY
from archiver.text.json import read_json

FORMAT: Final = "liner-archive/1"

_MOST_BYTES: Final = 64 * 1024


async def read_id(storage: Storage) -> str:
    """The id of the archive. KeyMissing if there is none; UsageError for another kind of
    archive."""
    data = await storage.read(FORMAT_KEY, limit=_MOST_BYTES)
    try:
        fields = read_json(data)
        kind, archive_id = fields["format"], str(uuid.UUID(fields["archiveId"]))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UsageError(
            f"{FORMAT_KEY} is not the file of an archive",
            hint="point storage.url to an archive, or to an empty location for a new one",
        ) from error
    if kind != FORMAT:
        raise UsageError(
            f"the archive has format {str(kind)[:40]!r}; this version supports {FORMAT}",
            hint="use the version of archiver that wrote it, or a newer one",
        )
    return archive_id


def encode_format(archive_id: str) -> bytes:
    """The exact bytes of `_archive/format.json`: every segment contains the id, so a change of the
    file can be detected."""
    fields = {"format": FORMAT, "archiveId": archive_id}
    return (json.dumps(fields, indent=2) + "\n").encode("ascii")


async def own_id(storage: Storage) -> str:
    """The id of the archive, new or existing; also checks that create-only writes are honoured.

    The check costs one request: a second create-only put of the same bytes must be rejected. A
    storage that accepts it would let two writers overwrite each other's evidence.
    """
    try:
        data = await storage.read(FORMAT_KEY, limit=_MOST_BYTES)
    except KeyMissing:
        data = encode_format(str(uuid.uuid4()))
        await storage.put(FORMAT_KEY, Body.of(data, "application/json"))
    archive_id = await read_id(storage)
    try:
        await storage.put(FORMAT_KEY, Body.of(data, "application/json"))
    except KeyExists:
        return archive_id
    raise StorageRefused(
        "the storage overwrites existing objects despite If-None-Match",
        key=FORMAT_KEY,
        hint="recordings are not safe there; run `archiver doctor`, and use another S3 server",
    )
