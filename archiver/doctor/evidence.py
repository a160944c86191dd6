"""Checks of what creates evidence: signing key, time stamp authority, witnesses.

None of them fails a run, so what is wrong here is a warning. The authority is asked for a stamp of
random bytes, which is discarded; at a witness nothing is written.
"""

import os
from collections.abc import Awaitable

from anyio import to_thread

from archiver.archive.format import read_id
from archiver.archive.opening import existing_storage
from archiver.clock import stamp
from archiver.config import Config, StorageConfig
from archiver.doctor.check import Check, Surroundings
from archiver.errors import ArchiverError, KeyMissing, NoArchive
from archiver.evidence.keys import signer_of
from archiver.evidence.stamping import fetch_stamp
from archiver.evidence.time_stamps import read_stamp, roots_of
from archiver.evidence.witnesses import heads_at


async def try_evidence(config: Config, _around: Surroundings) -> list[Check]:
    """Each part that is configured; nothing where none is."""
    evidence, found = config.evidence, []
    if evidence.sign is not None:
        found.append(await _tried("signing key", _key(config)))
    if evidence.timestamp_url is not None:
        found.append(await _tried("time stamps", _authority(config, evidence.timestamp_url)))
    witnesses = [await _tried("witness", _witness(config, one)) for one in evidence.witnesses]
    return [*found, *witnesses]


async def _tried(name: str, work: Awaitable[Check]) -> Check:
    try:
        return await work
    except ArchiverError as error:
        return Check.warning(name, str(error), error.hint)


async def _key(config: Config) -> Check:
    signer = await to_thread.run_sync(signer_of, config.evidence)
    key_id = signer.public.key_id
    return Check.ok("signing key", f"{config.evidence.sign} can be used; its id is {key_id[:16]}…")


async def _authority(config: Config, url: str) -> Check:
    roots = await roots_of(config.evidence)
    data = await fetch_stamp(url, os.urandom(32), proxies=config.http.proxy)
    found = read_stamp(data, roots)
    said = f"{found.authority} stamped random bytes at {stamp(found.at)}"
    if found.problem:
        hint = "check evidence.timestamp_roots: it must have the root of this authority"
        return Check.warning("time stamps", f"{said}, but {found.problem}", hint)
    checked = "its certificates are valid" if roots else "its certificates were not checked"
    return Check.ok("time stamps", f"{said}; {checked}")


async def _witness(config: Config, witness: StorageConfig) -> Check:
    try:
        async with existing_storage(config) as storage:
            archive_id = await read_id(storage)
    except (NoArchive, KeyMissing):
        archive_id = "new"
    heads = await heads_at(witness, archive_id)
    count = f"{len(heads):,} heads of this archive" if heads else "no head of this archive yet"
    return Check.ok("witness", f"{witness.url} can be read: {count}; nothing was written")
