"""The errors of the archiver, as one small tree.

Every error answers four questions: what happened (`str(error)`), what the reader should do
(`hint`), whether the same thing may succeed later (`retryable`, with `retry_after` in seconds where
the other side asked for a delay), and which exit code the command ends with.

    ArchiverError                 1   every error raised deliberately
    ├── UsageError                2   the command line asks for something impossible
    │   ├── ConfigError           2   archive.yaml is wrong: names the line and the key
    │   ├── NoArchive             2   there is no archive where storage.url points
    │   ├── ExtraMissing          2   a part of the product is not installed
    │   └── KeyUnusable           2   the key of evidence.sign cannot sign, or --key is none
    ├── DeskRefused               2   the desk rejects a user's request
    │   ├── LogInFailed           2   unknown name or incorrect password
    │   ├── LogInThrottled        2   too many failed attempts; `retry_after` says how long
    │   ├── NotAllowed            2   the user's role, or the ownership of a note, forbids it
    │   ├── NoSuchThing           2   there is no such note, verdict or queue
    │   ├── ChangedMeanwhile      2   it was changed after the form was made
    │   └── WrongInput            2   a field is invalid; has `field`, `problem`, `limit`
    │       └── WrongAnswer       2   an answer is; `field` is the id of its question
    ├── NothingToExport           3   no call matches the selection
    ├── SourceError               5   the Liner API as a whole cannot be used
    │   ├── SourceUnreachable     5   it does not respond, or not with valid responses
    │   ├── SourceRefused         5   it rejects the key
    │   └── SourceUntrusted       5   it has no TLS, or an untrusted certificate
    ├── RequestError              5   one API request failed; the run continues
    │   ├── RequestNotFound       5   404 or 410: it does not exist
    │   ├── RequestForbidden      5   403: the key has no permission for it
    │   ├── RequestRejected       5   400, 405, 413, 414, 422: not worth a retry
    │   ├── RequestThrottled      5   429: rate limited
    │   ├── RequestUnanswered     5   408, 425, 5xx, a network fault or a time-out
    │   └── AnswerMalformed       5   a response that violates the API's specification
    ├── FetchError                5   one recording could not be fetched; has a `Reason`
    ├── StorageError              5   the archive's storage
    │   ├── StorageUnreachable    5   it does not respond
    │   ├── StorageRefused        5   it rejects the request
    │   │   └── StorageForbidden  5   missing permissions or credentials: not damage
    │   ├── ObjectRefused         5   it rejects the object: too large, or its name too long
    │   ├── StorageFull           5   no space left
    │   ├── KeyExists             5   a create-only put found an object
    │   ├── KeyMissing            5   no object under that key
    │   └── KeyChanged            5   the object is no longer the one that was read
    ├── ArchiveDamaged            4   the archive contradicts its ledger or format
    ├── ArchiveLocked             6   another run has locked the archive
    ├── CrewUnavailable           5   the processes or machines that fetch and store cannot be used
    ├── StampUnavailable          5   the authority issued no time stamp; never ends a run
    └── NoticeUndelivered         5   a notice could not be delivered; never ends a run

Errors of httpx, botocore and sqlite3 are converted in the module that uses the library.
"""

from collections.abc import Sequence
from typing import ClassVar, Final, Literal, TypeAlias

from archiver.reasons import Reason

INTERRUPTED: Final = 130
"""The exit code of a command that was ended by a signal; not an error."""


class ArchiverError(Exception):
    """Base class of all errors that the archiver raises deliberately."""

    exit_code: ClassVar[int] = 1
    retryable: bool = False

    def __init__(self, message: str, *, hint: str = "", retry_after: float | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        self.retry_after = retry_after


class UsageError(ArchiverError):
    """The command line asks for something impossible."""

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
    """There is no archive at the configured location."""


class ExtraMissing(UsageError):
    """A part of the product is not installed; the hint names the extra to install."""


class KeyUnusable(UsageError):
    """A key cannot sign or verify: it is missing, locked by a passphrase, or no such key."""


class DeskRefused(ArchiverError):
    """The desk rejects a user's request; nothing was changed. Never ends a command."""

    exit_code = 2


class LogInFailed(DeskRefused):
    """Unknown name or incorrect password; which of them is not revealed."""


class LogInThrottled(DeskRefused):
    """Too many failed attempts; `retry_after` says when the next one is allowed."""


class NotAllowed(DeskRefused):
    """The user's role does not allow it, or it belongs to another user."""


class NoSuchThing(DeskRefused):
    """The note, verdict or queue does not exist (any more)."""


class ChangedMeanwhile(DeskRefused):
    """It was changed on another page after the form was loaded; nothing was overwritten."""


Problem: TypeAlias = Literal[
    "empty",
    "too-short",
    "too-long",
    "too-few",
    "too-many",
    "range",
    "unanswered",
    "unapproved",
    "repetitive",
    "not-ascii",
    "mismatch",
    "no-key",
    "one-lock",
    "nothing",
    "invalid",
]


class WrongInput(DeskRefused):
    """Invalid input; `field` names the field, `problem` what is wrong with it.

    `limit` is the maximum length, number or value, or how many questions are unanswered.
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


class WrongAnswer(WrongInput):
    """An invalid answer to a question of a scorecard, or remark on it; `field` is its id, which may
    be the name of a field as well."""


class NothingToExport(ArchiverError):
    """No call matches the selection; nothing was written."""

    exit_code = 3


class SourceError(ArchiverError):
    """The Liner API as a whole cannot be used."""

    exit_code = 5


class SourceUnreachable(SourceError):
    """The API does not respond, or not with valid responses."""

    retryable = True


class SourceRefused(SourceError):
    """The API rejects the key."""


class SourceUntrusted(SourceError):
    """The API has no TLS, or its certificate is not trusted."""


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
    """404 or 410: it does not exist."""


class RequestForbidden(RequestError):
    """403: the key has no permission for it."""


class RequestRejected(RequestError):
    """400, 405, 413, 414 or 422: the same request would be rejected again."""


class RequestThrottled(RequestError):
    """429: rate limited; `retry_after` is the delay that the API asked for, if any."""

    retryable = True


class RequestUnanswered(RequestError):
    """408, 425, 5xx, a network fault or a time-out."""

    retryable = True


class AnswerMalformed(RequestError):
    """The response is not valid: HTML, truncated JSON, `success: false`, too large."""

    retryable = True


class FetchError(ArchiverError):
    """One recording could not be fetched. `reason` is the reason that the ledger records."""

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
    """The storage does not respond, or fails."""

    retryable = True


class StorageRefused(StorageError):
    """The storage rejects the request: permissions, credentials, a missing bucket or folder."""


class StorageForbidden(StorageRefused):
    """Permissions or credentials do not allow it; the object itself may be intact."""


class ObjectRefused(StorageError):
    """The storage rejects the object because of its size or name."""


class StorageFull(StorageError):
    """No space left."""


class KeyExists(StorageError):
    """A create-only put found an object under that key."""


class KeyMissing(StorageError):
    """There is no object under that key."""


class KeyChanged(StorageError):
    """The object is no longer the one that was read (its tag differs)."""


class ArchiveDamaged(ArchiverError):
    """The archive contradicts its ledger or format."""

    exit_code = 4


class ArchiveLocked(ArchiverError):
    """Another run has locked the archive."""

    exit_code = 6


class CrewUnavailable(ArchiverError):
    """The processes or machines that are to fetch and store do not answer, or cannot work."""

    exit_code = 5


class StampUnavailable(ArchiverError):
    """The authority issued no valid time stamp. It is requested again for the next head."""

    exit_code = 5


class NoticeUndelivered(ArchiverError):
    """A notice could not be delivered. It is reported and counted, and never ends a run."""

    exit_code = 5
