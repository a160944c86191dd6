"""Which requests go through which proxy, from archive.yaml and the environment."""

import base64

import pytest

from archiver.http.origins import Origin
from archiver.http.proxies import DIRECT, Proxy, configured, of_environment, parse_proxy

API = Origin("https", "liner.example.com", 443)
PLAIN = Origin("http", "files.example.com", 8080)


def test_a_proxy_of_the_configuration_carries_everything() -> None:
    proxies = configured("http://proxy.example.com:3128", {})
    for origin in (API, PLAIN, Origin("http", "127.0.0.1", 80)):
        assert str(proxies.of(origin)) == "proxy.example.com:3128"


def test_a_proxy_of_the_environment_carries_its_own_scheme() -> None:
    proxies = of_environment({"HTTPS_PROXY": "http://a.example:1", "http_proxy": "b.example:2"})
    assert str(proxies.of(API)) == "a.example:1"
    assert str(proxies.of(PLAIN)) == "b.example:2"
    assert of_environment({"HTTPS_PROXY": "http://a.example:1"}).of(PLAIN) is None
    assert of_environment({"HTTPS_PROXY": " ", "https_proxy": ""}) == DIRECT


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1"])
def test_a_proxy_of_the_environment_never_stands_between_this_machine_and_itself(host: str) -> None:
    environ = {"HTTPS_PROXY": "http://a.example:1", "HTTP_PROXY": "http://a.example:1"}
    assert of_environment(environ).of(Origin("http", host, 80)) is None


def test_none_is_no_proxy_whatever_the_environment_says() -> None:
    assert configured("none", {"HTTPS_PROXY": "http://a.example:1"}) == DIRECT


@pytest.mark.parametrize(
    ("exceptions", "host", "port", "is_excepted"),
    [
        ("*", "liner.example.com", 443, True),
        ("liner.example.com", "liner.example.com", 443, True),
        ("example.com", "liner.example.com", 443, True),
        (".example.com", "liner.example.com", 443, True),
        ("*.example.com", "liner.example.com", 443, True),
        (" other.org , EXAMPLE.COM", "liner.example.com", 443, True),
        ("ample.com", "liner.example.com", 443, False),
        ("liner.example.com.evil.org", "liner.example.com", 443, False),
        ("liner.example.com:443", "liner.example.com", 443, True),
        ("liner.example.com:8443", "liner.example.com", 443, False),
        ("10.1.2.3", "10.1.2.3", 443, True),
        ("10.1.2.3:443", "10.1.2.3", 443, True),
        ("10.1.2.3:80", "10.1.2.3", 443, False),
        ("10.0.0.0/8", "10.1.2.3", 443, True),
        ("10.0.0.0/8", "11.1.2.3", 443, False),
        ("10.0.0.0/8", "liner.example.com", 443, False),
        ("::1", "::1", 443, True),
        ("[2001:db8::7]:443", "2001:db8::7", 443, True),
        ("2001:db8::/32", "2001:db8::7", 443, True),
        ("", "liner.example.com", 443, False),
        (",,", "liner.example.com", 443, False),
    ],
)
def test_no_proxy_names_exceptions_to_either(
    exceptions: str, host: str, port: int, is_excepted: bool
) -> None:
    environ = {"HTTPS_PROXY": "http://a.example:1", "NO_PROXY": exceptions}
    origin = Origin("https", host, port)
    assert (configured("http://a.example:1", environ).of(origin) is None) == is_excepted
    if host != "::1":
        assert (of_environment(environ).of(origin) is None) == is_excepted


def test_user_and_password_go_to_the_proxy_and_are_never_shown() -> None:
    proxy = parse_proxy("http://anna:p%40ss%3Aw@proxy.example.com:3128/")
    assert proxy.authorization == b"Basic " + base64.b64encode(b"anna:p@ss:w")
    assert "p%40ss" not in f"{proxy} {proxy!r}"
    assert parse_proxy("http://proxy.example.com").authorization is None


@pytest.mark.parametrize(
    ("text", "proxy"),
    [
        ("proxy.example.com:3128", Proxy("proxy.example.com", 3128)),
        ("HTTP://Proxy.Example.com", Proxy("proxy.example.com", 80)),
        ("http://[2001:db8::7]:3128", Proxy("2001:db8::7", 3128)),
        ("10.0.0.7:3128", Proxy("10.0.0.7", 3128)),
    ],
)
def test_an_address_is_read_as_people_write_it(text: str, proxy: Proxy) -> None:
    assert parse_proxy(text) == proxy


@pytest.mark.parametrize(
    "text",
    [
        "https://secret@proxy.example.com:3128",
        "socks5://secret@proxy.example.com:1080",
        "http://secret@proxy.example.com:port",
        "http://secret@proxy.example.com:99999",
        "http://secret@proxy.example.com/path",
        "http://secret@proxy.example.com?query",
        "http://secret@",
        "http://secret@pro xy",
        "http://secret@pröxy",
    ],
)
def test_an_impossible_proxy_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(ValueError, match=r"^must ") as caught:
        parse_proxy(text)
    assert "secret" not in str(caught.value)
    with pytest.raises(ValueError, match=r"^HTTPS_PROXY must "):
        of_environment({"HTTPS_PROXY": text})
