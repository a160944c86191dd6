"""docs/operations.md keeps its word: every command of it works, as it stands there."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from archiver.catalog.readonly import Vitals
from archiver.monitoring.history import Memory
from archiver.monitoring.metrics import exposition
from archiver.monitoring.replications import Replicated
from archiver.monitoring.verifications import Verification, Verifications
from archiver.sandbox.server import Sandbox, sandbox_thread
from archiver.verify.findings import KINDS
from tests.cli.commands import TOP, archiver
from tests.storage.s3_servers import ACCESS_KEY, SECRET_KEY, RawBucket, free_ports, seaweedfs

KEY = "canary-key-6f12"
ELSEWHERE = ("export", "systemctl", "journalctl", "docker", "kubectl", "30", "archiver lock")
"""How a line of a `shell` block may begin: it is for a machine that tests do not have."""

REMOVING = "Retention, holds, erasure"
NEEDED = [program for program in ("jq", "rclone", "curl") if shutil.which(program) is None]
BEFORE = {"A new machine": 'rm -r "$HOME/.local/state/archiver"'}
"""What makes a section what its title says."""


def page() -> str:
    return (TOP / "docs" / "operations.md").read_text("utf-8")


def sections() -> dict[str, str]:
    """The page by its second-level titles, in order."""
    parts = re.split(r"^## (.+)\n", page(), flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def blocks(text: str, kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL)


def script() -> str:
    """All `sh` blocks, but for those that remove: these have an archive of their own below."""
    lines = ["set -euo pipefail"]
    for title, text in sections().items():
        if title != REMOVING and (found := blocks(text, "sh")):
            lines += [f"echo '== {title}' >&2", BEFORE.get(title, ":"), *found]
    return "\n".join(lines)


@pytest.fixture
def environ(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A home, an API and an S3 server, as an operator has them."""
    with sandbox_thread(Sandbox(key=KEY)) as api, seaweedfs() as s3:
        RawBucket(s3, "", "recordings")
        yield {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "LINER_URL": api.url,
            "LINER_API_KEY": KEY,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL_S3": s3.endpoint,
            "RCLONE_S3_PROVIDER": "SeaweedFS",
            "RCLONE_S3_ENDPOINT": s3.endpoint,
            "RCLONE_S3_REGION": "us-east-1",
            "RCLONE_S3_ENV_AUTH": "true",
        }


@pytest.mark.nightly
@pytest.mark.skipif(bool(NEEDED), reason=f"not here: {', '.join(NEEDED)}")
def test_every_command_of_the_page_works_from_top_to_bottom(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    (port,) = free_ports(1)
    done = subprocess.run(
        ["bash", "-xc", script().replace("9464", str(port))],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{done.stderr[-3000:]}\n{done.stdout[-2000:]}"
    assert KEY not in done.stdout
    begun = [line for line in script().splitlines() if line.startswith("echo '== ")]
    assert done.stderr.count("\n== ") == len(begun)


def test_what_is_not_run_here_is_marked_so_and_named() -> None:
    others = [line for one in blocks(page(), "shell") for line in one.splitlines() if line]
    commands = [line for line in others if not line.startswith("#")]
    print("not run here:", *commands, sep="\n  ")
    assert [line for line in commands if not line.startswith(ELSEWHERE)] == []
    assert set(re.findall(r"^```(\w+)$", page(), re.MULTILINE)) <= {"sh", "shell", "yaml"}
    for path in set(re.findall(r"`(docker/[\w./]*)`", page())):
        assert (TOP / path).exists(), path


def test_every_metric_is_explained() -> None:
    moment = datetime(2026, 11, 3, tzinfo=UTC)
    memory = Memory(moment, moment, moment, moment, exit_code=0, runs={"0": 1})
    one = Verification(moment, moment, "all", 0)
    memory.verifications = memory.replica_verifications = Verifications(one, {"all": moment})
    memory.replication = Replicated(moment, current_at=moment)
    memory.signed_at = memory.stamped_at = memory.witnessed_at = moment
    calm = Vitals({"none": 1}, {"gone": 1}, 0, None, 0, 0)
    text = exposition(memory, calm, moment).decode()
    there = set(re.findall(r"^(archiver_\w+)", text, re.MULTILINE))
    told = sections()["Notifications and monitoring"]
    assert set(re.findall(r"`(archiver_\w+)", told)) == there


def test_every_finding_and_every_exit_code_is_explained() -> None:
    findings = sections()["Findings"]
    assert set(re.findall(r"`([a-z-]+)`(?:,| \|)", findings)) == {kind.name for kind in KINDS}
    codes = sections()["Exit codes"]
    assert re.findall(r"^\| (\d+) \|", codes, re.MULTILINE) == [*"0123456", "130"]


def removing_commands() -> list[list[str]]:
    """The commands on holds, erasure and retention, in order."""
    found = [line for one in blocks(sections()[REMOVING], "sh") for line in one.splitlines()]
    lines = [line.partition(" #")[0] for line in found]
    return [shlex.split(line)[1:] for line in lines if line.startswith("archiver ")]


def test_every_command_that_removes_works_on_the_samples(archived: Path) -> None:
    found = removing_commands()
    assert {one[0] for one in found} == {"hold", "prune", "erase"}
    hold_id = ""
    for arguments in found:
        words = [hold_id if word == "h3fa2c19b07" else word for word in arguments]
        ended = archiver(*words, folder=archived)
        assert ended.code == 0, (words, ended)
        if words[:2] == ["hold", "add"]:
            name = re.search(r"Hold (h[0-9a-f]+) is in force", ended.out)
            assert name is not None
            hold_id = name[1]
