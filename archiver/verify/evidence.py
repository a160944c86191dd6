"""Signatures, time stamps and witnesses as part of a verification."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from anyio import to_thread

from archiver.config import EvidenceConfig
from archiver.errors import ExtraMissing, KeyUnusable
from archiver.evidence.audit import Audit, Chain, audit
from archiver.evidence.keys import PublicKey, load_public, public_file, signer_of
from archiver.evidence.objects import Fault, Problem
from archiver.ledger.walk import Walk
from archiver.storage.base import Storage
from archiver.storage.lock import is_archive_locked, is_lock_left
from archiver.verify.findings import (
    BadSignature,
    BadStamp,
    Finding,
    ForeignSignature,
    NotSigned,
    Rewritten,
    RolledBack,
    TailCut,
    Unexpected,
    Unreadable,
)

_KINDS: Final[Mapping[Problem, type[Finding]]] = {
    Problem.BAD_SIGNATURE: BadSignature,
    Problem.FOREIGN_SIGNATURE: ForeignSignature,
    Problem.NOT_SIGNED: NotSigned,
    Problem.BAD_STAMP: BadStamp,
    Problem.REWRITTEN: Rewritten,
    Problem.ROLLED_BACK: RolledBack,
    Problem.TAIL_CUT: TailCut,
    Problem.UNREADABLE: Unreadable,
}


async def audit_evidence(
    storage: Storage,
    walk: Walk,
    config: EvidenceConfig,
    key: Path | None,
    findings: list[Finding],
) -> Audit:
    """Check signatures, time stamps and witnesses, and add contradictions to the findings.

    `key` is the file of the trusted public key; by default, that of `evidence.sign`. Raises
    KeyUnusable if `key` is not a key, and ExtraMissing if it is given and cannot be used.
    """
    notes: list[str] = []
    try:
        given = await to_thread.run_sync(_trusted_key, key, config, notes)
        chain = Chain(walk.archive_id, walk.head, walk.digests, await _is_unfinished(storage))
        has_traces = any(isinstance(one, TailCut | Unexpected) for one in findings)
        found = await audit(storage, chain, config, given, has_traces=has_traces)
    except ExtraMissing as error:
        if key is not None:
            raise
        return Audit(notes=[f"signatures and time stamps were not checked: {error}; {error.hint}"])
    found.notes[:0] = notes
    findings += [_finding(one) for one in found.faults]
    return found


def _trusted_key(key: Path | None, config: EvidenceConfig, notes: list[str]) -> PublicKey | None:
    return load_public(key) if key is not None else _own_key(config, notes)


def _own_key(config: EvidenceConfig, notes: list[str]) -> PublicKey | None:
    """The public part of the machine's own key, preferably from the file next to it, which needs no
    passphrase."""
    if config.sign is None:
        return None
    try:
        beside = public_file(config.sign)
        return load_public(beside) if beside.exists() else signer_of(config).public
    except KeyUnusable as error:
        notes.append(f"signatures are not compared with the key of evidence.sign: {error}")
        return None


async def _is_unfinished(storage: Storage) -> bool:
    """Whether a run is in progress or was killed: the next run signs what it has recorded so
    far."""
    return await is_archive_locked(storage) or await is_lock_left(storage)


def _finding(fault: Fault) -> Finding:
    kind = _KINDS[fault.problem]
    return kind(key=fault.key, expected=fault.expected, found=fault.found)
