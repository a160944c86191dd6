"""What archive.yaml may not say is refused with file, line and key, whatever it is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.cli.init_cmd import sample
from archiver.config import (
    Config,
)
from archiver.errors import ConfigError
from tests.config.parts import CANARY, load, refused


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        ("liner:\n  tiemout: 3s", 2, "unknown key liner.tiemout", "did you mean liner.timeout?"),
        ("linr: {}", 1, "unknown key linr", "did you mean liner?"),
        ("liner:\n  workers: 3", 2, "unknown key liner.workers", "did you mean download.workers?"),
        ("workers: 3", 1, "unknown key workers", "did you mean download.workers?"),
        ("storage:\n  s3:\n    sse_key: x", 3, "unknown key storage.s3.sse_key", "did you mean"),
        ("window: {qqqqqq: 1}", 1, "unknown key window.qqqqqq", "known keys: lookback, recheck"),
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
        ("liner: {api_key: 'canary-7f3a/9=Q x'}", 1, "liner.api_key contains a space"),
        ('liner: {api_key: "canary-7f3a/9=Q\\n"}', 1, "liner.api_key contains a space"),
        ("liner: {api_key: ключ}", 1, "liner.api_key contains a space"),
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
        ("window: {recheck: [1d, 24h]}", 1, "window.recheck contains the same time twice"),
        ("window: {recheck: [0]}", 1, "window.recheck must be longer"),
        ("retention: {rules: [{orders: [1]}]}", 1, "retention.rules.keep is missing"),
        ("retention: {rules: [{keep: 3y}]}", 1, "retention.rules.keep applies to nothing"),
        ("retention: {rules: [{tags: ['a,b'], keep: 3y}]}", 1, "retention.rules.tags must be"),
        ("retention: {rules: {keep: 3y}}", 1, "retention.rules must be a list"),
        ("replica: {url: ./archive}", 1, "replica.url is the archive itself"),
        ("replica: {url: ./archive/second}", 1, "replica.url is the archive itself"),
        ("storage: {url: s3://aaa/b}\nreplica:\n  url: s3://aaa", 3, "replica.url is the archive"),
        ("replica: {url: ./second, s3: {region: x}}", 1, "replica.s3 applies to archives on S3"),
        ("replica: {workers: 0}", 1, "replica.workers must be a whole number"),
        ("window:\n  lookback: 6d", 2, "window.lookback is shorter"),
        ("window:\n  recheck: [9d]", 2, "window.recheck exceeds"),
        ("storage: {url: 'gs://bucket/x'}", 1, "storage.url must be a folder"),
        ("storage: {url: 's3:/bucket'}", 1, "storage.url must be written as s3://"),
        ("storage: {url: 's3://B!/x'}", 1, "storage.url must name a valid bucket"),
        ("storage: {url: 's3://bucket/a/../b'}", 1, "storage.url must have a prefix"),
        ("storage: {url: ''}", 1, "storage.url must be a path"),
        ("storage:\n  s3: {region: eu}", 2, "storage.s3 applies to archives on S3"),
        ("storage: {url: 's3://bucket', s3: {sse: AES}}", 1, "storage.s3.sse must be AES256"),
        ("storage: {url: 's3://bucket', s3: {kms_key_id: k}}", 1, "storage.s3.kms_key_id requires"),
        (
            "storage: {url: 's3://bucket', s3: {endpoint_url: 'https://u:canary-7f3a@h'}}",
            1,
            "storage.s3.endpoint_url must not contain a user name",
        ),
        (
            "storage: {url: 's3://bucket', s3: {object_lock: {mode: GOVERNANCE}}}",
            1,
            "storage.s3.object_lock.mode requires storage.s3.object_lock.retain",
        ),
        (
            "storage: {url: 's3://bucket', s3: {object_lock: {retain: 1y}}}",
            1,
            "storage.s3.object_lock.retain requires storage.s3.object_lock.mode",
        ),
        ("desk: {data: archive/desk.sqlite}", 1, "desk.data is inside the archive"),
        ("desk: {users: archive/users.yaml}", 1, "desk.users is inside the archive"),
        ("desk: {proxy_header: X-User}", 1, "requires desk.proxy_addresses"),
        ("desk:\n  proxy_header: 'X User'", 2, "must be the name of a header"),
        ("desk: {proxy_addresses: proxy.local}", 1, "must be an address or a network"),
        ("desk: {proxy_addresses: [10.0.0.7/8]}", 1, "must be an address or a network"),
        ("desk: {public_url: desk.example.com}", 1, "desk.public_url must begin with https://"),
        ("desk: {language: de}", 1, "desk.language must be en or ru"),
        ("desk: {keep_log: 0}", 1, "desk.keep_log must be longer than 0"),
        ("catalog: {path: archive/catalog.sqlite}", 1, "catalog.path is inside the archive"),
        ("download: {spool: archive/../archive/x}", 1, "download.spool is inside the archive"),
        ("retention: {keep: 18mo}", 1, "retention.keep must be a duration"),
        ("metrics: {listen: 9464}", 1, "metrics.listen must be a host and a port"),
        ("metrics: {listen: '::1:9464'}", 1, "metrics.listen must name a valid host"),
        ("metrics: {listen: 'localhost:99999'}", 1, "metrics.listen must be a host and a port"),
        ("metrics: {textfile: archive/a.prom}", 1, "metrics.textfile is inside the archive"),
        ("notices: {webhook: 'https://a/#b'}", 1, "notices.webhook must have no fragment"),
        ("notices: {heartbeat: 'ftp://a/b'}", 1, "notices.heartbeat must begin with https://"),
        (
            "notices: {webhook: 'https://a/', webhook_file: b}",
            1,
            "notices.webhook_file and notices.webhook cannot both be set",
        ),
        ("liner: 3", 1, "liner must be a set of keys"),
        ("- liner", 1, "the file must be a set of keys"),
        ("liner: {timeout: 3s}\nliner: {timeout: 4s}", 2, "duplicate key liner (first in line"),
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
        ("liner:\n\ttimeout: 3s", 2, "tabs are not allowed"),
        ("liner: {", 1, "is not valid YAML"),
        ("liner: 'x", 1, "is not valid YAML"),
        ("--- {}\n--- {}", 2, "is not valid YAML"),
        ("liner:\n  url: \x07", 2, "contains a character that YAML does not allow"),
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


def test_all_errors_of_a_file_are_reported_at_once_in_the_order_of_its_lines() -> None:
    error = refused(
        "desk: {proxy_header: X-User, proxy_addresses: proxy.local}\n"
        "liner: {tiemout: 3s}\n"
        "window: {since: tomorrow, recheck: [9d]}\n"
        "storage: {url: 'gs://bucket'}\n"
        "scope: 3\n",
        environ={},
    )
    said = [str(one).removeprefix("archive.yaml, line ") for one in (error, *error.others)]
    keys = [one.split()[:2] for one in said]
    assert keys == [
        ["1:", "desk.proxy_addresses"],
        ["2:", "unknown"],
        ["2:", "liner.url"],
        ["2:", "liner.api_key"],
        ["3:", "window.since"],
        ["3:", "window.recheck"],
        ["4:", "storage.url"],
        ["5:", "scope"],
    ]
    assert all(one.hint for one in error.others)


@pytest.mark.parametrize(
    "text",
    [
        "desk: {proxy_header: X-User, proxy_addresses: proxy.local}",
        "window: {recheck: [1d, soon], lookback: 1h}",
        "storage: {url: 'gs://b', s3: {region: eu}}\ncatalog: {path: archive/c.sqlite}",
        "storage: {url: 's3://bucket', s3: {object_lock: {mode: SOME, retain: 1y}}}",
        "liner: [1]",
    ],
)
def test_no_error_is_only_the_consequence_of_another(text: str) -> None:
    assert list(refused(text).others) == []


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
