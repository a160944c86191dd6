"""Ed25519 keys: creating them, reading them from private files, signing and verifying.

The id of a key is the SHA-256 of its public half (DER, SubjectPublicKeyInfo), as printed by
`openssl pkey -pubin -outform DER | sha256sum`.
"""

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from archiver.config import EvidenceConfig
from archiver.config.files import is_public, read_secret
from archiver.errors import KeyUnusable
from archiver.extras import extra

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

_MOST_BYTES: Final = 64 * 1024
_NEW_HINT: Final = "create a key with `archiver key new --to FILE`"


class PublicKey(Struct, frozen=True):
    """The public half of a key. `key_id` is its id, `pem` the content of its file."""

    key_id: str
    pem: bytes
    _key: "Ed25519PublicKey"

    def verifies(self, signature: bytes, data: bytes) -> bool:
        """Whether this key created the signature over exactly these bytes."""
        from cryptography.exceptions import InvalidSignature

        try:
            self._key.verify(signature, data)
        except InvalidSignature:
            return False
        return True


class Signer(Struct, frozen=True):
    """A loaded private key."""

    public: PublicKey
    _key: "Ed25519PrivateKey"

    def sign(self, data: bytes) -> bytes:
        """The signature, 64 bytes."""
        return self._key.sign(data)


def make_key(path: Path, passphrase: bytes | None) -> PublicKey:
    """Write a new private key to `path`, and its public half to the same name with `.pub`.

    Only the owner can read the private key. Raises KeyUnusable if either file exists or cannot be
    written.
    """
    with extra("evidence"):
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.generate()
    protection = (
        serialization.NoEncryption()
        if passphrase is None
        else serialization.BestAvailableEncryption(passphrase)
    )
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection
    )
    public = _public(private.public_key())
    beside = public_file(path)
    if beside.exists():
        raise _exists(beside)
    _write_new(path, pem, 0o600)
    _write_new(beside, public.pem, 0o644)
    return public


def public_file(path: Path) -> Path:
    """The file of the public half of the key at `path`, as written by `make_key`."""
    return path.with_name(f"{path.name}.pub")


def signer_of(config: EvidenceConfig) -> Signer:
    """The private key configured as `evidence.sign`. Raises KeyUnusable with the reason."""
    path = config.sign
    if path is None:
        raise KeyUnusable("evidence.sign is not set", hint=_NEW_HINT)
    passphrase = None
    if config.passphrase_file is not None:
        passphrase = read_secret(config.passphrase_file, "evidence.passphrase_file").encode()
    return load_signer(path, passphrase)


def load_signer(path: Path, passphrase: bytes | None) -> Signer:
    """The private key in a file. Raises KeyUnusable with the reason."""
    with extra("evidence"):
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    data = _read(path, "the signing key", is_secret=True)
    try:
        private = load_pem_private_key(data, passphrase)
    except TypeError:
        which = "has a passphrase" if passphrase is None else "has no passphrase"
        hint = (
            "set evidence.passphrase_file to the file of the passphrase"
            if passphrase is None
            else "remove evidence.passphrase_file"
        )
        raise KeyUnusable(f"the signing key {path} {which}", hint=hint) from None
    except ValueError:
        raise KeyUnusable(
            f"cannot read the signing key {path}: the passphrase is wrong, or it is not a key",
            hint=f"check evidence.passphrase_file; {_NEW_HINT}",
        ) from None
    if not isinstance(private, Ed25519PrivateKey):
        raise KeyUnusable(f"the signing key {path} is not an Ed25519 key", hint=_NEW_HINT)
    return Signer(_public(private.public_key()), private)


def load_public(path: Path) -> PublicKey:
    """The public key in a file. Raises KeyUnusable with the reason."""
    if not path.exists():
        raise KeyUnusable(
            f"the public key {path} does not exist",
            hint="check its path: `archiver key new` writes it to FILE.pub beside the private key",
        )
    key = read_public(_read(path, "the public key", is_secret=False))
    if key is None:
        raise KeyUnusable(
            f"{path} is not an Ed25519 public key",
            hint="use the file FILE.pub that `archiver key new` wrote",
        )
    return key


def read_public(data: bytes) -> PublicKey | None:
    """The public key in these bytes (PEM); None if there is none."""
    with extra("evidence"):
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key
    try:
        key = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        return None
    return _public(key) if isinstance(key, Ed25519PublicKey) else None


def _public(key: "Ed25519PublicKey") -> PublicKey:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return PublicKey(hashlib.sha256(der).hexdigest(), pem, key)


def _read(path: Path, what: str, *, is_secret: bool) -> bytes:
    try:
        with path.open("rb") as file:
            if is_secret and is_public(file):
                raise KeyUnusable(
                    f"{what} {path} is readable by everyone on this machine",
                    hint=f"chmod 600 {path}, then rotate it: treat this key as compromised",
                )
            return file.read(_MOST_BYTES)
    except FileNotFoundError:
        raise KeyUnusable(
            f"{what} {path} does not exist", hint=f"restore it from your backup; {_NEW_HINT}"
        ) from None
    except OSError as error:
        raise KeyUnusable(
            f"cannot read {what} {path}: {error.strerror}",
            hint=f"make {path} readable for this user",
        ) from None


def _write_new(path: Path, data: bytes, mode: int) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise _exists(path) from None
    except OSError as error:
        raise KeyUnusable(
            f"cannot write {path}: {error.strerror}", hint="choose another place with --to"
        ) from None


def _exists(path: Path) -> KeyUnusable:
    return KeyUnusable(
        f"{path} already exists; it was not changed", hint="choose another name with --to"
    )
