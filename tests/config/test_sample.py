"""The sample says every key with its default, and nothing else."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from archiver.cli.init_cmd import sample
from archiver.config import (
    DeskConfig,
    EvidenceConfig,
    LinerConfig,
    ListenAddress,
    ObjectLockConfig,
    S3Config,
    StorageConfig,
    VerifyConfig,
)
from archiver.config.loading import KNOWN
from archiver.http.proxies import Proxies, Proxy
from archiver.secrets import Secret
from tests.config.parts import BASE, CANARY, load

TOP = Path(__file__).parent.parent.parent


EVERYTHING = """\
liner: {url: 'http://127.0.0.1:8123/', api_key: plain-key, requests_per_second: 2.5, timeout: 1m}
scope: {orders: [202, 203, 202], users: 101, statuses: [3]}
window: {since: 2026-10-01, settle: 0, recheck: [3d, 12h], lookback: 3d, timezone: Europe/Berlin}
download:
  workers: 4
  max_bytes: 10MB
  spool: spool
  spool_memory: 1MiB
  allow_origins: ["https://*.example.com", "http://127.0.0.1:8123"]
http: {proxy: "http://anna:secret@proxy.example.com:3128"}
storage:
  url: s3://evidence/calls/2026/
  s3:
    endpoint_url: http://s3.internal:8333/
    region: eu-central-1
    storage_class: GLACIER_IR
    sse: aws:kms
    kms_key_id: arn:aws:kms:eu-central-1:1:key/2
    object_lock: {mode: COMPLIANCE, retain: 3y}
catalog: {path: ~/catalog.sqlite}
retention:
  keep: 3y
  rules:
    - {orders: [202], leads: 789, tags: [Complaint], statuses: [answered, 3], keep: 10y}
inspect: {after_run: no, workers: 3, limit: 2h}
metrics: {textfile: /var/lib/node_exporter/archiver.prom, listen: "[::1]:9464"}
evidence:
  sign: key.pem
  passphrase_file: ~/phrase
  timestamp_url: http://timestamp.example.com/tsr
  timestamp_roots: roots.pem
  witnesses:
    - {url: heads}
    - {url: "s3://witness/heads", s3: {profile: audit, credentials_file: aws}}
  send_head: true
replica:
  url: s3://second/calls
  s3:
    endpoint_url: https://s3.elsewhere.example.com
    region: eu-west-1
    storage_class: GLACIER_IR
    sse: aws:kms
    kms_key_id: key
    object_lock: {mode: GOVERNANCE, retain: 1y}
    profile: second
    credentials_file: aws2
  workers: 4
  prune: yes
  after_run: no
verify: {every: 24h, sample: 1/30}
notices: {webhook: "https://hooks.example.com/a?b=c", heartbeat: "http://127.0.0.1:8000/beat"}
desk:
  users: /etc/archiver/users.yaml
  proxy_header: X-Remote-User
  proxy_addresses: [10.0.0.7, "fd00::/8"]
  public_url: https://desk.example.com/qa/
  data: ~/desk.sqlite
  scorecard: card.yaml
  language: ru
  keep_log: 90d
  agent_channel: right
  api_token_file: token
"""


LISTS = {"evidence.witnesses", "retention.rules"}
"""Sections that stand in a list, which the sample shows empty."""


def test_an_empty_file_is_every_default() -> None:
    config = load("")
    assert config.liner == LinerConfig("https://liner.test", Secret(CANARY), 20.0, 15.0)
    assert config.scope.orders is None
    assert config.scope.leads is None
    assert config.window.since is None
    assert config.window.settle == timedelta(minutes=10)
    assert config.window.recheck == tuple(timedelta(days=days) for days in (1, 3, 7))
    assert config.window.lookback == timedelta(days=8)
    assert config.window.timezone == ZoneInfo("UTC")
    assert config.download.workers == 16
    assert config.download.max_bytes == 2 * 2**30
    assert config.download.spool_memory == 128 * 2**20
    assert config.download.spool.is_absolute()
    assert config.download.allow_origins == ()
    assert config.storage.url == "/srv/archiver/archive"
    assert config.storage.s3 == S3Config()
    assert config.catalog.path is None
    assert config.retention.keep is None
    assert config.desk == DeskConfig(users=BASE / "users.yaml")
    assert config.desk.keep_log == timedelta(days=2 * 365)


def test_the_sample_says_exactly_the_defaults() -> None:
    assert load(sample()) == load("")


def test_the_sample_shows_every_key_with_a_comment_of_its_own() -> None:
    assert set(_leaves(yaml.safe_load(sample()))) == _keys_of_config()
    settings = [line for line in sample().splitlines() if line[:1] == " "]
    titles = {"  s3:", "    object_lock:"}
    assert [line for line in settings if "  # " not in line and line not in titles] == []


def test_the_sample_at_the_top_is_the_one_that_init_writes() -> None:
    assert (TOP / "archive.yaml").read_text(encoding="utf-8") == sample()


def _leaves(value: Any, path: str = "") -> list[str]:
    if not isinstance(value, dict):
        return [path]
    below = [(f"{path}.{key}" if path else key, item) for key, item in value.items()]
    return [leaf for name, item in below for leaf in _leaves(item, name)]


def _keys_of_config() -> set[str]:
    return {
        f"{path}.{key}"
        for path, keys in KNOWN.items()
        for key in keys
        if path and (f"{path}.{key}" not in KNOWN or f"{path}.{key}" in LISTS)
        if path not in LISTS and path.rpartition(".")[0] not in LISTS
    }


def test_everything_can_be_said() -> None:
    config = load(EVERYTHING)
    assert config.desk == DeskConfig(
        Path("/etc/archiver/users.yaml"),
        "X-Remote-User",
        (ip_network("10.0.0.7"), ip_network("fd00::/8")),
        "https://desk.example.com/qa",
        Path("/home/anna/desk.sqlite"),
        BASE / "card.yaml",
        "ru",
        timedelta(days=90),
        agent_channel="right",
        api_token_file=BASE / "token",
    )
    assert config.liner == LinerConfig("http://127.0.0.1:8123", Secret("plain-key"), 2.5, 60.0)
    assert config.scope.orders == (202, 203)
    assert config.scope.users == (101,)
    assert config.window.since == datetime(2026, 9, 30, 22, tzinfo=UTC)
    assert config.window.recheck == (timedelta(hours=12), timedelta(days=3))
    assert config.download.spool == BASE / "spool"
    assert config.download.allow_origins == ("https://*.example.com", "http://127.0.0.1:8123")
    proxy = Proxy("proxy.example.com", 3128, login="anna:secret")
    assert config.http.proxy == Proxies(proxy, proxy)
    assert config.storage.url == "s3://evidence/calls/2026"
    assert config.storage.s3 == S3Config(
        "http://s3.internal:8333",
        "eu-central-1",
        "GLACIER_IR",
        "aws:kms",
        "arn:aws:kms:eu-central-1:1:key/2",
        ObjectLockConfig("COMPLIANCE", timedelta(days=3 * 365)),
    )
    assert config.catalog.path == Path("/home/anna/catalog.sqlite")
    assert config.retention.keep == timedelta(days=3 * 365)
    assert config.evidence == EvidenceConfig(
        BASE / "key.pem",
        Path("/home/anna/phrase"),
        "http://timestamp.example.com/tsr",
        BASE / "roots.pem",
        (
            StorageConfig(str(BASE / "heads")),
            StorageConfig(
                "s3://witness/heads", S3Config(profile="audit", credentials_file=BASE / "aws")
            ),
        ),
        send_head=True,
    )
    assert config.verify == VerifyConfig(timedelta(days=1), 30)
    assert config.metrics.textfile == Path("/var/lib/node_exporter/archiver.prom")
    assert config.metrics.listen == ListenAddress("::1", 9464)
    assert config.notices.webhook == Secret("https://hooks.example.com/a?b=c")
    assert config.notices.heartbeat == Secret("http://127.0.0.1:8000/beat")
