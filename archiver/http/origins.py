"""Which origins may be contacted: `download.allow_origins` as a rule for addresses (pure).

The addresses of recordings come from the API's responses, and a host name resolves to whatever its
owner wants. So the rule is applied twice: `check` examines an address before a connection is made,
and `admits_address` the IP address that its host resolved to. The second check cannot be bypassed
by unusual spellings of private addresses (octal, hexadecimal, one big number) or DNS rebinding.

1. An origin is scheme, host and port. The API's own origin is always allowed.
2. Without entries, every https origin with public addresses is allowed.
3. With entries, only the origins that they name. `https://*.example.com` names every subdomain of
   example.com and not example.com itself.
4. Plain http is allowed for named origins and the API's own only.
5. Subdomains may be in a private network (10/8, fc00::/7 and the like), but loopback, link-local
   and other special addresses are allowed for exactly named origins and the API's own only: anyone
   who can add a name to a domain could point it at this machine, or at its cloud's metadata
   service.
"""

import ipaddress
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from msgspec import Struct

from archiver.errors import FetchError
from archiver.reasons import Reason

if TYPE_CHECKING:
    import httpx

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

DEFAULT_PORTS: Final = {"https": 443, "http": 80}
_HOST: Final = re.compile(r"[a-z0-9._-]+")
"""The characters of a host name; anything else is an escape that only a resolver would
interpret."""
_GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
"""All of IPv6 that is allocated for the Internet (IANA address space registry)."""
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_SPECIAL: Final = tuple(
    ipaddress.ip_network(text)
    for text in ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2001:db8::/32", "3fff::/20")
)
"""Special-purpose blocks (IANA) that some versions of Python's `is_global` count as public."""

_PRIVATE_NETWORKS: Final = tuple(
    ipaddress.ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
)
"""Private networks (RFC 1918, RFC 4193)."""
_CLOUD_SERVICES: Final = ipaddress.IPv6Network("fd00:ec2::/32")
"""The IPv6 address of the AWS metadata service: link-local in all but name."""


class Origin(NamedTuple):
    """Scheme, host and port. `host` is in lower case, and without the brackets of IPv6."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: "httpx.URL") -> "Origin":
        """The origin of a URL; port 0 if it has none and its scheme has no default."""
        return _origin(url.scheme, url.raw_host, url.port)

    @classmethod
    def parse(cls, text: str) -> "Origin":
        """The origin of a URL as text. Raises ValueError for anything else."""
        return cls.of(_url(text))

    def __str__(self) -> str:
        return f"{self.scheme}://{self._shown_host}:{self.port}"

    @property
    def address(self) -> str:
        """The same without the default port."""
        if self.port == DEFAULT_PORTS.get(self.scheme):
            return f"{self.scheme}://{self._shown_host}"
        return str(self)

    @property
    def _shown_host(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host


class Named(Struct, frozen=True):
    """A named origin; with `subdomains`, those of every host that ends in `.host`."""

    origin: Origin
    subdomains: bool = False

    def names_host(self, host: str, port: int) -> bool:
        """Whether this covers that host and port, whatever the scheme."""
        if port != self.origin.port:
            return False
        own = self.origin.host
        return host.endswith("." + own) if self.subdomains else host == own

    def names(self, other: Origin) -> bool:
        """Whether this covers that origin."""
        return other.scheme == self.origin.scheme and self.names_host(other.host, other.port)


def parse_origin(entry: str) -> Named:
    """An entry of `download.allow_origins`.

    The ValueError for an invalid one continues the name of the setting, and never repeats the
    entry, which may contain a password.
    """
    scheme, separator, rest = entry.strip().partition("://")
    subdomains = rest.startswith("*.")
    try:
        url = _url(f"{scheme}://{rest.removeprefix('*.')}")
    except ValueError as error:
        raise ValueError("must be an address such as https://files.example.com") from error
    if not separator or url.scheme not in DEFAULT_PORTS:
        raise ValueError("must begin with https:// or http://")
    origin = Origin.of(url)
    if not origin.host or "*" in origin.host or "%" in origin.host:
        raise ValueError("must have a host, optionally starting with '*.'")
    if url.userinfo or url.query or url.fragment or url.path not in {"", "/"} or "?" in entry:
        raise ValueError("must end after the host and port")
    if not 0 < origin.port < 65536:
        raise ValueError("must have a valid port")
    if subdomains and ("." not in origin.host or _literal(origin.host) is not None):
        raise ValueError("must have a domain after '*.', like *.example.com")
    return Named(origin, subdomains)


class OriginPolicy:
    """The rule above, for one API and one list of entries (ValueError for an invalid one)."""

    def __init__(self, api_url: str, allow: Sequence[str] = ()) -> None:
        self._api = Named(Origin.parse(api_url))
        self._named = tuple(parse_origin(entry) for entry in allow)

    def check(self, url: "httpx.URL") -> None:
        """Raise FetchError if no connection may be made to that address.

        ADDRESS_INVALID: not http or https, or no usable host. ORIGIN_NOT_ALLOWED: the entries do
        not name it, or it is plain http. ADDRESS_NOT_PUBLIC: its host is a private IP address.
        """
        if url.scheme not in DEFAULT_PORTS:
            raise FetchError(Reason.ADDRESS_INVALID, "the address is neither https nor http")
        origin = Origin.of(url)
        literal = _literal(origin.host)
        if not _is_usable(origin.host, literal):
            raise FetchError(Reason.ADDRESS_INVALID, "the address has no usable host")
        if origin == self._api.origin or any(entry.names(origin) for entry in self._named):
            return
        if not self._named and literal is not None and not is_public(literal):
            raise address_refused(origin)
        if self._named or origin.scheme != "https":
            raise FetchError(
                Reason.ORIGIN_NOT_ALLOWED,
                f"download.allow_origins does not allow {origin}",
                hint=f"If you trust it, add {origin} to download.allow_origins.",
            )

    def is_api(self, url: "httpx.URL") -> bool:
        """Whether the address has the API's own scheme, host and port."""
        return Origin.of(url) == self._api.origin

    def admits_address(self, host: str, port: int, address: str) -> bool:
        """Whether a connection to host:port may go to that IP address."""
        parsed = _literal(address)
        if parsed is None:
            return False
        name = host.lower()
        naming = [one for one in (self._api, *self._named) if one.names_host(name, port)]
        if any(not one.subdomains for one in naming):
            return True
        return is_public(parsed) or (bool(naming) and _is_private_network(parsed))


def address_refused(origin: Origin) -> FetchError:
    """The error for an origin whose address is not public."""
    return FetchError(
        Reason.ADDRESS_NOT_PUBLIC,
        f"{origin} is in a private network",
        hint=f"If you trust it, add {origin} to download.allow_origins.",
    )


def is_public(address: Address) -> bool:
    """Whether the address is public, and so is the embedded one, if any."""
    inner = _embedded(address)
    if inner is not None:
        return is_public(inner)
    if address.version == 6 and address not in _GLOBAL_UNICAST:
        return False
    if any(address in network for network in _SPECIAL):
        return False
    return address.is_global and not address.is_multicast


def _is_private_network(address: Address) -> bool:
    """Whether the address is in a private network."""
    plain = _embedded(address) or address
    return plain not in _CLOUD_SERVICES and any(plain in one for one in _PRIVATE_NETWORKS)


def _embedded(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address in a mapped, NAT64 or 6to4 address."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour


def _url(text: str) -> "httpx.URL":
    """The URL. Raises ValueError for anything else."""
    import httpx  # here, since most commands make no request, and start in half the time without

    try:
        return httpx.URL(text)
    except httpx.InvalidURL as error:
        raise ValueError(str(error)) from error


@lru_cache(maxsize=1024)
def _origin(scheme: str, raw_host: bytes, port: int | None) -> Origin:
    host = raw_host.decode("ascii").lower().removeprefix("[").removesuffix("]")
    return Origin(scheme, host, port if port is not None else DEFAULT_PORTS.get(scheme, 0))


@lru_cache(maxsize=1024)
def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_usable(host: str, literal: Address | None) -> bool:
    """Hosts made of digits and dots only, or with a colon, must be valid IP addresses.

    Resolvers read `127.1` and `2130706433` as addresses; HTTP libraries differ in whether they use
    a resolver at all.
    """
    if literal is not None:
        return True
    return bool(_HOST.fullmatch(host)) and not host.replace(".", "").isdigit()
