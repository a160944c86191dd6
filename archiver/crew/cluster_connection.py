"""The connection of a run to a Dask scheduler.

Anyone who can connect to a scheduler can run code on its workers. So it requires mutual TLS, or a
loopback address.
"""

import ipaddress
import logging
import uuid
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import anyio
from anyio import to_thread

from archiver.config import DaskConfig
from archiver.errors import CrewUnavailable, UsageError
from archiver.extras import extra
from archiver.tasks.grace import GRACE_SECONDS

if TYPE_CHECKING:
    from distributed import Client

CONNECT_SECONDS: Final = 10.0
RECONNECT_SECONDS: Final = 60.0
"""How long a scheduler may be unreachable before the run ends."""

_SENT_KEPT: Final = "distributed.admin.low-level-log-length"
"""How many messages a connection of Dask keeps after they were sent, so that its developers can
look at them: 1,000 by default, each with a whole batch."""


@dataclass(frozen=True, slots=True)
class Scheduler:
    """The address of the scheduler, and the files of the certificates for it."""

    address: str
    tls: DaskConfig

    @property
    def is_on_loopback(self) -> bool:
        """Whether it is on this machine, so that no other machine can connect to it."""
        host = urlsplit(self.address).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    def check(self) -> None:
        """Raise UsageError if the address is invalid, or the connection would not be protected."""
        try:
            parts = urlsplit(self.address)
            is_whole = bool(parts.hostname) and parts.port is not None
        except ValueError:
            is_whole = False
        if not is_whole or parts.scheme not in ("tls", "tcp"):
            raise UsageError(
                f"{self.address} is not the address of a Dask scheduler",
                hint="use tls://HOST:PORT, such as tls://scheduler.example.com:8786",
            )
        if parts.scheme == "tcp" and not self.is_on_loopback:
            raise UsageError(
                f"{self.address} is not encrypted: tcp:// is for a scheduler on this machine only",
                hint="use tls:// with certificates, see docs/scale.md",
            )


async def count_workers(scheduler: Scheduler) -> int:
    """The number of workers of the scheduler. Raises the errors of `connected`."""
    async with connected(scheduler) as client:
        return len(await client.nthreads())


def import_dask() -> None:
    """Import Dask, which takes a second of processor time. Without it, nothing is raised yet."""
    with suppress(Exception):
        import_module("distributed")


@asynccontextmanager
async def connected(scheduler: Scheduler) -> AsyncIterator["Client"]:
    """A connection to the scheduler. Raises UsageError for missing configuration, CrewUnavailable
    if the scheduler does not respond."""
    await to_thread.run_sync(import_dask)  # it may be under way: this thread must not wait for it
    with extra("dask"):
        import dask
        from distributed import Client

    scheduler.check()
    security = _security(scheduler)
    await _reached(scheduler.address)
    for name in [one for one in logging.root.manager.loggerDict if one.startswith("distributed")]:
        logging.getLogger(name).setLevel(logging.CRITICAL)  # our own messages say what matters
    dask.config.set({_SENT_KEPT: 0})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about versions: each batch compares ours
            client = await _connecting_again(Client)(
                scheduler.address,
                asynchronous=True,
                security=security,
                timeout=RECONNECT_SECONDS,
                set_as_default=False,
            )
    except Exception as error:
        raise CrewUnavailable(
            f"the Dask scheduler at {scheduler.address} cannot be used: {type(error).__name__}",
            hint="check its address and certificates, and that its version of Dask is the same",
        ) from error
    try:
        yield client
    finally:
        with anyio.move_on_after(GRACE_SECONDS, shield=True), suppress(Exception):
            await client.close()  # it raises again what ended its connection


def _connecting_again(client_type: "type[Client]") -> "type[Client]":
    """A client of Dask that is another one to its scheduler each time it connects again.

    With the identity that it had, it may lose its connection once more, or never use it: a
    scheduler that does not know yet that the first one is gone adds what that one waits for to its
    first message over the second one, where the client accepts nothing else; and later it closes
    whichever is the newest.
    """

    class ConnectingAgain(client_type):  # type: ignore[misc] # Dask is typed in part
        async def _reconnect(self) -> None:
            self.id = f"{type(self).__name__}-{uuid.uuid4()}"
            for topic, handler in self._event_handlers.items():
                self.subscribe_topic(topic, handler)
            await super()._reconnect()

        def _send_to_scheduler_safe(self, msg: dict[str, Any]) -> None:
            """Send nothing as the client that this one was: its scheduler has let go of that."""
            if msg.get("client", self.id) == self.id:
                super()._send_to_scheduler_safe(msg)

    return ConnectingAgain


def _security(scheduler: Scheduler) -> Any:
    """Mutual TLS with the files of archive.yaml, or with those of Dask's own configuration."""
    from distributed import Security

    if scheduler.address.startswith("tcp://"):
        return None
    tls = scheduler.tls
    given = {
        "tls_ca_file": tls.tls_ca,
        "tls_client_cert": tls.tls_cert,
        "tls_client_key": tls.tls_key,
    }
    fields = {name: str(path) for name, path in given.items() if path is not None}
    security = Security(require_encryption=True, **fields)
    if not (security.tls_ca_file and security.tls_client_cert):
        raise UsageError(
            "tls:// requires certificates for mutual TLS",
            hint="set dask.tls_ca, dask.tls_cert and dask.tls_key, see docs/scale.md",
        )
    try:
        security.get_connection_args("client")
    except OSError as error:
        raise UsageError(
            f"the certificates for Dask cannot be used: {error.strerror or error}",
            hint="check the files that dask.tls_ca, dask.tls_cert and dask.tls_key name",
        ) from error
    return security


async def _reached(address: str) -> None:
    """Raise CrewUnavailable at once if nothing listens on the address."""
    parts = urlsplit(address)
    try:
        with anyio.fail_after(CONNECT_SECONDS):
            stream = await anyio.connect_tcp(parts.hostname or "", parts.port or 0)
            await stream.aclose()
    except (OSError, TimeoutError) as error:
        raise CrewUnavailable(
            f"the Dask scheduler at {address} does not respond",
            hint="start it with `dask scheduler`, or correct the address, see docs/scale.md",
        ) from error


def gone() -> CrewUnavailable:
    """The error of a run whose scheduler has been unreachable for too long."""
    return CrewUnavailable(
        f"the Dask scheduler has been unreachable for {RECONNECT_SECONDS:.0f} seconds",
        hint="start it again, or mend the network; the next run continues",
    )
