"""archive.yaml: every rule of it, and an error that names file, line and key for every breach."""

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, fields, is_dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.cli.init_cmd import sample
from archiver.config import (
    Config,
    DeskConfig,
    LinerConfig,
    ListenAddress,
    NoticesConfig,
    ObjectLockConfig,
    S3Config,
    Secret,
    load_config,
    read_config,
    state_folder,
)
from archiver.config.loading import KNOWN
from archiver.errors import ConfigError

CANARY = "canary-7f3a/9=Q"
ENVIRON = {"LINER_URL": "https://liner.test", "LINER_API_KEY": CANARY, "HOME": "/home/anna"}
BASE = Path("/srv/archiver")
TOP = Path(__file__).parent.parent


def load(text: str, environ: Mapping[str, str] = ENVIRON, base: Path = BASE) -> Config:
    return load_config(text, environ, base=base)


def refused(text: str, environ: Mapping[str, str] = ENVIRON, base: Path = BASE) -> ConfigError:
    """The error that the text gets; its message is one line and shows no secret."""
    with pytest.raises(ConfigError) as caught:
        load(text, environ, base)
    said = f"{caught.value} {caught.value.hint}"
    assert "\n" not in said
    assert CANARY not in said
    assert CANARY not in repr(caught.value)
    assert caught.value.hint
    return caught.value


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
        if path and f"{path}.{key}" not in KNOWN
    }


def test_everything_can_be_said() -> None:
    config = load(
        """
liner: {url: 'http://127.0.0.1:8123/', api_key: plain-key, requests_per_second: 2.5, timeout: 1m}
scope: {orders: [202, 203, 202], users: 101, statuses: [3]}
window: {since: 2026-10-01, settle: 0, recheck: [3d, 12h], lookback: 3d, timezone: Europe/Berlin}
download:
  workers: 4
  max_bytes: 10MB
  spool: spool
  spool_memory: 1MiB
  allow_origins: ["https://*.example.com", "http://127.0.0.1:8123"]
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
retention: {keep: 3y}
metrics: {textfile: /var/lib/node_exporter/archiver.prom, listen: "[::1]:9464"}
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
"""
    )
    assert config.desk == DeskConfig(
        Path("/etc/archiver/users.yaml"),
        "X-Remote-User",
        (ip_network("10.0.0.7"), ip_network("fd00::/8")),
        "https://desk.example.com/qa",
        Path("/home/anna/desk.sqlite"),
        BASE / "card.yaml",
        "ru",
        timedelta(days=90),
    )
    assert config.liner == LinerConfig("http://127.0.0.1:8123", Secret("plain-key"), 2.5, 60.0)
    assert config.scope.orders == (202, 203)
    assert config.scope.users == (101,)
    assert config.window.since == datetime(2026, 9, 30, 22, tzinfo=UTC)
    assert config.window.recheck == (timedelta(hours=12), timedelta(days=3))
    assert config.download.spool == BASE / "spool"
    assert config.download.allow_origins == ("https://*.example.com", "http://127.0.0.1:8123")
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
    assert config.metrics.textfile == Path("/var/lib/node_exporter/archiver.prom")
    assert config.metrics.listen == ListenAddress("::1", 9464)
    assert config.notices.webhook == Secret("https://hooks.example.com/a?b=c")
    assert config.notices.heartbeat == Secret("http://127.0.0.1:8000/beat")


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        ("liner:\n  tiemout: 3s", 2, "unknown key liner.tiemout", "did you mean liner.timeout?"),
        ("linr: {}", 1, "unknown key linr", "did you mean liner?"),
        ("liner:\n  workers: 3", 2, "unknown key liner.workers", "did you mean download.workers?"),
        ("workers: 3", 1, "unknown key workers", "did you mean download.workers?"),
        ("storage:\n  s3:\n    sse_key: x", 3, "unknown key storage.s3.sse_key", "did you mean"),
        ("window: {qqqqqq: 1}", 1, "unknown key window.qqqqqq", "known here: lookback, recheck"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_known(
    text: str, line: int, message: str, hint: str
) -> None:
    error = refused(text)
    assert str(error) == f"archive.yaml, line {line}: {message}"
    assert error.hint.startswith(hint)
    assert error.exit_code == 2


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ("download:\n  workers: many", 2, "download.workers"),
        ("download: {workers: -1}", 1, "download.workers"),
        ("download: {workers: 0}", 1, "download.workers"),
        ("download: {workers: true}", 1, "download.workers"),
        ("download: {workers: [1]}", 1, "download.workers"),
        ("download: {workers: {a: b}}", 1, "download.workers"),
        ("download: {max_bytes: 2G}", 1, "download.max_bytes"),
        ("download: {spool_memory: 0}", 1, "download.spool_memory"),
        ("download:\n  allow_origins:\n  - https://a.test\n  - ftp://b", 4, "allow_origins must"),
        ("download: {allow_origins: ['https://u:canary-7f3a/9=Q@b/']}", 1, "allow_origins"),
        ("liner: {timeout: 0}", 1, "liner.timeout"),
        ("liner: {timeout: 2h}", 1, "liner.timeout"),
        ("liner: {timeout: soon}", 1, "liner.timeout"),
        ("liner: {requests_per_second: 0}", 1, "liner.requests_per_second"),
        ("liner: {requests_per_second: .inf}", 1, "liner.requests_per_second"),
        ("liner: {api_key: ''}", 1, "liner.api_key is empty"),
        ("liner: {api_key: 'canary-7f3a/9=Q x'}", 1, "liner.api_key holds a space"),
        ('liner: {api_key: "canary-7f3a/9=Q\\n"}', 1, "liner.api_key holds a space"),
        ("liner: {api_key: ключ}", 1, "liner.api_key holds a space"),
        ("liner: {api_key: [canary-7f3a/9=Q]}", 1, "liner.api_key must be one value"),
        ("scope: {orders: every}", 1, "scope.orders must be an id"),
        ("scope: {orders: [1, 0]}", 1, "scope.orders must be an id"),
        ("scope: {orders: [1, [2]]}", 1, "scope.orders must be a list of single values"),
        ("scope: {orders: []}", 1, "scope.orders is an empty list"),
        ("scope: {leads: [-5]}", 1, "scope.leads must be an id"),
        ("scope: {leads: -5}", 1, "scope.leads must be an id"),
        ("window: {since: yesterday}", 1, "window.since must be a date"),
        ("window: {since: 2026-02-30}", 1, "window.since must be a day"),
        ("window: {timezone: Europe/Berln}", 1, "window.timezone must be a time zone such as"),
        ("window: {timezone: ../../etc/passwd}", 1, "window.timezone must be a time zone"),
        ("window: {timezone: Europe}", 1, "window.timezone must be a time zone"),
        ("window: {recheck: [1d, 24h]}", 1, "window.recheck names the same time twice"),
        ("window: {recheck: [0]}", 1, "window.recheck must be longer"),
        ("window:\n  lookback: 6d", 2, "window.lookback is shorter"),
        ("window:\n  recheck: [9d]", 2, "window.recheck goes beyond"),
        ("storage: {url: 'gs://bucket/x'}", 1, "storage.url must be a folder"),
        ("storage: {url: 's3:/bucket'}", 1, "storage.url must be written as s3://"),
        ("storage: {url: 's3://B!/x'}", 1, "storage.url must name a valid bucket"),
        ("storage: {url: 's3://bucket/a/../b'}", 1, "storage.url must have a prefix"),
        ("storage: {url: ''}", 1, "storage.url must be a path"),
        ("storage:\n  s3: {region: eu}", 2, "storage.s3 is for an archive on S3"),
        ("storage: {url: 's3://bucket', s3: {sse: AES}}", 1, "storage.s3.sse must be AES256"),
        ("storage: {url: 's3://bucket', s3: {kms_key_id: k}}", 1, "storage.s3.kms_key_id is for"),
        (
            "storage: {url: 's3://bucket', s3: {endpoint_url: 'https://u:canary-7f3a@h'}}",
            1,
            "storage.s3.endpoint_url must hold no user name",
        ),
        (
            "storage: {url: 's3://bucket', s3: {object_lock: {mode: GOVERNANCE}}}",
            1,
            "storage.s3.object_lock.mode is given without storage.s3.object_lock.retain",
        ),
        (
            "storage: {url: 's3://bucket', s3: {object_lock: {retain: 1y}}}",
            1,
            "storage.s3.object_lock.retain is given without storage.s3.object_lock.mode",
        ),
        ("desk: {data: archive/desk.sqlite}", 1, "desk.data lies inside the archive"),
        ("desk: {users: archive/users.yaml}", 1, "desk.users lies inside the archive"),
        ("desk: {proxy_header: X-User}", 1, "is given without desk.proxy_addresses"),
        ("desk:\n  proxy_header: 'X User'", 2, "must be the name of a header"),
        ("desk: {proxy_addresses: proxy.local}", 1, "must be an address or a network"),
        ("desk: {proxy_addresses: [10.0.0.7/8]}", 1, "must be an address or a network"),
        ("desk: {public_url: desk.example.com}", 1, "desk.public_url must begin with https://"),
        ("desk: {language: de}", 1, "desk.language must be en or ru"),
        ("desk: {keep_log: 0}", 1, "desk.keep_log must be longer than nothing"),
        ("catalog: {path: archive/catalog.sqlite}", 1, "catalog.path lies inside the archive"),
        ("download: {spool: archive/../archive/x}", 1, "download.spool lies inside the archive"),
        ("retention: {keep: 18mo}", 1, "retention.keep must be a duration"),
        ("metrics: {listen: 9464}", 1, "metrics.listen must be a host and a port"),
        ("metrics: {listen: '::1:9464'}", 1, "metrics.listen must name a valid host"),
        ("metrics: {listen: 'localhost:99999'}", 1, "metrics.listen must be a host and a port"),
        ("metrics: {textfile: archive/a.prom}", 1, "metrics.textfile lies inside the archive"),
        ("notices: {webhook: 'https://a/#b'}", 1, "notices.webhook must have no fragment"),
        ("notices: {heartbeat: 'ftp://a/b'}", 1, "notices.heartbeat must begin with https://"),
        (
            "notices: {webhook: 'https://a/', webhook_file: b}",
            1,
            "notices.webhook_file and notices.webhook are both given",
        ),
        ("liner: 3", 1, "liner must be a set of keys"),
        ("- liner", 1, "the file must be a set of keys"),
        ("liner: {timeout: 3s}\nliner: {timeout: 4s}", 2, "liner stands here again, first in line"),
        ("? [a]\n: b", 1, "a key must be plain text"),
    ],
)
def test_a_wrong_value_is_refused_by_line_and_key(text: str, line: int, key: str) -> None:
    message = str(refused(text))
    assert message.startswith(f"archive.yaml, line {line}: ")
    assert key in message


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: &x 1", 1, "anchors (&) and aliases (*)"),
        ("liner: {url: *x}", 1, "anchors (&) and aliases (*)"),
        ("liner: !!python/object/apply:os.system [id]", 1, "tags (!)"),
        ("liner: !canary!7f3a x", 1, "tags (!)"),
        ("liner:\n\ttimeout: 3s", 2, "a tab cannot stand here"),
        ("liner: {", 1, "is no YAML"),
        ("liner: 'x", 1, "is no YAML"),
        ("--- {}\n--- {}", 2, "is no YAML"),
        ("liner:\n  url: \x07", 2, "holds a character that YAML does not allow"),
        ("[" * 2000, 1, "nested deeper"),
        ("<<: {a: b}", 1, "unknown key <<"),
    ],
)
def test_yaml_beyond_plain_settings_is_refused_in_one_line(
    text: str, line: int, message: str
) -> None:
    said = str(refused(text))
    assert said.startswith(f"archive.yaml, line {line}: ")
    assert message in said


def test_a_file_beyond_any_sense_is_refused_by_its_size() -> None:
    assert "larger than 256 KiB" in str(refused("#" * 300_000))


def test_the_environment_is_put_in_after_parsing() -> None:
    environ = {**ENVIRON, "FOLDER": "a: {b, #c", "N": "8", "KEY": "[x]"}
    text = (
        "storage: {url: '/data/${FOLDER}'}\ndownload: {workers: '${N}'}\nliner: {api_key: '${KEY}'}"
    )
    config = load(text, environ)
    assert config.storage.url == "/data/a: {b, #c"
    assert config.download.workers == 8
    assert config.liner.api_key == Secret("[x]")


def test_a_missing_variable_is_named() -> None:
    error = refused("storage:\n  url: /data/${NO_SUCH}")
    assert "line 2: storage.url needs the environment variable NO_SUCH" in str(error)
    assert "${" in str(refused("storage: {url: '${bad-name}'}"))


def test_an_error_shows_what_is_written_and_not_what_the_environment_holds() -> None:
    error = refused("download: {workers: '${LINER_API_KEY}'}")
    assert "not '${LINER_API_KEY}'" in str(error)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Liner.Example.com/", "https://liner.example.com"),
        ("https://liner.test:443", "https://liner.test"),
        ("https://liner.test:8443", "https://liner.test:8443"),
        ("http://localhost:80", "http://localhost"),
        ("http://127.5.5.5:99", "http://127.5.5.5:99"),
        ("http://[::1]:8123", "http://[::1]:8123"),
    ],
)
def test_the_api_is_an_origin(url: str, origin: str) -> None:
    assert load(f"liner: {{url: '{url}'}}").liner.url == origin


@pytest.mark.parametrize(
    "url",
    [
        "http://liner.test",
        "http://10.0.0.1",
        "http://127.1",
        "http://localhost.evil.test",
        "https://liner.test/v2",
        "https://liner.test?x",
        "https://liner.test/#x",
        f"https://user:{CANARY.replace('/', '%2F')}@liner.test",
        "https://",
        "https://liner.test:0",
        "https://liner.test:99999",
        "https://liner.test:",
        "https://lin er.test",
        "https://линер.test",
        "https:/liner.test",
        "https://evil.test\\@liner.test",
        "ftp://liner.test",
        "liner.test",
    ],
)
def test_any_other_address_of_the_api_is_refused(url: str) -> None:
    assert "liner.url must" in str(refused(f"liner: {{url: '{url}'}}"))
    error = refused("", {**ENVIRON, "LINER_URL": url})
    assert str(error).startswith("LINER_URL must")


def test_url_and_key_must_come_from_somewhere() -> None:
    assert "liner.url is missing" in str(refused("", {"LINER_API_KEY": CANARY}))
    error = refused("", {"LINER_URL": "https://liner.test"})
    assert "LINER_API_KEY is not set" in str(error)
    assert "liner.api_key_file" in error.hint
    wrong = {**ENVIRON, "LINER_API_KEY": f"{CANARY} "}
    assert str(refused("", wrong)).startswith("LINER_API_KEY holds a space")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "liner: {api_key: '${NIGHTLY_KEY}', url: '${NIGHTLY_URL}'}",
        "liner: {api_key_file: /run/secrets/not-mounted-here}",
    ],
)
def test_a_command_that_never_asks_the_api_needs_no_key_and_no_url(text: str) -> None:
    assert "liner" in str(refused(text, {"HOME": "/home/anna"}))
    config = load_config(text, {"HOME": "/home/anna"}, base=BASE, needs_key=False)
    assert config.liner == LinerConfig("", Secret(""))


def test_a_key_that_is_not_needed_is_not_even_read_and_all_else_is(tmp_path: Path) -> None:
    path = tmp_path / "night.yaml"
    path.write_text("liner: {timeout: 1m}\nstorage: {url: here}", encoding="utf-8")
    config = read_config(path, ENVIRON, needs_key=False)
    assert config.liner == LinerConfig("https://liner.test", Secret(""), timeout=60.0)
    assert config.storage.url == str(tmp_path / "here")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("liner: {url: liner.test}", "liner.url must begin with https://"),
        ("liner: {api_kee: x}", "unknown key liner.api_kee"),
        ("storage: {url: '/data/${FOLDER}'}", "needs the environment variable FOLDER"),
    ],
)
def test_a_wrong_file_is_refused_whether_a_key_is_needed_or_not(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        load_config(text, {}, base=BASE, needs_key=False)


def test_the_key_may_lie_in_a_mounted_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{CANARY}\n")
    (tmp_path / "key").chmod(0o600)
    without = {"LINER_URL": "https://liner.test"}
    for text in (
        "liner: {api_key_file: key}",
        "liner: {api_key_file: key, api_key: '${LINER_API_KEY}'}",
    ):
        assert load(text, without, tmp_path).liner.api_key.reveal() == CANARY
    both = refused("liner: {api_key_file: key, api_key: x}", without, tmp_path)
    assert "api_key_file and liner.api_key are both given" in str(both)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "does not exist"),
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"canary-7f3a/9=Q\nsecond", "holds a space"),
        (b"canary-7f3a/9=Q\xff", "plain ASCII"),
        (b"k" * 70_000, "larger than"),
    ],
)
def test_a_file_that_holds_no_key_is_refused(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / "key").write_bytes(content)
        (tmp_path / "key").chmod(0o600)
    error = refused("liner: {api_key_file: key}", ENVIRON, tmp_path)
    assert "liner.api_key_file" in str(error)
    assert message in str(error)


def test_a_secret_that_everybody_may_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(CANARY)
    for mode in (0o604, 0o644, 0o777):
        (tmp_path / "key").chmod(mode)
        error = refused("liner: {api_key_file: key}", ENVIRON, tmp_path)
        assert "can be read by everybody on this machine" in str(error)
        assert f"chmod 600 {tmp_path / 'key'}" in error.hint
    for mode in (0o400, 0o600, 0o440):
        (tmp_path / "key").chmod(mode)
        assert load("liner: {api_key_file: key}", ENVIRON, tmp_path).liner.api_key.reveal()


def test_a_secret_on_a_read_only_mount_is_taken_as_containers_are_given_it(tmp_path: Path) -> None:
    mounted = tmp_path / "secrets"
    mounted.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(mounted)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        (mounted / "key").write_text(CANARY)
        (mounted / "key").chmod(0o444)
        refused("liner: {api_key_file: secrets/key}", ENVIRON, tmp_path)
        subprocess.run(["mount", "-o", "remount,ro", str(mounted)], check=True)
        config = load("liner: {api_key_file: secrets/key}", ENVIRON, tmp_path)
        assert config.liner.api_key.reveal() == CANARY
    finally:
        subprocess.run(["umount", str(mounted)], check=True)


def test_addresses_of_notices_may_lie_in_files_and_are_never_shown(tmp_path: Path) -> None:
    for name in ("hook", "beat"):
        (tmp_path / name).write_text(f"https://hooks.example.com/{CANARY}\n")
        (tmp_path / name).chmod(0o600)
    text = "notices: {webhook_file: hook, heartbeat_file: beat}"
    notices = load(text, ENVIRON, tmp_path).notices
    assert notices.webhook == notices.heartbeat == Secret(f"https://hooks.example.com/{CANARY}")
    assert CANARY not in repr(notices)
    (tmp_path / "hook").write_text(f"http://hooks.example.com/{CANARY}")
    assert "must begin with https://" in str(refused(text, ENVIRON, tmp_path))
    (tmp_path / "hook").unlink()
    assert "does not exist" in str(refused(text, ENVIRON, tmp_path))
    others = load_config(text, {}, base=tmp_path, needs_key=False)
    assert others.notices == NoticesConfig()


def test_leads_may_be_ids_or_a_file_of_ids(tmp_path: Path) -> None:
    (tmp_path / "leads.txt").write_bytes(
        b"\xef\xbb\xbf# our leads\r\n789\r\n\r\n 790  # Anna\r\n789\r\n"
    )
    assert load("scope: {leads: leads.txt}", base=tmp_path).scope.leads == (789, 790)
    assert load("scope: {leads: 789}").scope.leads == (789,)
    assert load("scope: {leads: [790, 789]}").scope.leads == (790, 789)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"789\nseven\n", "leads.txt, line 2: must be an id"),
        (b"789\n\xff\n", "leads.txt, line 2: is not UTF-8"),
        (b"# none\n", "names no lead"),
        (None, "leads.txt does not exist"),
    ],
)
def test_a_file_of_leads_is_checked_line_by_line(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / "leads.txt").write_bytes(content)
    error = refused("scope: {leads: leads.txt}", ENVIRON, tmp_path)
    assert "scope.leads" in str(error)
    assert message in str(error)


def test_a_file_is_read_from_its_own_folder(tmp_path: Path) -> None:
    path = tmp_path / "night.yaml"
    path.write_text("storage: {url: here}", encoding="utf-8")
    assert read_config(path, ENVIRON).storage.url == str(tmp_path / "here")


def test_a_file_that_is_no_text_is_refused_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "night.yaml"
    with pytest.raises(ConfigError, match=r"night\.yaml does not exist"):
        read_config(path, ENVIRON)
    path.write_bytes(b"liner:\n  url: \xff")
    with pytest.raises(ConfigError, match=r"night\.yaml, line 2: is not UTF-8"):
        read_config(path, ENVIRON)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_config(tmp_path, ENVIRON)


def test_a_secret_prints_as_redacted_wherever_it_is() -> None:
    config = load("")
    assert CANARY not in f"{config!r} {config} {config.liner.api_key}"
    assert repr(config.liner.api_key) == "[redacted]"
    assert config.liner.api_key == Secret(CANARY)
    assert config.liner.api_key != Secret("other")
    assert config.liner.api_key != CANARY


def test_every_part_of_the_configuration_is_frozen() -> None:
    config = load("")
    parts = [getattr(config, field.name) for field in fields(config)]
    for part in (config, *parts):
        assert is_dataclass(part)
        with pytest.raises(FrozenInstanceError):
            setattr(part, fields(part)[0].name, None)


def test_catalogs_lie_in_the_state_folder_of_the_user() -> None:
    assert state_folder({"HOME": "/home/anna"}) == Path("/home/anna/.local/state/archiver")
    assert state_folder({"XDG_STATE_HOME": "/var/s", "HOME": "/h"}) == Path("/var/s/archiver")
    assert state_folder({"XDG_STATE_HOME": "s", "HOME": "/h"}) == Path("/h/.local/state/archiver")
    with pytest.raises(ConfigError, match="HOME"):
        state_folder({})


def test_loading_reads_no_environment_but_the_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINER_API_KEY", "from-the-process")
    assert os.environ["LINER_API_KEY"] not in load("").liner.api_key.reveal()


_ODDITIES = [
    "\t",
    "\x00",
    "{",
    "]",
    "- ",
    ": ",
    "&a ",
    "*a",
    "!x ",
    "${",
    "${X}",
    "'",
    '"',
    "\n",
    "|",
    "%",
    "-1",
    "\ud800",
    "9" * 30,
]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_whatever_stands_in_the_file_is_either_used_or_refused(data: st.DataObject) -> None:
    text = sample()
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(at, min(len(text), at + 30)))
        text = text[:at] + data.draw(st.sampled_from(_ODDITIES) | st.text(max_size=5)) + text[end:]
    try:
        assert isinstance(load(text), Config)
    except ConfigError as error:
        assert "\n" not in str(error)
        assert CANARY not in f"{error}{error.hint}"
