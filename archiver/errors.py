"""The errors of the archiver, as one small tree.

Every error answers four questions: what happened (`str(error)`), what the reader should do
(`hint`), whether the same thing may succeed later (`retryable`, with `retry_after` in seconds where
the other side named a wait), and which exit code a command ends with when it cannot go on.

    ArchiverError                 1   anything we raise on purpose
    ├── UsageError                2   the command line asks for something impossible
    │   ├── ConfigError           2   archive.yaml is wrong: names the line and the key
    │   ├── NoArchive             2   there is no archive where storage.url points
    │   ├── ExtraMissing          2   a part of the product is not installed
    │   └── KeyUnusable           2   the key of evidence.sign cannot sign, or --key is none
    ├── DeskRefused               2   the desk does not do what a visitor asks for
    │   ├── LogInFailed           2   no such name, or another password
    │   ├── LogInThrottled        2   too many failed attempts; `retry_after` says how long
    │   ├── NotAllowed            2   the visitor's role, or another's work, forbids it
    │   ├── NoSuchThing           2   there is no such note, verdict or queue
    │   ├── ChangedMeanwhile      2   it was changed after the form was made
    │   └── WrongInput            2   a field says what it cannot; has `field`, `problem`, `limit`
    ├── NothingToExport           3   there is no call of those that are asked for
    ├── SourceError               5   the Liner API as a whole cannot be used
    │   ├── SourceUnreachable     5   no answer from it, or none that makes sense
    │   ├── SourceRefused         5   it answers, and refuses the key
    │   └── SourceUntrusted       5   it answers, and not with a TLS that can be trusted
    ├── RequestError              5   one API request failed; the run goes on without it
    │   ├── RequestNotFound       5   404 or 410: the API knows no such thing
    │   ├── RequestForbidden      5   403: the key may not read this one thing
    │   ├── RequestRejected       5   400, 405, 413, 414, 422: asking again changes nothing
    │   ├── RequestThrottled      5   429: asked to slow down
    │   ├── RequestUnanswered     5   408, 425, 5xx, a network fault or a time-out
    │   └── AnswerMalformed       5   an answer that is not what the API promises
    ├── FetchError                5   one recording could not be brought home; has a `Reason`
    ├── StorageError              5   the archive's storage
    │   ├── StorageUnreachable    5   it does not answer
    │   ├── StorageRefused        5   it answers, and refuses
    │   │   └── StorageForbidden  5   for want of rights or credentials: not allowed, not damaged
    │   ├── ObjectRefused         5   it takes no such object: too large, or its name too long
    │   ├── StorageFull           5   no space left
    │   ├── KeyExists             5   a create-only put met an object
    │   ├── KeyMissing            5   no object under that key
    │   └── KeyChanged            5   the object is no longer the one that was read
    ├── ArchiveDamaged            4   what the archive says of itself does not hold
    ├── ArchiveLocked             6   another run has locked the archive
    ├── StampUnavailable          5   the time stamp authority gave no stamp; no run ends with it
    └── NoticeUndelivered         5   somebody could not be told; no run ends with it

No error of httpx, botocore or sqlite3 leaves the module that talks to that library.
"""

from collections.abc import Sequence
from typing import ClassVar, Final, Literal, TypeAlias

from archiver.reasons import Reason

INTERRUPTED: Final = 130
"""The exit code of a command that a signal ended, which is no error."""


class ArchiverError(Exception):
    """Base of everything the archiver raises on purpose."""

    exit_code: ClassVar[int] = 1
    retryable: bool = False

    def __init__(self, message: str, *, hint: str = "", retry_after: float | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        self.retry_after = retry_after


class UsageError(ArchiverError):
    """The command line asks for something that cannot be done."""

    exit_code = 2


class ConfigError(UsageError):
    """archive.yaml cannot be used; the message names the line and the key.

    `others` are the further errors of the same file, in the order of their lines.
    """

    def __init__(self, message: str, *, hint: str = "", line: int | None = None) -> None:
        super().__init__(message, hint=hint)
        self.line = line
        self.others: Sequence[ConfigError] = ()


class NoArchive(UsageError):
    """There is no archive where the configuration says."""


class ExtraMissing(UsageError):
    """A part of the product is not installed; the hint names the extra to install."""


class KeyUnusable(UsageError):
    """A key cannot sign or verify: it is missing, locked by a passphrase, or no such key."""


class DeskRefused(ArchiverError):
    """The desk does not do what a visitor asks for; nothing was changed. No command ends so."""

    exit_code = 2


class LogInFailed(DeskRefused):
    """There is no such name, or it has another password: which of them is not told."""


class LogInThrottled(DeskRefused):
    """Too many failed attempts; `retry_after` says when the next one is heard."""


class NotAllowed(DeskRefused):
    """The visitor's role does not allow it, or it is the work of somebody else."""


class NoSuchThing(DeskRefused):
    """There is no such note, verdict or queue (any more)."""


class ChangedMeanwhile(DeskRefused):
    """It was changed after the form was made, from another page; nothing was overwritten."""


Problem: TypeAlias = Literal["empty", "too-long", "too-many", "range", "unanswered", "invalid"]


class WrongInput(DeskRefused):
    """What a visitor wrote cannot be taken; `field` names the place, `problem` what is wrong there.

    `limit` is the greatest length, number or value that is taken, or how many are unanswered.
    """

    def __init__(
        self,
        field: str,
        message: str,
        *,
        problem: Problem = "invalid",
        limit: int | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.field = field
        self.problem: Problem = problem
        self.limit = limit


class NothingToExport(ArchiverError):
    """There is no call of those that are asked for; nothing was written."""

    exit_code = 3


class SourceError(ArchiverError):
    """The Liner API as a whole cannot be used."""

    exit_code = 5


class SourceUnreachable(SourceError):
    """The API does not answer, or nothing that makes sense."""

    retryable = True


class SourceRefused(SourceError):
    """The API answers and refuses the key."""


class SourceUntrusted(SourceError):
    """The API answers, and no TLS can be had with it, or none that proves whom we talk to."""


class RequestError(ArchiverError):
    """One API request failed, after every retry that its kind allows."""

    exit_code = 5

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        hint: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, hint=hint, retry_after=retry_after)
        self.status = status


class RequestNotFound(RequestError):
    """404 or 410: the API knows no such thing."""


class RequestForbidden(RequestError):
    """403: the key may not read this one thing."""


class RequestRejected(RequestError):
    """400, 405, 413, 414 or 422: the same request will be refused again."""


class RequestThrottled(RequestError):
    """429: the API asks us to slow down; `retry_after` says for how long, where it said so."""

    retryable = True


class RequestUnanswered(RequestError):
    """408, 425, 5xx, a network fault or a time-out."""

    retryable = True


class AnswerMalformed(RequestError):
    """The answer is not the promised envelope: HTML, cut JSON, `success: false`, too large."""

    retryable = True


class FetchError(ArchiverError):
    """One recording could not be brought home. `reason` says why, in a word of the ledger."""

    exit_code = 5

    def __init__(
        self,
        reason: Reason,
        message: str,
        *,
        hint: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, hint=hint, retry_after=retry_after)
        self.reason = reason
        self.retryable = reason.is_transient


class StorageError(ArchiverError):
    """The storage of the archive failed."""

    exit_code = 5

    def __init__(
        self,
        message: str,
        *,
        key: str | None = None,
        hint: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, hint=hint, retry_after=retry_after)
        self.key = key


class StorageUnreachable(StorageError):
    """The storage does not answer, or answers with a fault of its own."""

    retryable = True


class StorageRefused(StorageError):
    """The storage answers and refuses: rights, credentials, a missing bucket or folder."""


class StorageForbidden(StorageRefused):
    """The rights or credentials do not allow it: which says nothing of what lies there."""


class ObjectRefused(StorageError):
    """The storage takes no such object: it is too large, or has a name that it refuses."""


class StorageFull(StorageError):
    """No space left."""


class KeyExists(StorageError):
    """A create-only put met an object under that key."""


class KeyMissing(StorageError):
    """There is no object under that key."""


class KeyChanged(StorageError):
    """The object is no longer the one that was read (its tag differs)."""


class ArchiveDamaged(ArchiverError):
    """What the archive says of itself does not hold."""

    exit_code = 4


class ArchiveLocked(ArchiverError):
    """Another run has locked the archive."""

    exit_code = 6


class StampUnavailable(ArchiverError):
    """The time stamp authority gave no stamp that counts. It is tried again with the next head."""

    exit_code = 5


class NoticeUndelivered(ArchiverError):
    """A notice did not arrive. It is told and counted, and never ends a run."""

    exit_code = 5
