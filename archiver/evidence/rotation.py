"""Key rotation: the old key names the new one, and both sign the statement.

The old key's signature shows that its owner wanted the new key; the new key's signature, that its
owner did not claim someone else's key as a predecessor. After the segment in the statement, the old
key is no longer valid.
"""

from archiver.clock import Clock
from archiver.errors import KeyExists, KeyUnusable
from archiver.evidence.keys import Signer
from archiver.evidence.statements import (
    KEYS_PREFIX,
    MOST_BYTES,
    Rotation,
    public_key_key,
    read_rotation,
    read_signed,
    rotation_key,
    signed_by,
)
from archiver.ledger.segments import Head
from archiver.storage.base import Body, Storage


async def rotate(
    storage: Storage, archive_id: str, head: Head, old: Signer, new: Signer, *, clock: Clock
) -> None:
    """Announce the new key in the archive. Call `check_current` first."""
    rotation = Rotation(archive_id, new.public.key_id, old.public.key_id, head, clock())
    for each in (old, new):
        try:
            await storage.put(public_key_key(each.public.key_id), Body.of(each.public.pem))
        except KeyExists:
            continue
    signed = signed_by(rotation.line(), old, new)
    await storage.put(rotation_key(new.public.key_id), Body.of(signed.data))


async def check_current(storage: Storage, key_id: str) -> None:
    """Raise KeyUnusable if the key was replaced by another one."""
    async for info in storage.list(KEYS_PREFIX):
        if not info.key.endswith(".signed"):
            continue
        try:
            found = read_rotation(read_signed(await storage.read(info.key, limit=MOST_BYTES)))
        except ValueError:
            continue  # `verify` reports it
        if found.previous_id == key_id:
            raise KeyUnusable(
                f"the key {key_id[:16]} was replaced by {found.key_id[:16]}",
                hint="set evidence.sign to the file of the new key",
            )
