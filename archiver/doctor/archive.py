"""Checks of the archive's storage: its identity, the lock, and everything that evidence
requires."""

from functools import partial

from anyio import to_thread

from archiver.archive.format import read_id
from archiver.config import Config, ObjectLockConfig
from archiver.doctor.check import Check, Surroundings, Verdict
from archiver.errors import ArchiveLocked, KeyMissing
from archiver.retention.object_lock import promise_of
from archiver.storage.base import Storage
from archiver.storage.keys import TMP_PREFIX
from archiver.storage.lock import archive_lock
from archiver.storage.opening import open_in_parts, open_storage
from archiver.storage.probe import Finding, probe_storage
from archiver.text.measures import say_duration


async def try_archive(config: Config, around: Surroundings) -> list[Check]:
    """Acquire the lock of the archive and write next to its evidence, leaving nothing behind.

    If another run has locked the archive, nothing is written: its storage is in use already.
    """
    storage = await to_thread.run_sync(partial(open_storage, config.storage, create=True))
    try:
        checks = [await _identity(storage, config.storage.url)]
        try:
            async with archive_lock(storage, "archiver doctor", clock=around.clock):
                checks.append(Check.ok("lock", "acquired and released"))
                checks.append(await _worm_check(storage, config.storage.s3.object_lock))
                checks += [_check_of(finding) for finding in await _probe(storage, config)]
        except ArchiveLocked as locked:
            checks.append(
                Check.warning(
                    "lock", str(locked), "wait for the other run to finish, and try again"
                )
            )
        return checks
    finally:
        await storage.aclose()


async def _identity(storage: Storage, url: str) -> Check:
    try:
        return Check.ok("archive", f"{url} contains archive {await read_id(storage)}")
    except KeyMissing:
        async for info in storage.list():
            if not info.key.startswith(TMP_PREFIX):
                finding = f"{url} is not empty, but is not an archive (it contains {info.key[:80]})"
                hint = "point storage.url to an archive, or to an empty location for a new one"
                return Check("archive", Verdict.PROBLEM, finding, hint, exit_code=2)
    return Check.ok("archive", f"{url} is reachable; no archive yet")


async def _worm_check(storage: Storage, wanted: ObjectLockConfig | None) -> Check:
    """Whether the storage supports the configured Object Lock, and what it guarantees otherwise."""
    said = await promise_of(storage)
    if wanted is None:
        return Check.ok("WORM", said)
    versions = storage.versions
    if versions is None or not await versions.can_lock():
        hint = "create a bucket with Object Lock, or remove storage.s3.object_lock"
        finding = f"storage.s3.object_lock is set, and {said}"
        return Check("WORM", Verdict.PROBLEM, finding, hint, exit_code=2)
    length = say_duration(wanted.retain.total_seconds())
    return Check.ok("WORM", f"every object is written locked, {wanted.mode}, for {length}")


async def _probe(storage: Storage, config: Config) -> list[Finding]:
    in_parts = open_in_parts(config.storage)
    try:
        return await probe_storage(storage, in_parts=in_parts)
    finally:
        if in_parts is not None:
            await in_parts.aclose()


def _check_of(finding: Finding) -> Check:
    """A promise that evidence needs is a problem when it is not kept; any other is worth a look."""
    name = f"storage: {finding.name}"
    if finding.ok:
        return Check.ok(name, finding.seen)
    if finding.needed:
        return Check.problem(name, finding.seen, finding.advice)
    return Check.warning(name, finding.seen, finding.advice)
