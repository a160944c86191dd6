"""A secret in any spelling is taken out of what we write and out of what the API sends."""

import base64
import json
from urllib.parse import quote, quote_plus

import pytest

from archiver.secrets import REDACTED, Scrubber, Secret, spellings_of, without_spellings

SECRET = 'kéy/of "our" house+1'

SPELLINGS = {
    "plain": SECRET,
    "escaped as JSON": json.dumps(SECRET)[1:-1],
    "escaped slashes": json.dumps(SECRET)[1:-1].replace("/", "\\/"),
    "in a path": quote(SECRET),
    "in a query": quote(SECRET, safe=""),
    "in a form": quote_plus(SECRET),
    "base64": base64.b64encode(SECRET.encode()).decode(),
    "base64 of addresses": base64.urlsafe_b64encode(SECRET.encode()).decode(),
}


@pytest.mark.parametrize("spelled", SPELLINGS.values(), ids=SPELLINGS)
def test_no_spelling_of_a_secret_gets_through(spelled: str) -> None:
    scrubber = Scrubber()
    scrubber.learn(None, "", SECRET)
    assert scrubber.scrub(f"before {spelled} after").replace("=", "") == f"before {REDACTED} after"
    data = without_spellings(f'["{spelled}"]'.encode(), spellings_of(SECRET))
    assert data.replace(b"=", b"") == f'["{REDACTED}"]'.encode()


def test_short_secrets_leave_innocent_words_alone() -> None:
    scrubber = Scrubber()
    scrubber.learn("abc")
    assert scrubber.scrub("abcdef") == "abcdef"
    assert without_spellings(b"a keyring", spellings_of("key")) == b"a keyring"


def test_a_secret_prints_as_nothing() -> None:
    assert f"{Secret(SECRET)!r} {Secret(SECRET)}" == f"{REDACTED} {REDACTED}"
    assert Secret(SECRET) == Secret(SECRET)
    assert Secret(SECRET).reveal() == SECRET
