"""RFC 3161 time stamps as they are stored: what they say, and whether they are valid .

A stamp is the authority's response, unchanged, in DER, so that `openssl ts -verify` accepts it
together with segment and roots. It is requested by `stamping`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from anyio import to_thread
from msgspec import Struct

from archiver.clock import stamp
from archiver.config import EvidenceConfig
from archiver.errors import KeyUnusable
from archiver.extras import extra

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from rfc3161_client import TimeStampResponse

GRANTED: Final = 0
_SHA256: Final = "2.16.840.1.101.3.4.2.1"


class TimeStamp(Struct, frozen=True):
    """The content of a time stamp: which digest existed when. `problem` is why it is not valid;
    empty if it is."""

    digest: str
    at: datetime
    authority: str
    problem: str = ""


def read_stamp(data: bytes, roots: "Sequence[Certificate]") -> TimeStamp:
    """Parse a response, and verify it if roots are given. ValueError if it is not a time stamp."""
    with extra("evidence"):
        from rfc3161_client import VerificationError, VerifierBuilder
    answer = decoded(data)
    if answer.status != GRANTED:
        raise ValueError(f"the request was rejected, status {answer.status}")
    info = answer.tst_info
    imprint = info.message_imprint
    if imprint.hash_algorithm.dotted_string != _SHA256:
        raise ValueError("its imprint is not a SHA-256")
    authority, expiry = _authority(answer)
    at = info.gen_time.astimezone(UTC)
    found = TimeStamp(imprint.message.hex(), at, authority)
    if not roots:
        return found
    builder = VerifierBuilder(roots=list(roots))
    try:
        builder.build().verify(answer, imprint.message)
    except VerificationError as error:
        problem = str(error).removeprefix("Error while verifying certificates: ")
        if expiry is not None and expiry < at:
            problem = f"the authority's certificate had expired on {stamp(expiry)}"
        return TimeStamp(found.digest, at, authority, problem)
    return found


async def roots_of(config: EvidenceConfig) -> "list[Certificate]":
    """The certificates in `evidence.timestamp_roots`; empty if it is not set.

    Raises KeyUnusable.
    """
    path = config.timestamp_roots
    return [] if path is None else await to_thread.run_sync(_load_roots, path)


def _load_roots(path: Path) -> "list[Certificate]":
    with extra("evidence"):
        from cryptography.x509 import load_pem_x509_certificates
    hint = "set it to a PEM file with the root certificates of the authority"
    try:
        return load_pem_x509_certificates(path.read_bytes())
    except OSError as error:
        what = error.strerror or "cannot be read"
        raise KeyUnusable(f"evidence.timestamp_roots: {path}: {what}", hint=hint) from None
    except ValueError:
        raise KeyUnusable(
            f"evidence.timestamp_roots: {path} contains no certificate", hint=hint
        ) from None


def decoded(data: bytes) -> "TimeStampResponse":
    """The response of an authority; ValueError for anything else."""
    from rfc3161_client import decode_timestamp_response

    try:
        answer = decode_timestamp_response(data)
        if answer.status == GRANTED:
            _ = answer.tst_info.message_imprint, answer.signed_data
    except Exception:  # noqa: BLE001 - the library documents none of the errors of its parser
        raise ValueError("it is not a response of a time stamp authority") from None
    return answer


def _authority(answer: "TimeStampResponse") -> tuple[str, datetime | None]:
    """The signer of the time stamp, and when its certificate expires, if the response has them."""
    from cryptography.x509 import load_der_x509_certificate

    signers = {one.serial_number: one.issuer for one in answer.signed_data.signer_infos}
    for data in answer.signed_data.certificates:
        certificate = load_der_x509_certificate(data)
        if signers.get(certificate.serial_number) == certificate.issuer:
            return certificate.subject.rfc4514_string(), certificate.not_valid_after_utc
    return "an authority that sent no certificate", None
