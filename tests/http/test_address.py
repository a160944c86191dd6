"""Addresses of recordings: however they are parsed, what is sent is what httpx would send."""

import httpx
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from archiver.errors import FetchError
from archiver.http.address import Address
from archiver.reasons import Reason

BASE = httpx.URL("https://liner.example/v2/")

PLAIN = (
    "https://files.example.com/records/7/33.mp3",
    "http://10.0.0.9:8080/a/b_c~d.wav?X-Amz-Signature=ab%2Fcd&X-Amz-Expires=900",
    "https://EXAMPLE.com:443/a%20b.mp3?",
    "https://files.example.com//a/b.mp3?x=/../y",
)
OTHERS = (
    "/records/33.mp3",
    "records/33.mp3?x=1",
    "HTTPS://files.example.com/33.mp3",
    "https://user:word@files.example.com/33.mp3",
    "https://files.example.com/a/../33.mp3",
    "https://files.example.com/.hidden.mp3",
    "https://files.example.com/33.mp3#part",
    "https://files.example.com/a b.mp3",
    "https://files.example.com/запись.mp3",
    "https://файлы.example/33.mp3",
    "https://files.example.com/100%.mp3",
    "https://files.example.com",
    "https://[2001:db8::1]/33.mp3",
    "//files.example.com/33.mp3",
)

_STARTS = st.sampled_from(["https://a.example/", "http://a:1/", "http://a", "/", ""])
_PIECES = st.sampled_from(
    [*"ab/.?#%@:&=+ ~[]'\\|^{}é", "%2f", "%C3%A9", "%zz", "..", "http://", ""]
)
ADDRESSES = st.builds(
    lambda start, rest: start + "".join(rest), _STARTS, st.lists(_PIECES, max_size=12)
)


def whole(base: httpx.URL, text: str) -> httpx.URL | None:
    """The URL that httpx makes of it, if it is one."""
    text = text.strip()
    try:
        is_absolute = text.lower().startswith(("http://", "https://"))
        return httpx.URL(text) if is_absolute else base.join(text)
    except (httpx.InvalidURL, ValueError, TypeError):
        return None


def parts(url: httpx.URL) -> tuple[str, bytes, int | None, bytes, bytes]:
    return url.scheme, url.raw_host, url.port, url.userinfo, url.raw_path


def sent(address: Address) -> tuple[str, bytes, int | None, bytes, bytes]:
    """All that a request to it tells of it."""
    url = address.url
    target = url.raw_path if address.target is None else address.target
    return url.scheme, url.raw_host, url.port, url.userinfo, target


@pytest.mark.parametrize("text", PLAIN)
def test_a_plain_address_is_sent_as_it_is(text: str) -> None:
    address = Address.parse(text, BASE)
    assert address.target is not None
    assert text.endswith(address.target.decode())


@pytest.mark.parametrize("text", OTHERS)
def test_an_address_that_is_not_plain_is_left_to_httpx(text: str) -> None:
    assert Address.parse(text, BASE).target is None


@given(ADDRESSES)
@example(PLAIN[0])
@example(PLAIN[1])
@example(PLAIN[2])
@example(PLAIN[3])
def test_every_address_is_sent_and_read_as_httpx_would(text: str) -> None:
    expected = whole(BASE, text)
    if expected is None:
        with pytest.raises(FetchError) as refused:
            Address.parse(text, BASE)
        assert refused.value.reason is Reason.ADDRESS_INVALID
        return
    address = Address.parse(text, BASE)
    assert sent(address) == parts(expected)
    assert address.path == expected.path


@given(ADDRESSES, ADDRESSES)
def test_a_redirect_is_relative_to_the_whole_address(text: str, location: str) -> None:
    start = whole(BASE, text)
    assume(start is not None)
    assert start is not None
    expected = whole(start, location)
    assume(expected is not None)
    assert expected is not None
    assert sent(Address.parse(text, BASE).join(location)) == parts(expected)


def test_the_origin_of_many_addresses_is_parsed_once() -> None:
    one, other = (Address.parse(f"https://a.example/{name}.mp3", BASE) for name in "xy")
    assert one.url is other.url
