"""Requests that are built here bear the signature that botocore gives to them."""

import re
from datetime import UTC, datetime

import hypothesis.strategies as st
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from hypothesis import given

from archiver.http.origins import Origin
from archiver.storage.s3.signing import Keys, Pattern, signed_head

SHA256 = "0123456789abcdef" * 4
HOST = "s3.example.com:8333"
BASE = f"https://{HOST}/bucket/"
PARAMETERS = {
    "ContentLength": 65536,
    "ContentType": "audio/mpeg",
    "ChecksumAlgorithm": "SHA256",
    "ObjectLockRetainUntilDate": datetime(2036, 11, 2, 9, 30, tzinfo=UTC),
}

names = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,9}", fullmatch=True).map(lambda name: f"X-{name}")
values = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
keys = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
tokens = st.none() | st.text("abcdef/+=", min_size=1, max_size=20)


def signature_by_botocore(head: bytes, credentials: ReadOnlyCredentials) -> str:
    """What botocore writes into `Authorization` of a request with this head."""
    first, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    method, target, _ = first.split(" ")
    request = AWSRequest(method, f"https://{HOST}{target}")
    for name, value in (line.split(": ", 1) for line in lines):
        if name.lower() != "authorization":
            request.headers[name] = value
    request.context["timestamp"] = request.headers["X-Amz-Date"]
    signer = S3SigV4Auth(credentials, "s3", "eu-central-1")
    canonical = signer.canonical_request(request)
    signature = signer.signature(signer.string_to_sign(request, canonical), request)
    signed = signer.signed_headers(signer.headers_to_sign(request))
    scope = signer.scope(request)
    return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={signed}, Signature={signature}"


@given(
    fixed=st.lists(st.tuples(names, values), max_size=4, unique_by=lambda pair: pair[0].lower()),
    key=keys,
    token=tokens,
    signs_payload=st.booleans(),
)
def test_the_signature_is_botocores(
    fixed: list[tuple[str, str]], key: str, token: str | None, signs_payload: bool
) -> None:
    own = (("host", HOST), ("User-Agent", "Boto3/1"), *fixed)
    pattern = Pattern("PUT", Origin.parse(BASE), BASE, "eu-central-1", signs_payload, own)
    head = signed_head(pattern, key, PARAMETERS, SHA256, Keys("AKIA", "secret", token))
    (told,) = re.findall(rb"authorization: ([^\r]+)", head, re.IGNORECASE)
    assert told.decode() == signature_by_botocore(
        head, ReadOnlyCredentials("AKIA", "secret", token)
    )
    payload = SHA256 if signs_payload else "UNSIGNED-PAYLOAD"
    assert f"x-amz-content-sha256: {payload}\r\n".encode() in head


def test_what_no_header_can_carry_is_refused() -> None:
    pattern = Pattern("PUT", Origin.parse(BASE), BASE, "eu-central-1", True, (("host", HOST),))
    keys = Keys("AKIA", "secret", None)
    for value in ("audio/mpeg\r\nx-other: 1", "звук"):
        with pytest.raises(ValueError):
            signed_head(pattern, "5/1/11.mp3", {"ContentType": value}, SHA256, keys)
