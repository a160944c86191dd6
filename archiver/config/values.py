"""The configuration as frozen values. This is the only place where defaults are defined."""

import tempfile
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Final, Literal, TypeAlias
from zoneinfo import ZoneInfo

from msgspec import Struct, field

from archiver.http.proxies import DIRECT, Proxies
from archiver.secrets import Secret

Network: TypeAlias = IPv4Network | IPv6Network

S3_SCHEME: Final = "s3://"


class LinerConfig(Struct, frozen=True):
    """Where the API is. `url` is an origin without a trailing slash, `timeout` is in seconds."""

    url: str
    api_key: Secret
    requests_per_second: float = 20.0
    timeout: float = 15.0


class ScopeConfig(Struct, frozen=True):
    """The calls to be archived. `orders` None means all of them; `leads` lists calls by lead."""

    orders: tuple[int, ...] | None = None
    leads: tuple[int, ...] | None = None
    users: tuple[int, ...] = ()
    statuses: tuple[int, ...] = ()


class WindowConfig(Struct, frozen=True):
    """Which days are read, and when again. `recheck` ascends and ends within `lookback`."""

    since: datetime | None = None
    settle: timedelta = timedelta(minutes=10)
    recheck: tuple[timedelta, ...] = (timedelta(days=1), timedelta(days=3), timedelta(days=7))
    lookback: timedelta = timedelta(days=8)
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))


class DownloadConfig(Struct, frozen=True):
    """How recordings are fetched. Sizes are in bytes; `spool` is absolute once it is loaded.

    `processes` None is `auto`; `workers` are shared out among them.
    """

    workers: int = 16
    processes: int | None = None
    max_bytes: int = 2 * 2**30
    spool: Path = field(default_factory=lambda: Path(tempfile.gettempdir()))
    spool_memory: int = 128 * 2**20
    allow_origins: tuple[str, ...] = ()


class DaskConfig(Struct, frozen=True):
    """The scheduler whose workers fetch and store, and the files (PEM) of mutual TLS with it.

    None: without Dask, and as Dask's own configuration says.
    """

    scheduler: str | None = None
    tls_ca: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None


class ObjectLockConfig(Struct, frozen=True):
    """The Object Lock that every new object is given: its mode, and for how long from then on."""

    mode: Literal["GOVERNANCE", "COMPLIANCE"]
    retain: timedelta


class S3Config(Struct, frozen=True):
    """The settings of S3. Credentials come from the usual AWS chain, or from `profile` in
    `credentials_file`, a file in AWS format; they are never kept here."""

    endpoint_url: str | None = None
    region: str | None = None
    storage_class: str | None = None
    sse: str | None = None
    kms_key_id: str | None = None
    object_lock: ObjectLockConfig | None = None
    profile: str | None = None
    credentials_file: Path | None = None


class HttpConfig(Struct, frozen=True):
    """How the API, recordings and the receivers of notices are reached: through which proxies."""

    proxy: Proxies = DIRECT


class StorageConfig(Struct, frozen=True):
    """The archive's root: the path of a folder (absolute once loaded) or `s3://bucket/prefix`."""

    url: str = "./archive"
    s3: S3Config = S3Config()

    @property
    def is_local(self) -> bool:
        """Whether the root is a folder of this machine."""
        return not self.url.startswith(S3_SCHEME)


class ReplicaConfig(Struct, frozen=True):
    """The second archive: its root as in `StorageConfig` (None: there is none), how many objects
    are copied at a time, whether what is pruned goes from it, too, and whether each run is
    followed by a replication."""

    url: str | None = None
    s3: S3Config = S3Config()
    workers: int = 8
    prune: bool = False
    after_run: bool = True

    @property
    def storage(self) -> StorageConfig | None:
        """The place of the replica."""
        return None if self.url is None else StorageConfig(self.url, self.s3)


class CatalogConfig(Struct, frozen=True):
    """The catalog file; None is the user's state folder, with the archive's id as its name."""

    path: Path | None = None


class InspectConfig(Struct, frozen=True):
    """How the sound of recordings is examined: whether runs do it once all is fetched, how many at
    a time, and for how long at most."""

    after_run: bool = True
    workers: int = 2
    limit: timedelta = timedelta(hours=1)


class RetentionRule(Struct, frozen=True):
    """How long one class of recordings is kept. A recording is of the class when it has one of the
    ids, tags or statuses of every condition that is given; statuses are ids or codes."""

    keep: timedelta
    orders: tuple[int, ...] = ()
    leads: tuple[int, ...] = ()
    tags: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()


class RetentionConfig(Struct, frozen=True):
    """How long recordings are kept at least, and when `prune` may remove them; None is for ever.

    The first of the `rules` that a recording matches says it, else `keep`.
    """

    keep: timedelta | None = None
    rules: tuple[RetentionRule, ...] = ()


class EvidenceConfig(Struct, frozen=True):
    """Evidence for the ledger's head: a signing key, a time stamp authority, witnesses.

    `sign` is the file of a private key, `timestamp_roots` a file of certificates (PEM). Each of the
    `witnesses` is a place like an archive's, with separate credentials.
    """

    sign: Path | None = None
    passphrase_file: Path | None = None
    timestamp_url: str | None = None
    timestamp_roots: Path | None = None
    witnesses: tuple[StorageConfig, ...] = ()
    send_head: bool = False

    @property
    def is_configured(self) -> bool:
        """Whether anything is to be done after a new head."""
        return bool(self.sign or self.timestamp_url or self.witnesses)


class VerifyConfig(Struct, frozen=True):
    """How often `run --every` verifies the archive, and which share of it each time (1/`sample`);
    None: never, and all of it."""

    every: timedelta | None = None
    sample: int | None = None


class ListenAddress(Struct, frozen=True):
    """Where to listen; `host` is a name or an IP address without brackets."""

    host: str
    port: int


class MetricsConfig(Struct, frozen=True):
    """Where metrics go: a file for a collector, or an HTTP endpoint at `listen`."""

    textfile: Path | None = None
    listen: ListenAddress | None = None


class NoticesConfig(Struct, frozen=True):
    """The addresses of notices. All are secrets: anyone who knows them can use them. `apprise` are
    those of mail, Teams, Slack and the like, as Apprise writes them."""

    webhook: Secret | None = None
    apprise: tuple[Secret, ...] = ()
    heartbeat: Secret | None = None


class DeskConfig(Struct, frozen=True):
    """The users of the desk, and the location of its data. Paths are absolute once loaded.

    `users` may be a missing file: then there are no users. `proxy_header` is accepted from
    `proxy_addresses` only. `data` None is the user's state folder, by the archive's id; `scorecard`
    None is the one in the package, `language` None is the browser's; `public_url` has no slash at
    its end. `exports` None is a folder next to the desk's data. `redact_replay` None: what is
    redacted is played. `agent_channel` is the channel of stereo recordings with the agent's voice.
    Without `api_token_file` there is no JSON API.
    """

    users: Path = Path("users.yaml")
    proxy_header: str | None = None
    proxy_addresses: tuple[Network, ...] = ()
    public_url: str | None = None
    data: Path | None = None
    scorecard: Path | None = None
    language: Literal["en", "ru"] | None = None
    keep_log: timedelta = timedelta(days=730)
    exports: Path | None = None
    keep_exports: timedelta = timedelta(days=7)
    approve_redactions: bool = False
    redact_replay: Literal["silence", "tone"] | None = None
    agent_channel: Literal["left", "right"] = "left"
    api_token_file: Path | None = None


class Config(Struct, frozen=True):
    """The whole archive.yaml, checked. `liner` is None for commands that make no API requests."""

    liner: LinerConfig | None
    scope: ScopeConfig = ScopeConfig()
    window: WindowConfig = field(default_factory=WindowConfig)
    download: DownloadConfig = field(default_factory=DownloadConfig)
    dask: DaskConfig = DaskConfig()
    http: HttpConfig = HttpConfig()
    storage: StorageConfig = StorageConfig()
    catalog: CatalogConfig = CatalogConfig()
    retention: RetentionConfig = RetentionConfig()
    inspect: InspectConfig = InspectConfig()
    evidence: EvidenceConfig = EvidenceConfig()
    replica: ReplicaConfig = ReplicaConfig()
    verify: VerifyConfig = VerifyConfig()
    metrics: MetricsConfig = MetricsConfig()
    notices: NoticesConfig = NoticesConfig()
    desk: DeskConfig = DeskConfig()

    @property
    def api(self) -> LinerConfig:
        """The section `liner`, for API requests; RuntimeError if it was not read."""
        if self.liner is None:
            raise RuntimeError("the configuration was read without the API's section")
        return self.liner
