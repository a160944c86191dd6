"""Carrying a notice to mail, Teams, Slack, Telegram and the like, through Apprise.

An address has the password or token of its service, so nothing here ever says more of it than its
scheme, and what Apprise logs, which may be addresses, is not shown. Services that speak HTTP are
reached through `http.proxy`; mail and others directly.
"""

import json
from subprocess import DEVNULL
from typing import Final
from urllib.parse import unquote, urlsplit

import anyio

from archiver.errors import NoticeUndelivered
from archiver.http.proxies import DIRECT, Proxies
from archiver.monitoring import apprising
from archiver.secrets import Secret
from archiver.tasks.children import child_command

_SHORTEST_PART: Final = 8
"""Characters of a part of an address that is taken for a secret: `alerts` alone is an innocent
word."""


async def send(address: Secret, title: str, text: str, *, proxies: Proxies = DIRECT) -> None:
    """Send a message there, by HTTP through the proxies. Raises NoticeUndelivered if it did not
    arrive or Apprise does not know the scheme, ExtraMissing if Apprise is not installed."""
    shown = f"{scheme_of(address)}://…"
    told = {
        "address": address.reveal(),
        "title": title,
        "text": text,
        "proxies": proxies.as_environment(),
    }
    try:
        done = await anyio.run_process(
            child_command("archiver.monitoring.apprising"),
            input=json.dumps(told).encode(),
            stdout=DEVNULL,
            stderr=DEVNULL,
            check=False,
        )
    except OSError as error:
        raise NoticeUndelivered(
            f"{shown} could not be tried: {error.strerror}", hint="check the memory of this machine"
        ) from None
    match done.returncode:
        case apprising.ACCEPTED:
            return
        case apprising.NOT_INSTALLED:
            apprising.sender_to(address)  # raises, and says how to install it
        case apprising.UNKNOWN:
            raise NoticeUndelivered(
                f"{shown} is not an address that Apprise knows",
                hint="check notices.apprise; `apprise --details` lists all services",
            )
    raise NoticeUndelivered(
        f"the service of {shown} did not accept it",
        hint="check notices.apprise, and http.proxy if this machine needs a proxy",
    )


def scheme_of(address: Secret) -> str:
    """All that may be shown of the address."""
    return address.reveal().partition("://")[0]


def secrets_in(address: Secret) -> list[str]:
    """The address and the parts of it that may be a password or a token."""
    text = address.reveal()
    rest = text.partition("://")[2]
    parts = urlsplit(f"//{rest}")
    login, _, host = parts.netloc.rpartition("@")
    values = [one.partition("=")[2] for one in parts.query.split("&")]
    found = [*login.split(":"), *host.split(":"), *parts.path.split("/"), *values]
    long = [one for one in found if len(one) >= _SHORTEST_PART]
    return [text, rest, *dict.fromkeys([*long, *map(unquote, long)])]


def is_known(address: Secret) -> bool:
    """Whether Apprise knows such an address. Raises ExtraMissing. Blocks."""
    return apprising.sender_to(address) is not None
