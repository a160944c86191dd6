"""The addresses in archive.yaml: the API's origin, an S3 endpoint, the archive's root (pure).

As in `measures`, a ValueError continues the name of the setting and never repeats the text: an
address may contain a password.
"""

import ipaddress
import re
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from archiver.config.values import S3_SCHEME, Network
from archiver.http.origins import DEFAULT_PORTS, Origin

_HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_][a-z0-9_-]{0,62})*\.?")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_APPRISE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,40}://[^\s]{1,2000}")
_PREFIX = re.compile(r"[A-Za-z0-9!_.*'()=@,+ -]+")


def parse_api_url(text: str) -> str:
    """The API's origin, such as `https://liner.example.com`; http for a loopback host only."""
    parts = _split(text, ("https", "http"))
    if parts.path not in ("", "/") or parts.query or parts.fragment or text.endswith(("?", "#")):
        raise ValueError("must be scheme, host and port only: leave out any path such as /v2")
    host = parts.hostname or ""
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError("must begin with https:// (http:// is for a loopback host only)")
    return _origin(parts)


def parse_base_url(text: str) -> str:
    """Where a service answers (an S3 server, the desk): http or https, host and perhaps a path."""
    parts = _split(text, ("https", "http"))
    if parts.query or parts.fragment:
        raise ValueError("must have no query and no fragment")
    return _origin(parts) + parts.path.rstrip("/")


def parse_notice_url(text: str) -> str:
    """The whole address that a notice goes to; http for a loopback host only."""
    parts = _split(text, ("https", "http"))
    if parts.fragment:
        raise ValueError("must have no fragment (#)")
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ValueError("must begin with https:// (http:// is for a loopback host only)")
    return _origin(parts) + parts.path + (f"?{parts.query}" if parts.query else "")


def parse_apprise_url(text: str) -> str:
    """An address as Apprise writes it, such as `mailto://user:password@example.com`."""
    if _APPRISE.fullmatch(text) is None:
        raise ValueError("must be an Apprise address such as mailto://user:password@example.com")
    return text


def parse_listen(text: str) -> tuple[str, int]:
    """Host and port to listen at: `127.0.0.1:9464`, `[::1]:9464`."""
    host, colon, port = text.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
    if not colon or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65535:
        raise ValueError("must be a host and a port such as 127.0.0.1:9464")
    if not _is_host(bare) or (":" in bare) != host.startswith("["):
        raise ValueError("must name a valid host (an IPv6 address in brackets)")
    return bare, int(port)


def parse_storage_url(text: str, base: Path, home: str | None) -> str:
    """An absolute folder, relative ones lying in `base`, or `s3://bucket/prefix`."""
    if text.startswith("s3:"):
        return _s3_root(text)
    if _SCHEME.match(text):
        raise ValueError("must be a folder or s3://bucket/prefix: no other scheme is known")
    return str(parse_path(text, base, home))


def parse_path(text: str, base: Path, home: str | None) -> Path:
    """A path, made absolute: relative to `base`; `~/` is the home folder."""
    if not text or "\0" in text:
        raise ValueError("must be a path")
    if text == "~" or text.startswith("~/"):
        if not home:
            raise ValueError("begins with ~, and HOME is not set")
        text = home + text[1:]
    return base.absolute() / text


def parse_network(text: str) -> Network:
    """One address, such as `10.0.0.7`, or all of a network, such as `10.0.0.0/24`."""
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        raise ValueError(
            "must be an address or a network, such as 10.0.0.7 or 10.0.0.0/24"
        ) from None


def is_loopback(host: str) -> bool:
    """Whether the host is this machine by its very name."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _split(text: str, schemes: tuple[str, ...]) -> SplitResult:
    if not text.isascii() or re.search(r"[\x00-\x20\x7f\\]", text):
        raise ValueError("must be an address in plain ASCII (an international name as xn--...)")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ValueError("must be an address with a valid host and port") from error
    if parts.scheme not in schemes or not text.lower().startswith(f"{parts.scheme}://"):
        raise ValueError(f"must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}")
    if "@" in parts.netloc:
        raise ValueError("must not contain a user name or password")
    if not _is_host(parts.hostname or "") or port == 0 or parts.netloc.endswith(":"):
        raise ValueError("must name a valid host and port")
    return parts


def _is_host(host: str) -> bool:
    if ":" in host:
        try:
            ipaddress.IPv6Address(host)
        except ValueError:
            return False
        return "%" not in host
    return _HOST.fullmatch(host) is not None


def _origin(parts: SplitResult) -> str:
    port = parts.port or DEFAULT_PORTS[parts.scheme]
    return Origin(parts.scheme, parts.hostname or "", port).address


def _s3_root(text: str) -> str:
    if not text.startswith(S3_SCHEME):
        raise ValueError("must be written as s3://bucket/prefix")
    bucket, _, prefix = text.removeprefix(S3_SCHEME).partition("/")
    if _BUCKET.fullmatch(bucket) is None:
        raise ValueError("must name a valid bucket: s3://bucket/prefix")
    segments = [] if not prefix.strip("/") else prefix.strip("/").split("/")
    for segment in segments:
        if segment in (".", "..") or _PREFIX.fullmatch(segment) is None:
            raise ValueError("must have a prefix of plain names, without empty, . or .. parts")
    return "/".join([f"s3://{bucket}", *segments])
