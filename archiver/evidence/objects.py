"""Reads and parses the objects under `_archive/evidence/`; signatures are not verified here.

They are small (a few kilobytes per run), so all of them are read every time.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from archiver.errors import StorageError, StorageUnreachable
from archiver.evidence.keys import PublicKey, read_public
from archiver.evidence.statements import (
    HeadStatement,
    Rotation,
    Signed,
    head_in,
    head_key,
    is_evidence,
    public_key_key,
    read_head,
    read_rotation,
    read_signed,
    rotation_key,
)
from archiver.ledger.segments import Head
from archiver.storage.base import Storage
from archiver.storage.keys import EVIDENCE_PREFIX
from archiver.tasks.lanes import in_lanes

_AT_ONCE = 8
_MOST_BYTES = 256 * 1024


class Problem(StrEnum):
    """The kinds of problems, named like the findings of `verify`."""

    BAD_SIGNATURE = "bad-signature"
    FOREIGN_SIGNATURE = "foreign-signature"
    NOT_SIGNED = "not-signed"
    BAD_STAMP = "bad-stamp"
    REWRITTEN = "rewritten"
    ROLLED_BACK = "rolled-back"
    TAIL_CUT = "tail-cut"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Fault:
    """One problem: the object, what was expected, and what was found."""

    problem: Problem
    key: str
    expected: str
    found: str


@dataclass(slots=True)
class Exhibits:
    """The parsed evidence of an archive. `faults` has the objects that could not be parsed."""

    keys: dict[str, PublicKey] = field(default_factory=dict)
    rotations: list[tuple[str, Rotation, Signed]] = field(default_factory=list)
    heads: list[tuple[str, HeadStatement, Signed]] = field(default_factory=list)
    stamps: list[tuple[str, Head, bytes]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def take(self, key: str, data: bytes) -> None:
        """Parse and add one object."""
        try:
            if key.endswith(".tsr"):
                self.stamps.append((key, head_in(key) or Head(), data))
            elif key.endswith(".pem"):
                self._take_key(key, data)
            elif head_in(key) is None:
                self._take_rotation(key, read_signed(data))
            else:
                self._take_head(key, read_signed(data))
        except ValueError as error:
            self.faults.append(Fault(Problem.BAD_SIGNATURE, key, "a signed statement", str(error)))

    def _take_key(self, key: str, data: bytes) -> None:
        public = read_public(data)
        if public is None or public_key_key(public.key_id) != key:
            raise ValueError("it is not the public key named by its file name")
        self.keys[public.key_id] = public

    def _take_rotation(self, key: str, signed: Signed) -> None:
        rotation = read_rotation(signed)
        if rotation_key(rotation.key_id) != key:
            raise ValueError(f"it is about another key, {rotation.key_id[:16]}")
        self.rotations.append((key, rotation, signed))

    def _take_head(self, key: str, signed: Signed) -> None:
        statement = read_head(signed)
        if head_key(statement.head, str(statement.key_id)) != key:
            raise ValueError(f"it is about another head, {statement.head}")
        self.heads.append((key, statement, signed))


async def read_exhibits(storage: Storage) -> Exhibits:
    """All evidence in the archive. Raises StorageUnreachable."""
    keys = [one.key async for one in storage.list(EVIDENCE_PREFIX) if is_evidence(one.key)]
    found: dict[str, bytes | StorageError] = {}

    async def read(key: str) -> None:
        try:
            found[key] = await storage.read(key, limit=_MOST_BYTES)
        except StorageUnreachable:
            raise
        except StorageError as error:
            found[key] = error

    await in_lanes(_AT_ONCE, keys, read)
    exhibits = Exhibits()
    for key in keys:
        data = found[key]
        if isinstance(data, StorageError):
            exhibits.faults.append(Fault(Problem.UNREADABLE, key, "something to read", str(data)))
        else:
            exhibits.take(key, data)
    return exhibits
