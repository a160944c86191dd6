"""The process that carries one notice to a service through Apprise.

Apprise's own client takes its proxies from the environment, which all threads of a process share:
so it gets a process, and an environment, of its own. Nothing that it prints is shown.
"""

import json
import logging
import os
import sys
from typing import TYPE_CHECKING, Final

from archiver.errors import ExtraMissing
from archiver.extras import extra
from archiver.secrets import Secret

if TYPE_CHECKING:
    from apprise import Apprise

ACCEPTED: Final = 0
UNKNOWN: Final = 3
REFUSED: Final = 4
NOT_INSTALLED: Final = 5
"""Exit codes: delivered, an address that Apprise does not know, not delivered, no Apprise."""


def main() -> None:
    """Send the notice on the input: an object with `address`, `title`, `text`, and `proxies`, the
    variables that name them. Ends with one of the codes."""
    told = json.load(sys.stdin)
    for name in [one for one in os.environ if one.lower().endswith("_proxy")]:
        del os.environ[name]
    os.environ.update(told["proxies"])
    try:
        sender = sender_to(Secret(told["address"]))
    except ExtraMissing:
        sys.exit(NOT_INSTALLED)
    if sender is None:
        sys.exit(UNKNOWN)
    is_sent = sender.notify(body=told["text"], title=told["title"])
    sys.exit(ACCEPTED if is_sent else REFUSED)


def sender_to(address: Secret) -> "Apprise | None":
    """What sends to that address and follows no redirect; None for one that is not known. Raises
    ExtraMissing."""
    with extra("notify"):
        import apprise
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    sender = apprise.Apprise(asset=apprise.AppriseAsset(http_redirects=False, async_mode=False))
    return sender if sender.add(address.reveal()) else None
