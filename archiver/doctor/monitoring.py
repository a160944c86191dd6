"""Checks of notices and metrics. None of them would fail a run, so nothing is a problem.

No notice is sent: only connections are tested.
"""

import tempfile
from pathlib import Path

import anyio.to_thread
import httpx

from archiver.config import Config
from archiver.doctor.check import Check, Surroundings
from archiver.errors import ExtraMissing
from archiver.http.origins import Origin
from archiver.http.proxies import Proxies
from archiver.http.wire.dialling import Dialler
from archiver.http.wire.tunnel import ProxyFailed
from archiver.monitoring.messengers import is_known, scheme_of
from archiver.secrets import Secret

_SECONDS = 5.0


async def try_notices(config: Config, _around: Surroundings) -> list[Check]:
    """Connections to the servers of the webhook and the heartbeat."""
    wanted = {"webhook": config.notices.webhook, "heartbeat": config.notices.heartbeat}
    found = [
        await _try_address(name, address, config.http.proxy)
        for name, address in wanted.items()
        if address is not None
    ]
    return found + [await _try_apprise(address) for address in config.notices.apprise]


async def try_metrics(config: Config, _around: Surroundings) -> list[Check]:
    """The text file can be written where it is wanted."""
    if config.metrics.textfile is None:
        return []
    return [await anyio.to_thread.run_sync(_try_textfile, config.metrics.textfile)]


async def _try_address(name: str, address: Secret, proxies: Proxies) -> Check:
    origin = Origin.of(httpx.URL(address.reveal()))
    shown, proxy = origin.address, proxies.of(origin)
    through = "" if proxy is None else f" through the proxy {proxy}"
    dialler = Dialler(lambda host, port, found: True, proxies=proxies)
    try:
        connection = await dialler.dial(origin, within=_SECONDS)
    except httpx.TransportError as error:
        hint = f"check notices.{name}, and whether this machine can connect there"
        hint = error.hint if isinstance(error, ProxyFailed) else hint
        return Check.warning(name, f"{shown} cannot be reached{through}: {error}", hint)
    connection.close()
    return Check.ok(name, f"{shown} can be reached{through}; nothing was sent")


async def _try_apprise(address: Secret) -> Check:
    """Nothing is connected: that is known to the service alone."""
    scheme = f"{scheme_of(address)}://…"
    try:
        known = await anyio.to_thread.run_sync(is_known, address)
    except ExtraMissing as error:
        return Check.warning("apprise", f"{scheme}: {error}", error.hint)
    if not known:
        hint = "check notices.apprise; `apprise --details` lists all services"
        return Check.warning("apprise", f"{scheme} is not an address that Apprise supports", hint)
    return Check.ok("apprise", f"{scheme} is an address that Apprise supports; nothing was sent")


def _try_textfile(path: Path) -> Check:
    folder = path.parent
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"tried")
    except OSError as error:
        finding = f"{folder} is not writable: {error.strerror}"
        hint = "set metrics.textfile to a file in an existing folder that you can write to"
        return Check.warning("metrics", finding, hint)
    return Check.ok("metrics", f"{path} is writable")
