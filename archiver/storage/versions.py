"""What a medium with versions can do beside the six verbs.

Where a bucket keeps versions, nothing is gone before every version of it is, and an Object Lock
protects a version, never a key: a later put becomes the current object, and a delete covers it.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import datetime

from msgspec import Struct


class ObjectVersion(Struct, frozen=True):
    """One version of an object, or a marker that says it was deleted. `version` is None where the
    bucket keeps none; `written` is by the clock of the bucket."""

    key: str
    version: str | None
    size: int
    is_newest: bool
    is_marker: bool = False
    written: datetime | None = None


@dataclass(frozen=True, slots=True)
class ObjectLock:
    """The lock of one version: until when (None: it never had any), in which mode, and whether a
    legal hold in the storage protects it as well. `written` is the time of the version, by the
    clock of the bucket."""

    until: datetime | None = None
    is_on_hold: bool = False
    mode: str | None = None
    written: datetime | None = field(default=None, compare=False)

    def holds(self, now: datetime) -> bool:
        """Whether the version cannot be removed at that moment."""
        return self.is_on_hold or (self.until is not None and self.until > now)


class Versions(ABC):
    """The versions of the objects of one archive. Errors are those of `Storage`."""

    @abstractmethod
    async def of(self, prefix: str) -> list[ObjectVersion]:
        """Every version of every object whose key starts with `prefix`; by key, newest first."""

    @abstractmethod
    async def lock(self, key: str, version: str | None) -> ObjectLock:
        """The lock of that version (None: of the current object); KeyMissing without one."""

    @abstractmethod
    async def retain(self, key: str, version: str | None, mode: str, until: datetime) -> None:
        """Lock that version in this mode until then. Only for a later date than the version has:
        some servers shorten a lock silently."""

    @abstractmethod
    async def hold(self, key: str, version: str | None, *, is_on: bool) -> None:
        """Set a legal hold on that version, or remove it."""

    @abstractmethod
    async def is_on_hold(self, key: str, version: str | None) -> bool:
        """Whether that version has a legal hold; StorageForbidden where the account may not know,
        which `lock` cannot tell from none."""

    @abstractmethod
    async def delete(self, key: str, version: str | None) -> None:
        """Remove one version, or marker, for good; StorageRefused while it is locked."""

    @abstractmethod
    async def can_lock(self) -> bool:
        """Whether the bucket takes Object Locks."""
