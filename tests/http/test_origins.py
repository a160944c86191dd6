"""Nobody is talked to whom the configuration does not admit."""

import httpx
import pytest

from archiver.errors import FetchError
from archiver.http.origins import OriginPolicy, parse_origin
from archiver.reasons import Reason

API = "https://liner.example.org"


def verdict(policy: OriginPolicy, address: str) -> Reason | None:
    try:
        policy.check(httpx.URL(address))
    except FetchError as error:
        return error.reason
    return None


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("https://files.example.com/a.mp3?sig=1", None),
        ("https://8.8.8.8/a.mp3", None),
        ("http://files.example.com/a.mp3", Reason.ORIGIN_NOT_ALLOWED),
        ("https://127.0.0.1/a.mp3", Reason.ADDRESS_NOT_PUBLIC),
        ("http://169.254.169.254/latest/meta-data", Reason.ADDRESS_NOT_PUBLIC),
        ("https://10.1.2.3/", Reason.ADDRESS_NOT_PUBLIC),
        ("https://[::1]/", Reason.ADDRESS_NOT_PUBLIC),
        ("https://[::ffff:10.0.0.1]/", Reason.ADDRESS_NOT_PUBLIC),
        ("https://2130706433/", Reason.ADDRESS_INVALID),
        ("https://127.1/", Reason.ADDRESS_INVALID),
        ("file:///etc/passwd", Reason.ADDRESS_INVALID),
        ("ftp://files.example.com/a.mp3", Reason.ADDRESS_INVALID),
        ("data:audio/mpeg;base64,AAAA", Reason.ADDRESS_INVALID),
        ("/relative.mp3", Reason.ADDRESS_INVALID),
        ("https:///a.mp3", Reason.ADDRESS_INVALID),
    ],
)
def test_without_entries_public_https_is_admitted_and_nothing_else(
    address: str, reason: Reason | None
) -> None:
    assert verdict(OriginPolicy(API), address) == reason


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("https://a.example.com/x", None),
        ("https://a.b.example.com/x", None),
        ("https://A.EXAMPLE.com:443/x", None),
        ("http://127.0.0.1:8123/x", None),
        ("https://example.com/x", Reason.ORIGIN_NOT_ALLOWED),
        ("https://notexample.com/x", Reason.ORIGIN_NOT_ALLOWED),
        ("https://a.example.com.evil.net/x", Reason.ORIGIN_NOT_ALLOWED),
        ("https://a.example.com:8443/x", Reason.ORIGIN_NOT_ALLOWED),
        ("http://a.example.com/x", Reason.ORIGIN_NOT_ALLOWED),
        ("http://127.0.0.1:8124/x", Reason.ORIGIN_NOT_ALLOWED),
        ("https://a.example.com@evil.net/x", Reason.ORIGIN_NOT_ALLOWED),
        ("https://8.8.8.8/x", Reason.ORIGIN_NOT_ALLOWED),
    ],
)
def test_with_entries_only_what_they_name_is_admitted(address: str, reason: Reason | None) -> None:
    policy = OriginPolicy(API, ["https://*.example.com", "http://127.0.0.1:8123"])
    assert verdict(policy, address) == reason


@pytest.mark.parametrize("allow", [[], ["https://files.example.com"]])
def test_the_apis_own_origin_is_always_admitted(allow: list[str]) -> None:
    policy = OriginPolicy("http://127.0.0.1:9000", allow)
    assert verdict(policy, "http://127.0.0.1:9000/x.mp3") is None
    assert policy.admits_address("127.0.0.1", 9000, "127.0.0.1")
    assert not policy.admits_address("127.0.0.1", 9001, "127.0.0.1")


@pytest.mark.parametrize(
    ("address", "is_api"),
    [
        ("https://liner.example.org/a", True),
        ("https://LINER.example.org:443/a", True),
        ("http://liner.example.org/a", False),
        ("https://liner.example.org:444/a", False),
        ("https://x.liner.example.org/a", False),
        ("https://liner.example.org@evil.net/a", False),
    ],
)
def test_the_api_is_told_by_scheme_host_and_port(address: str, is_api: bool) -> None:
    assert OriginPolicy(API).is_api(httpx.URL(address)) is is_api


PRIVATE = [
    "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "0.0.0.0", "224.0.0.1", "239.1.2.3", "255.255.255.255", "192.0.0.8", "198.18.0.1", "240.0.0.1",
    "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "fec0::1", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:192.168.0.1", "64:ff9b::10.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b:1::1", "2002:7f00:1::", "2002:c0a8:101::1", "2001:0:1234::1", "2001:db8::1",
    "::7f00:1", "100::1", "not an address", "",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_a_name_that_resolves_into_a_private_network_is_refused(address: str) -> None:
    policy = OriginPolicy(API, ["https://files.example.com"])
    assert not OriginPolicy(API).admits_address("files.example.com", 443, address)
    assert not policy.admits_address("other.example.com", 443, address)


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "64:ff9b::8.8.8.8", "2002:808:808::1"],
)
def test_public_addresses_are_admitted(address: str) -> None:
    assert OriginPolicy(API).admits_address("files.example.com", 443, address)


def test_a_named_origin_may_lie_in_a_private_network() -> None:
    policy = OriginPolicy(API, ["https://files.example.com", "https://*.corp.example"])
    assert policy.admits_address("files.example.com", 443, "10.0.0.5")
    assert policy.admits_address("a.corp.example", 443, "10.0.0.5")
    assert not policy.admits_address("files.example.com", 8443, "10.0.0.5")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "64:ff9b::127.0.0.1",
        "169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "fe80::1%eth0", "fd00:ec2::254",
        "0.0.0.0", "::", "100.100.100.200", "224.0.0.1", "255.255.255.255", "192.0.0.192",
    ],
)  # fmt: skip
def test_only_an_exact_name_leads_to_loopback_and_link_local_addresses(address: str) -> None:
    policy = OriginPolicy(API, ["https://*.example.com", "https://files.example.com"])
    assert not policy.admits_address("a.example.com", 443, address)
    assert policy.admits_address("files.example.com", 443, address)


def test_subdomains_may_lie_in_a_private_network() -> None:
    policy = OriginPolicy(API, ["https://*.example.com"])
    for address in ("10.0.0.5", "172.31.0.1", "192.168.1.1", "fd12::1", "::ffff:10.0.0.5"):
        assert policy.admits_address("a.example.com", 443, address)


@pytest.mark.parametrize(
    "entry",
    [
        "", "example.com", "*.example.com", "ftp://example.com", "https://", "https://*",
        "https://*.com", "https://*.10.0.0.1", "https://a.*.com", "https://example.com/path",
        "https://example.com?x=1", "https://example.com?", "https://example.com#f",
        "https://user:pw@example.com", "https://example.com:0", "https://exa mple.com",
        "https://example.com:99999",
    ],
)  # fmt: skip
def test_an_impossible_entry_is_a_value_error(entry: str) -> None:
    with pytest.raises(ValueError, match=r"^must ") as caught:
        parse_origin(entry)
    assert "pw" not in str(caught.value)


def test_the_error_names_the_origin_and_never_the_query() -> None:
    with pytest.raises(FetchError) as caught:
        OriginPolicy(API).check(httpx.URL("http://files.example.com/a?X-Amz-Signature=abc"))
    assert "http://files.example.com:80" in str(caught.value)
    assert "abc" not in str(caught.value) + caught.value.hint
