"""The steps of a verification: the archive, the part of it, all checks, and the repair."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from pathlib import Path

from anyio import to_thread

from archiver.archive.opening import catalog_path, existing_storage
from archiver.archive.pace import REAL_PACE, Pace
from archiver.catalog.readonly import Glimpse, glimpse
from archiver.clock import Clock, system_clock
from archiver.config import Config
from archiver.errors import ArchiverError, StorageError, StorageForbidden
from archiver.evidence.audit import Audit, Proof
from archiver.retention.object_lock import promise_of
from archiver.storage.base import Storage
from archiver.tasks.contexts import entered
from archiver.verify.audit import PATIENT, Patience, Verification, VerifyRequest, check
from archiver.verify.children import Effort
from archiver.verify.evidence import audit_evidence
from archiver.verify.findings import Finding
from archiver.verify.history import removals_under_hold
from archiver.verify.identity import stated_id
from archiver.verify.inventory import Inventory
from archiver.verify.legal_holds import audit_legal_holds
from archiver.verify.locks import audit_locks
from archiver.verify.replica import advised, as_archive, compare_ledgers
from archiver.verify.sampling import Sample, load_sample, save_sample


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command asks for: one of `parts` (see `sampling`), or what came since a moment, or
    all; the head that must be in the ledger; whether to mend what can be; the file of the public
    key that signatures must be by; the day (UTC) that a person names for `repair`; and whether it
    is the replica that is read."""

    parts: int | None = None
    since: datetime | None = None
    head: str | None = None
    repair: bool = False
    key: Path | None = None
    today: date | None = None
    replica: bool = False


@dataclass(frozen=True, slots=True)
class Watcher:
    """Receives the progress of the verification: what is to be read, then what was read."""

    on_stock: Callable[[int, int], None] = field(default=lambda objects, size: None)
    on_read: Callable[[int, int], None] = field(default=lambda objects, size: None)
    is_stopped: Callable[[], bool] = field(default=lambda: False)


NOBODY = Watcher()


@dataclass(frozen=True, slots=True)
class Verified:
    """A verification, the sample that it read, and notes and proofs for the user."""

    found: Verification
    sample: Sample | None
    notes: tuple[str, ...]
    proofs: tuple[Proof, ...]
    _state: Path

    def remember(self) -> str | None:
        """Store the position of the next sample; returns a message if that fails.

        Call it after the findings were delivered: what was read counts as verified then.
        """
        if self.sample is None:
            return None
        due = self.sample.following()
        if not self.found.is_whole:
            due = self.sample.interrupted_at(self.found.reached)
        try:
            save_sample(self._state, due)
        except OSError as error:
            return (
                f"could not save the position of the next sample in {self._state}: {error.strerror}"
            )
        return None


async def verify(
    config: Config,
    wanted: Wanted,
    *,
    state_folder: Path,
    watcher: Watcher = NOBODY,
    clock: Clock = system_clock,
    patience: Patience = PATIENT,
    pace: Pace = REAL_PACE,
    effort: Effort | None = None,
) -> Verified:
    """Verify the configured archive; read-only, unless `repair` is wanted.

    Raises NoArchive, and UsageError for an archive of another format version.
    With `replica` it is the replica that is read, and its ledger is compared with the archive's.
    """
    first = config
    if wanted.replica:
        config = as_archive(config)
    async with existing_storage(config) as storage:
        archive_id = await stated_id(storage, config.storage.url)
        state = _state_path(config, archive_id, state_folder, is_replica=wanted.replica)
        sample = await _due(wanted, state, clock)
        keeps_pruned = wanted.replica and not config.replica.prune
        async with entered(partial(_scratch_inventory, keeps_pruned)) as inventory:
            request = VerifyRequest(sample, wanted.since, wanted.head)
            found = await check(
                storage,
                request,
                inventory,
                _forgetful if wanted.replica else partial(_memory, config, state_folder),
                archive_id=archive_id,
                on_stock=watcher.on_stock,
                on_read=watcher.on_read,
                is_stopped=watcher.is_stopped,
                patience=patience,
                effort=effort or Effort(),
            )
            evidence = await _evidence(storage, found, config, wanted)
            behind = await compare_ledgers(first, storage, found) if wanted.replica else []
            notes = [*_notes(found), *evidence.notes, *behind]
            if (lock := config.storage.s3.object_lock) is not None:
                faults = await audit_locks(
                    storage, inventory, request.selects, lock, clock(), is_copy=wanted.replica
                )
                _note_faults(found, faults)
            if inventory.tells_of_holds:
                notes += await _audit_holds(storage, found, inventory, request, wanted)
            if wanted.replica:
                found.findings = advised(found.findings)
            if wanted.repair:
                mend = partial(_mend, config, found, inventory, state_folder=state_folder)
                notes += await mend(clock=clock, pace=pace, today=wanted.today)
        with suppress(StorageError):  # this permission is not needed for anything else here
            notes.append(await promise_of(storage))
    return Verified(found, sample, tuple(notes), tuple(evidence.proofs), state)


async def _mend(
    config: Config,
    found: Verification,
    inventory: Inventory,
    *,
    state_folder: Path,
    clock: Clock,
    pace: Pace,
    today: date | None,
) -> list[str]:
    """Repair what can be; returns why it could not be tried. The findings must be reported, even if
    a witness is unreachable."""
    from archiver.verify.repair import repair  # brings all of a run along

    try:
        await repair(
            config, found, inventory, state_folder=state_folder, clock=clock, pace=pace, today=today
        )
    except ArchiverError as error:
        return [f"not repaired: {error}; {error.hint}".removesuffix("; ")]
    return []


async def _due(wanted: Wanted, state: Path, clock: Clock) -> Sample | None:
    """The sample that is due, if one is wanted."""
    if wanted.parts is None:
        return None
    return await to_thread.run_sync(load_sample, state, wanted.parts, clock())


async def _audit_holds(
    storage: Storage,
    found: Verification,
    inventory: Inventory,
    request: VerifyRequest,
    wanted: Wanted,
) -> list[str]:
    """Add contradictions to holds to the findings; returns notes on what was not checked."""
    if inventory.tells_of_removals:
        doomed = await to_thread.run_sync(inventory.doomed)
        found.findings += await removals_under_hold(storage, found.archive_id, doomed)
    if wanted.replica:  # legal holds of S3 are set on the archive only
        return []
    try:
        found.findings += await audit_legal_holds(
            storage, found.archive_id, inventory, request.selects
        )
    except StorageForbidden as error:
        return [f"S3 legal holds were not checked: {error}"]
    return []


def _note_faults(found: Verification, faults: Sequence[Finding]) -> None:
    """Add problems of locks and versions, except for unrecorded revisions, whose versions are
    not recorded either."""
    new = {one.key for one in found.unrecorded}
    found.findings += [one for one in faults if one.key not in new]


@contextmanager
def _scratch_inventory(keeps_pruned: bool) -> Iterator[Inventory]:
    with (
        tempfile.TemporaryDirectory(prefix="archiver-") as folder,
        closing(
            Inventory(Path(folder) / "inventory.sqlite", keeps_pruned=keeps_pruned)
        ) as inventory,
    ):
        yield inventory


def _memory(config: Config, state_folder: Path, archive_id: str | None) -> Glimpse:
    if archive_id is None:
        return Glimpse()
    return glimpse(catalog_path(config, archive_id, state_folder), archive_id)


def _forgetful(archive_id: str | None) -> Glimpse:
    """A replica may be behind what this machine has seen of the archive."""
    return Glimpse()


def _state_path(
    config: Config, archive_id: str | None, state_folder: Path, *, is_replica: bool
) -> Path:
    name = archive_id or "unknown"
    ending = "replica.verify" if is_replica else "verify"
    return catalog_path(config, name, state_folder).parent / f"{name}.{ending}.json"


async def _evidence(storage: Storage, found: Verification, config: Config, wanted: Wanted) -> Audit:
    if found.walk is None:
        return Audit()
    evidence = await audit_evidence(
        storage, found.walk, config.evidence, wanted.key, found.findings
    )
    found.is_end_known = found.is_end_known or evidence.knows_end
    return evidence


def _notes(found: Verification) -> list[str]:
    notes = []
    if found.segments and not found.is_end_known:
        notes.append(
            "this machine has no catalog of the archive, no witness has a head of it, and no --head"
            " was given: a truncated ledger would not be detected"
        )
    notes += [
        f"{key} is ignored: it was written too late by a process that had lost the lock, or by "
        "one killed before it claimed the number; nothing depends on it"
        for key in found.set_aside
    ]
    if found.unsteady:
        notes.append(
            f"{found.unsteady} recordings had wrong bytes on the first read and correct ones on "
            "the second: check the disk, memory and network of this machine"
        )
    return notes
