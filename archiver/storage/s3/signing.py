"""More requests like one that boto3 has made: its address and headers, signed by botocore.

A put through boto3 costs 2 ms of processor time, spread over five thousand calls; signing alone
costs a tenth. So the first request of a kind goes through boto3, and shows how the bucket is
addressed, for which region, with which headers, and whether the signature covers the payload. What
botocore would sign in another way, or send by another road, is left to it.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast
from urllib.parse import quote, urlsplit

from botocore.auth import SIGNED_HEADERS_BLACKLIST as _NOT_SIGNED
from botocore.auth import UNSIGNED_PAYLOAD, S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.utils import get_environ_proxies
from msgspec import Struct

from archiver.http.origins import Origin

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest
    from botocore.credentials import ReadOnlyCredentials

_SCOPE: Final = re.compile(r"AWS4-HMAC-SHA256 Credential=[^,]*/\d{8}/([a-z0-9-]+)/s3/aws4_request,")
_EXPRESS: Final = "x-amz-s3session-token"
"""The token of a directory bucket: it needs a separate request, and expires within minutes."""
_NAMES: Final = {
    "ContentType": "Content-Type",
    "ContentLength": "Content-Length",
    "ChecksumAlgorithm": "x-amz-sdk-checksum-algorithm",
    "ChecksumSHA256": "x-amz-checksum-sha256",
    "IfNoneMatch": "If-None-Match",
    "IfMatch": "If-Match",
    "Range": "Range",
    "ServerSideEncryption": "x-amz-server-side-encryption",
    "SSEKMSKeyId": "x-amz-server-side-encryption-aws-kms-key-id",
    "StorageClass": "x-amz-storage-class",
    "ObjectLockMode": "x-amz-object-lock-mode",
    "ObjectLockRetainUntilDate": "x-amz-object-lock-retain-until-date",
}
"""The header that carries a parameter of boto3 (API documentation of S3: PutObject, GetObject)."""
_OF_ONE_REQUEST: Final = frozenset(
    {name.lower() for name in _NAMES.values()}
    | {"authorization", "expect", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token"}
    | {"amz-sdk-invocation-id", "amz-sdk-request"}
)
_DIGEST: Final = "payload_digest"


class Pattern(Struct, frozen=True):
    """What requests of one kind have in common. `base` is the address of an object without its key,
    `fixed` are headers; without `signs_payload` the signature does not cover the body."""

    method: str
    origin: Origin
    base: str
    region: str
    signs_payload: bool
    fixed: tuple[tuple[str, str], ...]


class Keys(NamedTuple):
    """What requests are signed with, named as botocore does: its own class costs an import."""

    access_key: str
    secret_key: str
    token: str | None


@dataclass(frozen=True, slots=True)
class Known:
    """What a process has found out about a bucket, for others of its run: with it they can put and
    get before, and mostly without, importing boto3.

    `trust` are the certificates to trust: their path, or True for those of botocore.
    """

    patterns: Mapping[str, Pattern]
    keys: Keys = field(repr=False)
    trust: Any


def pattern_of(request: "AWSPreparedRequest", key: str) -> Pattern | None:
    """The pattern of a request for an object that has just been answered; None where more of its
    kind are better left to boto3."""
    headers = {name.lower(): _text(value) for name, value in request.headers.items()}
    scope = _SCOPE.match(headers.get("authorization", ""))
    url, path = _text(request.url), _quoted(key)
    is_plain = url.isascii() and url.endswith(path) and not urlsplit(url).query
    if scope is None or not is_plain or _EXPRESS in headers or _takes_proxy(url):
        return None
    origin = Origin.parse(url)
    shared = (pair for pair in headers.items() if pair[0] not in _OF_ONE_REQUEST)
    return Pattern(
        method=_text(request.method),
        origin=origin,
        base=url.removesuffix(path),
        region=scope[1],
        signs_payload=headers["x-amz-content-sha256"] != UNSIGNED_PAYLOAD,
        fixed=(("host", origin.address.removeprefix(f"{origin.scheme}://")), *shared),
    )


def signed_head(
    pattern: Pattern,
    key: str,
    parameters: Mapping[str, Any],
    payload_sha256: str,
    keys: Keys,
) -> bytes:
    """The head of a request for the object, with parameters as boto3 names them, signed now.

    Raises ValueError for what no header can carry.
    """
    request = AWSRequest(pattern.method, pattern.base + _quoted(key))
    request.headers = cast(Any, _Headers())
    for name, value in pattern.fixed:
        request.headers[name] = value
    for name, value in parameters.items():
        request.headers[_NAMES[name]] = _written(value)
    request.context[_DIGEST] = payload_sha256 if pattern.signs_payload else UNSIGNED_PAYLOAD
    _Signer(cast("ReadOnlyCredentials", keys), "s3", pattern.region).add_auth(request)
    target = urlsplit(pattern.base + _quoted(key)).path
    lines = [f"{pattern.method} {target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    head = "\r\n".join(lines)
    breaks = len(lines) - 1
    if head.count("\n") != breaks or head.count("\r") != breaks or "\0" in head:
        raise ValueError("a header has a line break")
    return f"{head}\r\n\r\n".encode("latin-1")


class _Headers(dict[str, str]):
    """Headers by name, whatever its case. botocore's own are those of Python's e-mails, in which
    each look-up compares all names: that took two thirds of the time of signing."""

    def __setitem__(self, name: str, value: str) -> None:
        super().__setitem__(name.lower(), value)

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return super().__contains__(str(name).lower())


class _Signer(S3SigV4Auth):
    """Signs with the digest that is known, in place of one made by reading the body."""

    def payload(self, request: AWSRequest) -> str:
        return cast(str, request.context[_DIGEST])

    def headers_to_sign(self, request: AWSRequest) -> Any:
        headers = request.headers
        return {name: headers[name] for name in sorted(headers) if name not in _NOT_SIGNED}

    def canonical_headers(self, headers_to_sign: Any) -> str:
        named = headers_to_sign.items()
        return "\n".join(f"{name}:{' '.join(value.split())}" for name, value in named)


def checksum_of(sha256: str) -> str:
    """A digest in hex as S3 writes it."""
    return base64.b64encode(bytes.fromhex(sha256)).decode()


def _quoted(key: str) -> str:
    return quote(key, safe="/~")


def _written(value: object) -> str:
    return f"{value:%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, datetime) else str(value)


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _takes_proxy(url: str) -> bool:
    return urlsplit(url).scheme in get_environ_proxies(url)
