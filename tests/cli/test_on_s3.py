"""Commands as processes over a real S3 server: a closed terminal, and a key that is rotated."""

import json
import re
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from archiver.sandbox.answer_faults import Stall
from archiver.sandbox.exchange import Route
from archiver.sandbox.faults import Fault
from archiver.sandbox.server import Sandbox, sandbox_thread
from tests.cli.commands import PATIENCE, archiver, interrupted, started
from tests.cli.test_every import hears
from tests.storage.s3_servers import ACCESS_KEY, SECRET_KEY, RawBucket, Seaweed, seaweedfs
from tests.support.processes import until

pytestmark = pytest.mark.nightly

KEY = "canary-key-7a10"
SINCE = "2026-10-01"


@pytest.fixture
def server() -> Iterator[Seaweed]:
    with seaweedfs() as found:
        yield found


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with sandbox_thread(Sandbox(key=KEY)) as serving:
        yield serving


def credentials(folder: Path, access_key: str) -> None:
    """Write the shared file, as whoever rotates a key does."""
    file = folder / "credentials"
    file.write_text(
        f"[default]\naws_access_key_id = {access_key}\naws_secret_access_key = {SECRET_KEY}\n"
    )
    file.chmod(0o600)


@pytest.fixture
def bucket(tmp_path: Path, server: Seaweed, sandbox: Sandbox) -> RawBucket:
    """The bucket of the archive that is configured in the folder."""
    found = RawBucket(server, "process")
    credentials(tmp_path, ACCESS_KEY)
    s3 = {
        "endpoint_url": server.endpoint,
        "region": "us-east-1",
        "credentials_file": str(tmp_path / "credentials"),
    }
    document = {
        "liner": {"url": sandbox.url, "api_key": KEY, "requests_per_second": 500},
        "window": {"since": SINCE},
        "storage": {"url": f"s3://{found.name}/{found.prefix}", "s3": s3},
        "inspect": {"after_run": False},
    }
    (tmp_path / "archive.yaml").write_text(json.dumps(document))
    (tmp_path / "archive.yaml").chmod(0o600)
    return found


def names(bucket: RawBucket, prefix: str) -> list[str]:
    listed = bucket.client.list_objects_v2(
        Bucket=bucket.name, Prefix=f"{bucket.prefix}/_archive/{prefix}"
    )
    return [one["Key"] for one in listed.get("Contents", [])]


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_run_to_s3_whose_terminal_closes_leaves_its_report_and_no_lock(
    tmp_path: Path, sandbox: Sandbox, bucket: RawBucket, number: signal.Signals
) -> None:
    sandbox.faults.add(Fault(Route.FILE, Stall(after=1000), id=900105))
    process = started("run", "--json", folder=tmp_path)
    sandbox.wait_for(Route.FILE, 900105, patience=PATIENCE)
    ended = interrupted(process, number)
    assert ended.code == 130, ended
    assert ended.answer["interrupted"] is True
    assert "Traceback" not in ended.err
    (report,) = names(bucket, "runs/")
    assert ended.answer["runId"] in report
    assert names(bucket, "tmp/") in ([], [f"{bucket.prefix}/_archive/tmp/lock"])
    sandbox.faults.clear()
    begun = time.monotonic()
    after = archiver("run", "--json", folder=tmp_path)
    assert after.code == 0, after
    assert time.monotonic() - begun < 55, "it waited for the lease to expire"
    assert archiver("verify", folder=tmp_path).code == 0


def test_nights_go_on_with_a_key_that_was_rotated_without_a_restart(
    tmp_path: Path, server: Seaweed, sandbox: Sandbox, bucket: RawBucket
) -> None:
    process = started("run", "--every", "1s", "--log", "json", folder=tmp_path)
    assert hears(process, "run-ended")["exitCode"] == 0
    server.admit(ACCESS_KEY, "rotated")  # first the new key, then its file, then the old one goes
    credentials(tmp_path, "rotated")
    server.admit("rotated")
    for _ in range(3):
        hears(process, "run-ended")
    ended = interrupted(process, signal.SIGTERM)
    assert ended.code == 130
    codes = {
        one["exitCode"]
        for one in map(json.loads, ended.err.splitlines())
        if one["event"] == "run-ended"
    }
    assert codes <= {0, 130}
    assert archiver("verify", folder=tmp_path).code == 0


def fetched(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_the_desk_calls_nothing_damaged_while_its_key_is_refused_and_plays_with_the_next(
    tmp_path: Path, server: Seaweed, bucket: RawBucket
) -> None:
    assert archiver("run", folder=tmp_path).code == 0
    process = started("serve", "--port", "0", "--json", folder=tmp_path)
    assert process.stdout is not None
    url = json.loads(process.stdout.readline())["url"]
    audio = f"{url}recordings/900105/audio"
    until(lambda: fetched(audio)[0] == 200)
    sound = fetched(audio)[1]
    server.admit("rotated")
    code, said = fetched(audio)
    assert code == 503
    assert not re.search(rb"damage", said, re.IGNORECASE)
    credentials(tmp_path, "rotated")
    until(lambda: fetched(audio) == (200, sound))
    assert interrupted(process, signal.SIGTERM).code == 130
