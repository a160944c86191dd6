"""Which proxy a request uses, if any (pure).

`http.proxy` of archive.yaml applies to everything; without it, HTTPS_PROXY and HTTP_PROXY of the
environment do, each for its scheme and never for this machine itself. In both cases NO_PROXY lists
exceptions, as in curl and Go: hosts, which include their subdomains, with or without a port; IP
addresses; networks; `*` for all.
"""

import base64
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from archiver.http.origins import DEFAULT_PORTS, Origin
from archiver.http.origins import Address as _Address

FROM_CONFIGURATION: Final = "http.proxy"
_THIS_MACHINE: Final = ("localhost", "127.0.0.0/8", "::1")
_HOST: Final = re.compile(r"[a-z0-9._-]+")
_FORM: Final = "must be an address such as http://proxy.example.com:3128"


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy. `named_by` is the setting that names it; `login` is `user:password` as written
    there, or None. Shown without it."""

    host: str
    port: int
    named_by: str = FROM_CONFIGURATION
    login: str | None = field(default=None, repr=False)

    @property
    def authorization(self) -> bytes | None:
        """The value of Proxy-Authorization (RFC 7617)."""
        if self.login is None:
            return None
        user, _, password = self.login.partition(":")
        return b"Basic " + base64.b64encode(f"{unquote(user)}:{unquote(password)}".encode())

    @property
    def address(self) -> str:
        """The whole address, with the login."""
        return f"http://{self}" if self.login is None else f"http://{self.login}@{self}"

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


class Proxies(Struct, frozen=True):
    """The proxies for https and http, and the exceptions of NO_PROXY."""

    https: Proxy | None = None
    http: Proxy | None = None
    exceptions: tuple[str, ...] = ()

    def of(self, origin: Origin) -> Proxy | None:
        """The proxy for requests to that origin; None: direct connection."""
        proxy = self.https if origin.scheme == "https" else self.http
        if proxy is None or any(_covers(one, origin) for one in self.exceptions):
            return None
        if proxy.named_by != FROM_CONFIGURATION and _is_this_machine(origin.host):
            return None
        return proxy

    def as_environment(self) -> dict[str, str]:
        """The same as variables for a library that takes its proxies from the environment. The
        values may contain a password."""
        found = {"HTTPS_PROXY": self.https, "HTTP_PROXY": self.http}
        told = {name: proxy.address for name, proxy in found.items() if proxy is not None}
        is_own = any(one and one.named_by == FROM_CONFIGURATION for one in found.values())
        exceptions = self.exceptions if is_own else (*self.exceptions, *_THIS_MACHINE)
        return told | {"NO_PROXY": ",".join(exceptions)} if told else {}


DIRECT: Final = Proxies()
"""No proxy for anything."""


def parse_proxy(text: str, named_by: str = FROM_CONFIGURATION) -> Proxy:
    """A proxy by its address, with user and password if it requires them.

    The ValueError for an invalid one continues the name of the setting, and never repeats the
    address, which may contain a password.
    """
    given = text.strip() if "://" in text else f"http://{text.strip()}"
    try:
        parts = urlsplit(given)
        port = parts.port or DEFAULT_PORTS["http"]
    except ValueError:
        raise ValueError(_FORM) from None
    if parts.scheme != "http":
        raise ValueError("must begin with http://: proxies of other kinds are not supported")
    is_bare = parts.path in ("", "/") and not parts.query and not parts.fragment
    host = parts.hostname or ""
    if not is_bare or (_HOST.fullmatch(host) is None and _address(host) is None):
        raise ValueError(_FORM)
    login, at, _ = parts.netloc.rpartition("@")
    return Proxy(host, port, named_by, login if at else None)


def configured(text: str, environ: Mapping[str, str]) -> Proxies:
    """The value of `http.proxy`: one proxy for everything, or `none`. ValueError: see
    parse_proxy."""
    if text.strip().lower() == "none":
        return DIRECT
    proxy = parse_proxy(text)
    return Proxies(proxy, proxy, _exceptions(environ))


def of_environment(environ: Mapping[str, str]) -> Proxies:
    """The proxies in the environment. The ValueError begins with the name of the variable."""
    return Proxies(
        _named_in(environ, "HTTPS_PROXY"), _named_in(environ, "HTTP_PROXY"), _exceptions(environ)
    )


def _named_in(environ: Mapping[str, str], name: str) -> Proxy | None:
    text = environ.get(name.lower()) or environ.get(name) or ""
    if not text.strip():
        return None
    try:
        return parse_proxy(text, name)
    except ValueError as error:
        raise ValueError(f"{name} {error}") from None


def _exceptions(environ: Mapping[str, str]) -> tuple[str, ...]:
    text = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    return tuple(one.strip().lower() for one in text.split(",") if one.strip())


def _covers(exception: str, origin: Origin) -> bool:
    if exception == "*":
        return True
    address = _address(origin.host)
    if address is not None:
        return _names_address(exception, address, origin.port)
    host, _, port = exception.partition(":")
    if port and port != str(origin.port):
        return False
    name = host.removeprefix("*").removeprefix(".")
    return origin.host == name or origin.host.endswith(f".{name}")


def _names_address(exception: str, address: _Address, port: int) -> bool:
    """Whether an exception matches that address, with or without the port, or is a network that
    contains it."""
    if exception.replace("[", "").replace("]", "") == f"{address}:{port}":
        return True
    try:
        return address in ipaddress.ip_network(exception.strip("[]"), strict=False)
    except ValueError:
        return False


def _address(host: str) -> _Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_this_machine(host: str) -> bool:
    address = _address(host)
    return host == "localhost" if address is None else address.is_loopback
