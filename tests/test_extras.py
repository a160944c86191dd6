"""A plain installation does the nightly job on a disk, and names the extra that is missing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from archiver.errors import ExtraMissing
from archiver.extras import EXTRAS, extra
from tests.cli.commands import environment

WITHOUT = f"""
import sys
for name in {sorted(name for each in EXTRAS.values() for name in each.modules)!r}:
    sys.modules[name] = None  # as if it were not installed
from archiver.cli import main
for line in sys.argv[1:]:
    code = main(line.split())
    print("ended with", code, file=sys.stderr)
"""
"""Runs commands one after another in an interpreter that has no module of any extra."""


def commands(folder: Path, *lines: str, out: bool = False) -> list[str]:
    """What standard error (or output) says of these commands, without the extras."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, *lines],
        cwd=folder,
        env={**environment(folder), "LINER_API_KEY": "key", "LINER_URL": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return (done.stdout if out else done.stderr).splitlines()


def test_the_nightly_job_on_a_disk_needs_no_extra(tmp_path: Path) -> None:
    (tmp_path / "archive.yaml").write_text(
        "storage: {url: demo-archive}\nwindow: {since: 2026-01-01}"
    )
    said = commands(
        tmp_path,
        "demo --no-serve",
        "status",
        "verify",
        "reindex",
        "hold list",
        "prune",
        "user list",
        "export --lead 50231 --to package --offline",
    )
    assert [line for line in said if "is not installed" in line] == []
    ends = [line for line in said if line.startswith("ended with")]
    assert ends == ["ended with 0"] * 5 + ["ended with 2"] + ["ended with 0"] * 2  # keep is unset


@pytest.mark.parametrize("line", ["serve", "demo"])
def test_the_desk_without_its_extra_names_it_and_ends_with_2(tmp_path: Path, line: str) -> None:
    (tmp_path / "archive.yaml").write_text("storage: {url: here}")
    assert commands(tmp_path, line) == [
        "error: the QA desk is not installed: uvicorn is missing",
        "hint: install it: pip install 'liner-archiver[desk]'",
        "exit code: 2",
        "ended with 2",
    ]
    assert not (tmp_path / "demo-archive").exists()


def test_s3_without_its_extra_names_it_and_ends_with_2(tmp_path: Path) -> None:
    (tmp_path / "archive.yaml").write_text("storage: {url: 's3://bucket/calls'}")
    said = commands(tmp_path, "status")
    assert said[1:] == [
        "hint: install it: pip install 'liner-archiver[s3]'",
        "exit code: 2",
        "ended with 2",
    ]


def test_another_module_that_is_missing_is_no_matter_of_an_extra() -> None:
    with pytest.raises(ModuleNotFoundError, match="there_is_no_such_module"), extra("desk"):
        __import__("there_is_no_such_module")
    with pytest.raises(ExtraMissing, match="storage on S3"), extra("s3"):
        raise ModuleNotFoundError(name="botocore.session")


def test_doctor_names_the_extras_that_the_configuration_needs(tmp_path: Path) -> None:
    text = (
        "window: {since: 2026-10-01}\nstorage: {url: %s}\ndesk: {public_url: 'https://desk.test'}"
        "\ndask: {scheduler: 'tcp://127.0.0.1:9'}"
    )
    for url, wanted in (
        ("'s3://bucket/calls'", {"s3", "dask", "desk"}),
        ("here", {"dask", "desk"}),
    ):
        (tmp_path / "archive.yaml").write_text(text % url)
        said = commands(tmp_path, "doctor --json", out=True)
        checks = json.loads(said[0])["checks"]
        hints = " ".join(check.get("hint") or check.get("next") or "" for check in checks)
        assert {name for name in EXTRAS if f"liner-archiver[{name}]" in hints} == wanted
