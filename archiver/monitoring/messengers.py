"""Carrying a notice to mail, Teams, Slack, Telegram and the like, through Apprise.

An address has the password or token of its service, so nothing here ever says more of it than its
scheme, and what Apprise logs, which may be addresses, is not shown. The services are reached by
Apprise's own client: it follows HTTPS_PROXY of the environment, not `http.proxy`.
"""

import logging
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

import anyio.to_thread

from archiver.errors import NoticeUndelivered
from archiver.extras import extra
from archiver.secrets import Secret

if TYPE_CHECKING:
    from apprise import Apprise

_SHORTEST_PART: Final = 8
"""Characters of a part of an address that is taken for a secret: `alerts` alone is an innocent
word."""


async def send(address: Secret, title: str, text: str) -> None:
    """Send a message there. Raises NoticeUndelivered when it did not arrive, and where Apprise is
    not installed or does not know the scheme."""
    await anyio.to_thread.run_sync(_send, address, title, text, abandon_on_cancel=True)


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
    return _sender(address) is not None


def _sender(address: Secret) -> "Apprise | None":
    """What sends to that address and follows no redirect; None for one that is not known."""
    with extra("notify"):
        import apprise
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    sender = apprise.Apprise(asset=apprise.AppriseAsset(http_redirects=False, async_mode=False))
    return sender if sender.add(address.reveal()) else None


def _send(address: Secret, title: str, text: str) -> None:
    sender, shown = _sender(address), f"{scheme_of(address)}://…"
    if sender is None:
        raise NoticeUndelivered(
            f"{shown} is not an address that Apprise supports",
            hint="check notices.apprise; `apprise --details` lists all services",
        )
    if not sender.notify(body=text, title=title):
        raise NoticeUndelivered(
            f"the service of {shown} did not accept it", hint="check notices.apprise"
        )
