"""How requests to a bucket are made: by boto3's client, and beside it by patterns of its requests.

The client is created when the bucket is opened; or, with what another process of the run knows,
when a request first needs it.
"""

import threading
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from archiver.config import S3Config
from archiver.storage.s3.errors import s3_errors
from archiver.storage.s3.signing import Known, Pattern, pattern_of

if TYPE_CHECKING:
    from archiver.storage.s3.client import Service

_LOOK_AGAIN: Final = 10.0


class Access:
    """Access to one bucket, for many threads at once.

    `patterns` are those of the requests seen so far, by method.
    """

    def __init__(self, config: S3Config, connections: int, known: Known | None) -> None:
        self._config = config
        self._connections = connections
        self._look_again = 0.0
        self._service: Service | None = None
        self._connecting = threading.RLock()
        self.known = known
        self.patterns: dict[str, Pattern] = {}
        if known is None:
            self.renew()
        else:
            self.patterns.update(known.patterns)

    @property
    def service(self) -> "Service":
        """boto3's client and credentials. Creating them blocks."""
        if self._service is not None:
            return self._service
        with self._connecting:
            return self._service or self.renew()

    @property
    def trust(self) -> Any:
        """The certificates that boto3 trusts, see `Known.trust`."""
        return self.service.trust if self.known is None else self.known.trust

    def tell(self) -> Known | None:
        """What other processes of this run need not find out; None if that is not enough, or would
        expire."""
        if self.known is not None:
            return self.known
        keys = self.service.lasting_keys
        if keys is None or "PUT" not in self.patterns:
            return None
        return Known(dict(self.patterns), keys, self.service.trust)

    def learn(self, name: str) -> None:
        """Keep how the request looked that was just answered, for the object of this name in the
        bucket, so that more like it can be made."""
        sent = self.service.last_sent
        if sent is None or sent.method in self.patterns:
            return
        pattern = pattern_of(sent, name)
        if pattern is not None:
            self.patterns[sent.method] = pattern

    def renew(self) -> "Service":
        """Look up credentials and create the client again: the former ones may have expired."""
        # Late, because boto3 and its client take a second of processor time.
        from archiver.storage.s3 import client

        with self._connecting:
            with s3_errors(""):
                self._service = client.connect(self._config, self._connections)
            self.known = None
            self.patterns.clear()
            return self._service

    def renew_if_rotated(self, used: "Service") -> bool:
        """Renew where other credentials are there by now than `used`; whether they are.

        Looked for every ten seconds at most: a bucket may refuse many requests for other reasons.
        """
        if self.service is not used:  # another thread was faster
            return True
        now = monotonic()
        if now < self._look_again:
            return False
        from archiver.storage.s3 import client

        with s3_errors(""):
            is_other = client.has_other_credentials(self._config, self.service.credentials)
        if is_other:
            self.renew()
        else:
            self._look_again = now + _LOOK_AGAIN
        return is_other

    def close(self) -> None:
        """Close the connections that are at rest."""
        if self._service is not None:
            self._service.client.close()
