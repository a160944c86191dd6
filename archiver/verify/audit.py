"""A verification: from the first segment of the ledger to the last byte that it lists.

1. Walk the ledger, and build an inventory of everything that it lists. Problems are noted.
2. List the archive and read it back (`compare`). Objects that do not match become suspects.
3. Check every suspect a second time, after catching up with the ledger: a run may have been in
   progress, and a disk or network that returns different bytes each time is no evidence of damage.
   An object that only a run can explain is given the time in which a run updates the ledger.

Nothing is written, no lock is acquired, no API request is made.
"""

import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import anyio
import anyio.to_thread

from archiver.archive.format import encode_format
from archiver.archive.unrecorded import (
    Left,
    Recorded,
    Unrecorded,
    explain_sidecar,
    explain_stray,
)
from archiver.catalog.readonly import Glimpse
from archiver.clock import stamp
from archiver.errors import KeyMissing, StorageError, StorageForbidden
from archiver.evidence.statements import is_evidence
from archiver.ledger.claims import claim_key, claim_of
from archiver.ledger.walk import Step, Walk
from archiver.recordings.sidecar import MOST_BYTES
from archiver.storage.base import ByteRange, Storage
from archiver.storage.keys import (
    EVIDENCE_PREFIX,
    FORMAT_KEY,
    LOCK_KEYS,
    TMP_PREFIX,
    parse_revision_key,
    sidecar_beside,
)
from archiver.storage.lock import is_archive_locked, is_lock_left
from archiver.tasks.lanes import in_lanes, in_order
from archiver.verify.advising import BY_A_RUN, advised
from archiver.verify.chain import chain_finding, tail_findings
from archiver.verify.children import Effort, Processes, processes
from archiver.verify.compare import Checked, Inspector
from archiver.verify.findings import (
    ChainBroken,
    Finding,
    ForeignFormat,
    Missing,
    NotAllowed,
    Rewritten,
    RolledBack,
    TailCut,
    TwoArchives,
    Unexpected,
    Unreadable,
    WrongDigest,
    WrongSize,
    said,
)
from archiver.verify.inventory import Expected, Inventory, Kind
from archiver.verify.parsing import Parsed, parse
from archiver.verify.rules import judge
from archiver.verify.sampling import Sample

PATIENCE: Final = 45.0
"""Seconds: a run records an object in the ledger within 30 s after it was stored."""

_PAUSE = 1.0
_LOOKS_AT_ONCE = 8
_RUNS_CHANGE: Final = frozenset({Kind.SIDECAR, Kind.REPORT})


@dataclass(frozen=True, slots=True)
class VerifyRequest:
    """The options of a verification. At most one of `sample` and `since` limits what is read."""

    sample: Sample | None = None
    since: datetime | None = None
    head: str | None = None

    def selects(self, expected: Expected) -> bool:
        """Whether the object is to be read completely."""
        if self.sample is not None:
            return self.sample.takes(expected.key)
        return self.since is None or expected.at >= stamp(self.since)


@dataclass(slots=True)
class Verification:
    """The results. `is_whole` is true if everything requested was checked, `is_end_known` if the
    end of the ledger is known from elsewhere: a chain alone cannot show that it was truncated.

    `set_aside` are the keys of segments that are not valid, because their writer was too late or
    has not claimed its number yet (`ledger/claims.py`): neither damage nor evidence. `unrecorded`
    are objects of a run that was killed or has not recorded them yet: no damage either.
    """

    archive_id: str | None
    findings: list[Finding] = field(default_factory=list)
    checked: Checked = field(default_factory=Checked)
    segments: int = 0
    head: str | None = None
    walk: Walk | None = None
    is_whole: bool = False
    is_end_known: bool = False
    unsteady: int = 0
    set_aside: dict[str, None] = field(default_factory=dict)
    unrecorded: list[Unrecorded] = field(default_factory=list)
    reached: str = ""
    seconds: float = 0.0

    @property
    def remaining(self) -> list[Finding]:
        """The findings that were not repaired."""
        return [one for one in self.findings if not one.repaired]

    @property
    def waits(self) -> bool:
        """Whether a run or a repair still has to record something."""
        return any(one.what.waits for one in self.unrecorded)

    @property
    def breaks_ledger(self) -> bool:
        """Whether the ledger itself is damaged, so that nothing may be built on it."""
        kinds = (ChainBroken, TailCut, Rewritten, RolledBack, TwoArchives, ForeignFormat)
        return any(isinstance(one, kinds) or one.key == FORMAT_KEY for one in self.findings)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a run in progress may take to update the ledger, and how to wait."""

    seconds: float = PATIENCE
    sleep: Callable[[float], Awaitable[object]] = anyio.sleep


PATIENT: Final = Patience()


@dataclass(slots=True)
class _Check:
    """One verification in progress."""

    storage: Storage
    walk: Walk
    inventory: Inventory
    found: Verification
    processes: Processes
    _asking: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(1))

    async def follow(self) -> None:
        """Continue the walk, adding to the inventory and noting problems."""
        await in_order(self.processes.lanes, self.walk.steps(), self._parse, self._note)
        self.found.segments = len(self.walk.digests)
        self.found.head = self.walk.head.digest
        self.found.archive_id = self.walk.archive_id

    async def _parse(self, step: Step) -> Parsed | None:
        await self.processes.expect_lines(self.walk.bytes)
        return await self.processes.parse(step.lines)

    async def _note(self, step: Step, parsed: Parsed | None) -> None:
        bad = await anyio.to_thread.run_sync(self._take, step, parsed)
        for one in step.breaks:
            self.found.findings.append(chain_finding(one))
        if bad and not step.breaks:
            wanted, found = "an event on every line", f"none on line {said(at + 1 for at in bad)}"
            self.found.findings.append(ChainBroken(key=step.key, expected=wanted, found=found))

    def _take(self, step: Step, parsed: Parsed | None) -> list[int]:
        if any(one.found == "missing" for one in step.breaks):
            return []
        # The walk has read and judged it: here it only must not look like a stray.
        self.inventory.add(step.key, Kind.SEGMENT, "0" * 64)
        if step.set_aside:
            self.found.set_aside[step.key] = None
            return []
        self.found.set_aside.pop(step.key, None)
        if step.head is not None:
            self.inventory.add(claim_key(step.head.number), Kind.CLAIM, claim_of(step.head).sha256)
        return self.inventory.take(parse(step.lines) if parsed is None else parsed)

    async def expect_evidence(self) -> None:
        """Add the names of signatures and stamps: they are in no event, and are judged by their
        content (see `archiver.evidence`)."""
        async for info in self.storage.list(EVIDENCE_PREFIX):
            if is_evidence(info.key):
                await anyio.to_thread.run_sync(
                    self.inventory.add, info.key, Kind.EVIDENCE, "0" * 64
                )

    async def find(self, key: str) -> Expected | None:
        """The object expected under that key, looked up in a worker thread by one task at a
        time."""
        return await anyio.to_thread.run_sync(self.inventory.find, key, limiter=self._asking)

    async def look_again(self, suspects: Sequence[str]) -> list[Finding]:
        """The suspects that still do not match, each read again, in order."""
        found: dict[str, Finding] = {}

        async def look(key: str) -> None:
            expected = await self.find(key)
            finding = await (self._stray(key) if expected is None else self._judge(expected))
            if finding is not None:
                found[key] = finding

        await in_lanes(_LOOKS_AT_ONCE, suspects, look)
        return [found[key] for key in suspects if key in found]

    async def _judge(self, expected: Expected) -> Finding | None:
        if expected.kind in (Kind.SEGMENT, Kind.EVIDENCE):
            return None
        keep = MOST_BYTES if expected.kind == Kind.SIDECAR else 0
        (read,) = await self.storage.readings([expected.key], keep=keep)
        return judge(expected, read)

    async def _stray(self, key: str) -> Finding | None:
        """An object that is not in the ledger, if it still exists."""
        if is_evidence(key):
            return None  # written since it was listed, and judged with all other evidence
        try:
            info = await self.storage.stat(key)
        except KeyMissing:
            return None
        except StorageForbidden as error:
            return NotAllowed(key=key, expected="nothing", found=str(error))
        except (ValueError, StorageError):  # a name that no archive has, or a link: it was listed
            return Unexpected(key=key, expected="nothing", found="an object with a foreign name")
        found = f"an object of {info.size} bytes"
        try:
            async with self.storage.open(key, ByteRange(0, 1)):
                pass
        except KeyMissing:  # a pipe, a device: nothing that has bytes
            found = "not a regular file"
        except StorageError as error:
            found = str(error)
        return Unexpected(key=key, expected="nothing", found=found)


async def check(
    storage: Storage,
    request: VerifyRequest,
    inventory: Inventory,
    remembered: Callable[[str | None], Glimpse],
    *,
    archive_id: str | None,
    on_stock: Callable[[int, int], None],
    on_read: Callable[[int, int], None],
    is_stopped: Callable[[], bool],
    patience: Patience,
    effort: Effort,
) -> Verification:
    """Verify the archive in `storage`. Raises StorageError if the storage does not respond."""
    began = time.monotonic()
    found = Verification(archive_id)
    async with processes(storage.reader, effort) as those:
        one = _Check(storage, Walk(storage, archive_id), inventory, found, those)
        inspector = await _first_pass(one, request, remembered, on_stock, on_read, is_stopped)
    now_listed = await _look_at_gaps(one, inspector.gaps)
    await _settle(one, [*inspector.suspects, *now_listed], patience)
    found.walk = one.walk
    found.seconds = time.monotonic() - began
    return found


async def _first_pass(
    one: _Check,
    request: VerifyRequest,
    remembered: Callable[[str | None], Glimpse],
    on_stock: Callable[[int, int], None],
    on_read: Callable[[int, int], None],
    is_stopped: Callable[[], bool],
) -> Inspector:
    """Follow the ledger to its end, then read the archive once."""
    storage, inventory, found = one.storage, one.inventory, one.found
    await one.follow()
    memory = await anyio.to_thread.run_sync(remembered, one.walk.archive_id)
    await anyio.to_thread.run_sync(inventory.take, parse(memory.outbox))
    if one.walk.archive_id is not None:
        sha256 = hashlib.sha256(encode_format(one.walk.archive_id)).hexdigest()
        await anyio.to_thread.run_sync(inventory.add, FORMAT_KEY, Kind.FORMAT, sha256)
    await one.expect_evidence()
    found.findings += tail_findings(one.walk, request.head, memory)
    found.is_end_known = request.head is not None or memory.head.digest is not None
    stock = await anyio.to_thread.run_sync(inventory.stock)
    on_stock(*stock)
    await one.processes.expect(stock.objects)
    checked = Checked(on_read=on_read)
    inspector = Inspector(storage, inventory, request.selects, is_stopped, one.processes, checked)
    found.is_whole = await inspector.inspect()
    found.checked, found.reached = inspector.checked, inspector.reached
    return inspector


async def _look_at_gaps(one: _Check, gaps: Mapping[str, StorageError]) -> list[str]:
    """Note what cannot be listed after a second attempt; returns the keys in folders that can be
    listed now.

    What the ledger lists there is a suspect anyway; other objects could be hidden there.
    """
    keys: list[str] = []
    for gap in gaps:
        try:
            keys += [info.key async for info in one.storage.list(gap)]
        except (ValueError, StorageError):  # a name that no archive has is tried once
            if await one.find(gap) is None:
                wanted, found = "a readable directory entry", str(gaps[gap])
                kind = NotAllowed if isinstance(gaps[gap], StorageForbidden) else Unreadable
                one.found.findings.append(kind(key=gap, expected=wanted, found=found))
    return keys


async def _settle(one: _Check, suspects: list[str], patience: Patience) -> None:
    """Second checks, until no suspect is left that a run in progress may explain."""
    suspects = sorted(set(suspects))
    waited = 0.0
    while suspects:
        is_locked = await is_archive_locked(one.storage)
        await one.follow()
        findings = await one.look_again(suspects)
        if not waited:
            await _count_unsteady(one, suspects, findings)
        suspects = []
        is_left = is_locked or await is_lock_left(one.storage)
        for finding in findings:
            if finding.key in LOCK_KEYS:
                continue  # left on purpose by a run that ended out of order: the next one asks
            may_pass = is_locked and await _may_pass(one, finding)
            if may_pass and waited < patience.seconds:
                if not finding.key.startswith(TMP_PREFIX):  # working space of the lock's owner
                    suspects.append(finding.key)
            elif left := await _explained(one, finding, is_left=is_left):
                one.found.unrecorded.append(Unrecorded(finding.key, left))
            elif may_pass:
                one.found.findings.append(finding.advised(BY_A_RUN))
            else:
                one.found.findings.append(
                    advised(finding, one.walk, breaks_ledger=one.found.breaks_ledger)
                )
        if suspects:
            await patience.sleep(_PAUSE)
            waited += _PAUSE


async def _explained(one: _Check, finding: Finding, *, is_left: bool) -> Left | None:
    """What the object is, if it is just unrecorded: see `archive/unrecorded.py`."""
    key, storage = finding.key, one.storage
    if one.found.breaks_ledger:
        return None  # an unknown object may be named in the lost part of it
    if isinstance(finding, Unexpected):
        told = parse_revision_key(key)
        sidecar = told.sidecar if told is not None else sidecar_beside(key)
        recorded = None if sidecar is None else await _recorded(one, sidecar)
        return await explain_stray(storage, key, recorded, is_left=is_left)
    if isinstance(finding, WrongSize | WrongDigest):
        recorded = await _recorded(one, key)
        if recorded is not None and await explain_sidecar(storage, key, recorded):
            return Left.REVISION
    return None


async def _recorded(one: _Check, sidecar: str) -> Recorded | None:
    """What the ledger has about the recording with that sidecar key."""
    expected = await one.find(sidecar)
    if expected is None or expected.kind != Kind.SIDECAR:
        return None
    return Recorded(
        expected.record_id or 0,
        expected.sha256,
        expected.revision or 0,
        expected.audio_sha256 or "",
    )


async def _may_pass(one: _Check, finding: Finding) -> bool:
    """Whether a run in progress may be the reason."""
    if isinstance(finding, Unexpected | Missing):
        return True
    expected = await one.find(finding.key)
    return expected is not None and expected.kind in _RUNS_CHANGE


async def _count_unsteady(one: _Check, suspects: list[str], findings: list[Finding]) -> None:
    """Audio never changes: if it did not match and matches now, reads are unreliable."""
    still = {finding.key for finding in findings}
    for key in suspects:
        expected = await one.find(key) if key not in still else None
        if expected is not None and expected.kind == Kind.AUDIO and not expected.leaving:
            one.found.unsteady += 1
