"""Encrypted packages: a zip with a password, or a zip encrypted for recipients of age.

The zip is encrypted while it is written, so no readable part of it is ever on the disk. A password
creates a zip in the format of WinZip and 7-Zip: AES-256, with readable names and sizes of files.
age encrypts the whole file, including names, for the recipients' keys.
"""

import io
import os
import threading
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from archiver.desk.packages.locks import LONGEST, SHORTEST, Flaw, flaw_of, is_public_key
from archiver.errors import UsageError
from archiver.extras import extra
from archiver.secrets import Secret

_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - what is wanted is memory, for files of our own


@dataclass(frozen=True, slots=True)
class Password:
    """Encryption with a password."""

    secret: Secret


@dataclass(frozen=True, slots=True)
class Recipients:
    """Encryption for public keys of age (`age1…`); the owner of any of them can decrypt."""

    keys: tuple[str, ...]


Lock: TypeAlias = Password | Recipients

_SAID: Final[dict[Flaw, str]] = {
    "too-short": f"must have {SHORTEST} characters or more",
    "too-long": f"must have at most {LONGEST} characters",
    "repetitive": "repeats a few characters",
    "not-ascii": "must have ASCII letters, digits and signs only: "
    "programs encode others differently",
}


def checked_password(text: str) -> Password:
    """The password. Raises UsageError if it is too easy to guess, or if programs would encode it
    differently."""
    flaw = flaw_of(text)
    if flaw is not None:
        hint = "several unrelated words make a good one"
        raise UsageError(f"the password {_SAID[flaw]}", hint=hint)
    _library()
    return Password(Secret(text))


def checked_recipients(keys: Sequence[str]) -> Recipients:
    """The recipients. Raises UsageError for anything that is not a public key of age."""
    for key in keys:
        if not is_public_key(key):
            raise UsageError(
                f"--encrypt-to must be a public key of age, such as age1…, not {key[:20]!r}",
                hint="the recipient makes one with `age-keygen`, and sends you the public key",
            )
    return Recipients(tuple(dict.fromkeys(keys)))


def folder_for_temporary_files(lock: Lock | None, spool: Path) -> Path:
    """The folder for temporary parts of a package: in memory, if the package is to be encrypted and
    the system has such a folder."""
    is_memory = lock is not None and os.access(_MEMORY, os.W_OK | os.X_OK)
    return _MEMORY if is_memory else spool


def opened(outlet: io.RawIOBase, lock: Lock | None) -> tuple[zipfile.ZipFile, Callable[..., Any]]:
    """A zip that writes to the outlet, and the function that creates its entries."""
    if not isinstance(lock, Password):
        return zipfile.ZipFile(outlet, "w", allowZip64=True), zipfile.ZipInfo
    library = _library()
    package = library.AESZipFile(outlet, "w", allowZip64=True, encryption=library.WZ_AES)
    package.setpassword(lock.secret.reveal().encode("ascii"))
    return package, package.zipinfo_cls


class AgeOutlet(io.RawIOBase):
    """The file behind a zip for recipients. Data goes through a pipe to a thread that encrypts it;
    errors of the thread are raised at the next write or at the end."""

    def __init__(self, path: Path, recipients: Recipients) -> None:
        super().__init__()
        age = _age()
        keys = [age.x25519.Recipient.from_str(one) for one in recipients.keys]
        self._file = path.open("xb", buffering=0)
        read, self._pipe = os.pipe()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._encrypt, args=(age, read, keys), daemon=True)
        self._thread.start()
        self.is_abandoned = False

    def writable(self) -> bool:
        """True: it can only be written to."""
        return True

    def write(self, data: Any) -> int:
        """Write everything; discard it after `abandon`."""
        rest = memoryview(data).cast("B")
        size = len(rest)
        while rest and not self.is_abandoned:
            if self._pipe < 0:
                raise self._failure()
            try:
                rest = rest[os.write(self._pipe, rest) :]
            except BrokenPipeError:
                self._end()
                raise self._failure() from None
        return size

    def settle(self) -> None:
        """Finish encrypting, and make the file durable."""
        self._end()
        if self._error is not None:
            raise self._failure()
        os.fsync(self._file.fileno())
        self.close()

    def abandon(self) -> None:
        """Discard further data."""
        self.is_abandoned = True
        self._end()

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            self._end()
            self._file.close()
        super().close()

    def _end(self) -> None:
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1
        self._thread.join()

    def _encrypt(self, age: Any, read: int, keys: list[Any]) -> None:
        with os.fdopen(read, "rb") as source:
            try:
                age.encrypt_io(source, _Whole(self._file, self._note), keys)
            except Exception as error:  # noqa: BLE001 - whatever it is, the writer has to learn of it
                self._error = self._error or error

    def _note(self, error: OSError) -> None:
        self._error = error

    def _failure(self) -> OSError:
        """The thread's error, as an OSError."""
        return self._error if isinstance(self._error, OSError) else OSError(str(self._error))


class _Whole:
    """A raw file whose write is never partial, and that keeps its first error."""

    def __init__(self, file: io.FileIO, note: Callable[[OSError], None]) -> None:
        self._file = file
        self._note = note

    def write(self, data: bytes) -> int:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            self._note(error)
            raise
        return len(data)

    def flush(self) -> None:
        """Does nothing: nothing is buffered."""


def _library() -> Any:
    with extra("encryption"):
        import pyzipper
    return pyzipper


def _age() -> Any:
    with extra("encryption"):
        import pyrage
    return pyrage
