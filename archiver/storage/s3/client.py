"""boto3's client for one configuration, and what its requests are made of.

The client is the authority for credentials, addresses, regions and signatures. What it was about to
send last can be looked at, so that `signing.py` can make more requests of that kind.
"""

import threading
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import Credentials, RefreshableCredentials
from botocore.loaders import Loader, create_loader
from msgspec import Struct, field

from archiver.config import S3Config
from archiver.storage.s3.signing import Keys
from archiver.storage.s3.timeouts import CONNECT_TIMEOUT, SOCKET_TIMEOUT

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest
    from mypy_boto3_s3 import S3Client

_WATCHED: Final = ("PutObject", "GetObject")


class Service(Struct, frozen=True, eq=False):
    """A client, what it signs with, and whom it trusts: the path of certificates, or True."""

    client: "S3Client"
    credentials: Credentials | None
    trust: Any
    _thread: threading.local = field(default_factory=threading.local)

    @property
    def last_sent(self) -> "AWSPreparedRequest | None":
        """The put or get of a whole object that this thread sent last."""
        return getattr(self._thread, "sent", None)

    @property
    def must_ask(self) -> bool:
        """Whether a server or a program has to be asked for credentials now."""
        found = self.credentials
        return isinstance(found, RefreshableCredentials) and bool(found.refresh_needed())

    def keys(self) -> Keys | None:
        """What to sign with now; blocks if it `must_ask`. Raises errors of botocore."""
        if self.credentials is None:
            return None
        found = self.credentials.get_frozen_credentials()
        if found.access_key is None or found.secret_key is None:
            return None
        return Keys(found.access_key, found.secret_key, found.token)

    @property
    def lasting_keys(self) -> Keys | None:
        """The same, if they do not expire."""
        return None if isinstance(self.credentials, RefreshableCredentials) else self.keys()

    def watch(self) -> None:
        """Keep in mind what each thread sends from now on."""

        def note(request: "AWSPreparedRequest", **_: Any) -> None:
            self._thread.sent = request

        for operation in _WATCHED:
            self.client.meta.events.register(f"before-send.s3.{operation}", note)


def has_other_credentials(config: S3Config, known: Credentials | None) -> bool:
    """Whether the environment or the shared file has other credentials by now than those `known`.

    Those that refresh themselves are not looked for. Raises errors of botocore.
    """
    if isinstance(known, RefreshableCredentials):
        return False
    base = _base(config)
    if config.profile is not None:
        base.set_config_variable("profile", config.profile)
    found = base.get_credentials()
    if known is None or found is None:
        return found is not None
    return bool(found.get_frozen_credentials() != known.get_frozen_credentials())


def _base(config: S3Config) -> botocore.session.Session:
    base = botocore.session.get_session()
    # First of all: the first variable that is read makes botocore read its files, once for ever.
    if config.credentials_file is not None:
        base.set_config_variable("credentials_file", str(config.credentials_file))
    base.register_component("data_loader", _models(base.get_config_variable("data_path")))
    return base


@cache
def _models(data_path: str | None) -> Loader:
    """The descriptions of S3 that clients are made from. A process reads these files once: they
    take most of the time of a client."""
    return create_loader(data_path)


def read_models() -> None:
    """Read the descriptions of S3 by creating a client that is never used. No server is asked for
    anything, neither for credentials."""
    none = "none"
    client = _base(S3Config()).create_client(
        "s3", "us-east-1", aws_access_key_id=none, aws_secret_access_key=none
    )
    client.close()


def connect(config: S3Config, connections: int) -> Service:
    """A client with so many connections at most; no request is made yet."""
    base = _base(config)
    session = boto3.session.Session(botocore_session=base, profile_name=config.profile)
    region = config.region or session.region_name or ("us-east-1" if config.endpoint_url else None)
    secure = not (config.endpoint_url or "").startswith("http://")
    client = session.client(
        "s3",
        region_name=region,
        endpoint_url=config.endpoint_url,
        config=Config(
            max_pool_connections=connections,
            connect_timeout=CONNECT_TIMEOUT,
            read_timeout=SOCKET_TIMEOUT,
            retries={"mode": "standard", "total_max_attempts": 1},
            # Only checksums that we name: the body was hashed while it arrived, and what is read
            # is hashed by the code that checks it.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={
                "addressing_style": "path" if config.endpoint_url else "auto",
                # The signature covers the checksum header; TLS covers the bytes. So the bytes need
                # not be hashed a second time, but for plain http.
                "payload_signing_enabled": not secure,
            },
        ),
    )
    trust = base.get_config_variable("ca_bundle") or True
    service = Service(client, base.get_credentials(), trust)
    service.watch()
    return service
