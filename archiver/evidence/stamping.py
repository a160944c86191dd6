"""RFC 3161 time stamps of the head: requesting and reading them.

The imprint is the SHA-256 of the newest segment, which is the head. The authority's response is
stored unchanged, in DER, so that `openssl ts -verify` accepts it together with segment and roots.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx
from anyio import to_thread

from archiver.clock import stamp
from archiver.config import EvidenceConfig
from archiver.errors import FetchError, KeyUnusable, StampUnavailable
from archiver.extras import extra
from archiver.http.origins import OriginPolicy
from archiver.http.proxies import DIRECT, Proxies
from archiver.http.transport import USER_AGENT, GuardedTransport
from archiver.http.wire.tunnel import ProxyFailed

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from rfc3161_client import TimeStampResponse

_SECONDS: Final = 15.0
_MOST_BYTES: Final = 256 * 1024
_ASKED: Final = "application/timestamp-query"
_ANSWERED: Final = "application/timestamp-reply"
_SHA256: Final = "2.16.840.1.101.3.4.2.1"
_GRANTED: Final = 0


@dataclass(frozen=True, slots=True)
class TimeStamp:
    """The content of a time stamp: which digest existed when. `problem` is why it is not valid;
    empty if it is."""

    digest: str
    at: datetime
    authority: str
    problem: str = ""


async def fetch_stamp(url: str, stamped: bytes, *, proxies: Proxies = DIRECT) -> bytes:
    """The authority's response for these bytes (a segment), with imprint and nonce checked.

    Requested through the matching proxy. Raises StampUnavailable; a later head is stamped instead.
    """
    with extra("evidence"):
        from rfc3161_client import TimestampRequestBuilder
        from rfc3161_client.base import HashAlgorithm
    asked = TimestampRequestBuilder().data(stamped).hash_algorithm(HashAlgorithm.SHA256).build()
    data = await _exchange(url, asked.as_bytes(), proxies)
    try:
        answer = _decoded(data)
    except ValueError as error:
        raise _unavailable(url, str(error)) from None
    if answer.status != _GRANTED:
        said = "; ".join(answer.status_string)[:200]
        raise _unavailable(url, f"request rejected, status {answer.status} {said}".rstrip())
    info = answer.tst_info
    if info.nonce != asked.nonce or info.message_imprint.message != asked.message_imprint.message:
        raise _unavailable(url, "the time stamp is for other data")
    return data


def read_stamp(data: bytes, roots: "Sequence[Certificate]") -> TimeStamp:
    """Parse a response, and verify it if roots are given. ValueError if it is not a time stamp."""
    with extra("evidence"):
        from rfc3161_client import VerificationError, VerifierBuilder
    answer = _decoded(data)
    if answer.status != _GRANTED:
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


def _decoded(data: bytes) -> "TimeStampResponse":
    from rfc3161_client import decode_timestamp_response

    try:
        answer = decode_timestamp_response(data)
        if answer.status == _GRANTED:
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


async def _exchange(url: str, query: bytes, proxies: Proxies) -> bytes:
    headers = {"User-Agent": USER_AGENT, "Content-Type": _ASKED, "Accept": _ANSWERED}
    transport = GuardedTransport(OriginPolicy(url), proxies=proxies)
    try:
        async with (
            httpx.AsyncClient(
                transport=transport,
                timeout=_SECONDS,
                follow_redirects=False,
                trust_env=False,
                headers=headers,
            ) as client,
            client.stream("POST", url, content=query) as response,
        ):
            if response.status_code != 200:
                raise _unavailable(url, f"status {response.status_code}")
            kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            if kind != _ANSWERED:
                raise _unavailable(url, f"it returned {kind[:60] or 'no type'}, not a time stamp")
            return await _bounded(url, response)
    except ProxyFailed as error:
        raise _unavailable(url, str(error), hint=error.hint) from None
    except FetchError as error:
        raise _unavailable(url, str(error)) from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _unavailable(url, f"no response ({type(error).__name__})") from None


async def _bounded(url: str, response: httpx.Response) -> bytes:
    parts, size = [], 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > _MOST_BYTES:
            raise _unavailable(url, "the response is too large for a time stamp")
        parts.append(part)
    return b"".join(parts)


def _unavailable(
    url: str, why: str, *, hint: str = "check evidence.timestamp_url"
) -> StampUnavailable:
    host = httpx.URL(url).host
    return StampUnavailable(
        f"no time stamp from {host}: {why}",
        hint=hint,
    )
