"""docs/FORMAT.md keeps its word: a stranger checks signatures, stamps and witness with openssl."""

import os
import re
import shutil
import subprocess

import pytest

from tests.evidence.authority import Authority
from tests.evidence.conftest import Vouched
from tests.evidence.forging import drop, forge, roll_back
from tests.project.test_format_page import PAGE, check, needs_jq

pytestmark = [
    needs_jq,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl"),
]


def by_openssl(vouched: Vouched, authority: Authority) -> str:
    section = PAGE.read_text("utf-8").partition("## Signatures, time stamps and witnesses")[2]
    block = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    assert block is not None
    (witness,) = [one for one in (vouched.folder / "witness").iterdir() if one.name[0] != "_"]
    names = {"KEY": vouched.public, "ROOTS": authority.roots, "WITNESS": witness}
    done = subprocess.run(
        ["bash", "-c", block[1]],
        cwd=vouched.root,
        env=os.environ | {name: str(path) for name, path in names.items()},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def test_they_find_nothing_wrong_with_the_archive_as_it_is(
    vouched: Vouched, authority: Authority
) -> None:
    assert by_openssl(vouched, authority) == ""
    assert check(vouched.root) == ""


def test_they_find_a_forged_history(vouched: Vouched, authority: Authority) -> None:
    forge(vouched)
    said = by_openssl(vouched, authority)
    assert {line.partition(":")[0] for line in said.splitlines()} >= {"lost", "not signed", "bad"}


def test_they_find_a_signature_that_does_not_hold(vouched: Vouched, authority: Authority) -> None:
    (key, *_) = [one for one in vouched.medium.listing() if one.endswith(".signed")]
    vouched.medium.write(key, vouched.medium.read(key).replace(b'"at":"2026', b'"at":"2025'))
    assert f"bad: {key}" in by_openssl(vouched, authority)


def test_they_find_what_a_witness_remembers(vouched: Vouched, authority: Authority) -> None:
    roll_back(vouched)
    assert "lost: " in by_openssl(vouched, authority)


def test_they_find_a_tail_that_was_cut_off(vouched: Vouched, authority: Authority) -> None:
    drop(vouched, vouched.segments()[-1])
    said = by_openssl(vouched, authority)
    assert {line.partition(":")[0] for line in said.splitlines()} >= {"lost", "bad"}
