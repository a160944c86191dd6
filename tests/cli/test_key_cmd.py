"""`archiver key` makes keys that only their owner reads, and signs; `verify --key` checks."""

import json
import stat
from pathlib import Path

from tests.cli.commands import archiver


def sign_with(folder: Path, key: str) -> None:
    path = folder / "archive.yaml"
    config = json.loads(path.read_text()) | {"evidence": {"sign": key}}
    path.write_text(json.dumps(config))


def test_a_key_is_made_signs_and_is_rotated(archived: Path) -> None:
    made = archiver("key", "new", "--to", "one.pem", "--no-passphrase", "--json", folder=archived)
    assert made.code == 0, made
    assert stat.S_IMODE((archived / "one.pem").stat().st_mode) == 0o600
    sign_with(archived, "one.pem")
    unsigned = archiver("verify", folder=archived)
    assert unsigned.code == 4
    assert "NOT-SIGNED" in unsigned.out
    assert archiver("key", "sign", folder=archived).code == 0
    held = archiver("hold", "add", "--call", "70101", "--reason", "audit", folder=archived)
    assert held.code == 0
    assert archiver("verify", "--key", "one.pem.pub", folder=archived).code == 0
    turned = archiver("key", "rotate", "--to", "two.pem", "--no-passphrase", folder=archived)
    assert turned.code == 0, turned
    refused = archiver("key", "sign", folder=archived)
    assert refused.code == 5
    assert "was replaced by" in refused.err
    sign_with(archived, "two.pem")
    assert archiver("key", "sign", folder=archived).code == 0
    for key in ("one.pem.pub", "two.pem.pub"):
        assert archiver("verify", "--key", key, folder=archived).code == 0


def test_a_key_is_not_overwritten_nor_put_into_the_archive(archived: Path) -> None:
    (archived / "mine.pem").write_text("mine")
    there = archiver("key", "new", "--to", "mine.pem", "--no-passphrase", folder=archived)
    assert there.code == 2
    assert "already exists" in there.err
    assert (archived / "mine.pem").read_text() == "mine"
    inside = archiver("key", "new", "--to", "archive/k.pem", "--no-passphrase", folder=archived)
    assert inside.code == 2
    assert "inside the archive" in inside.err


def test_a_passphrase_comes_from_a_file_or_a_terminal(archived: Path) -> None:
    asked = archiver("key", "new", "--to", "k.pem", folder=archived)
    assert asked.code == 2
    assert "no terminal" in asked.err
    (archived / "phrase").write_text("short")
    (archived / "phrase").chmod(0o600)
    words = ("key", "new", "--to", "k.pem", "--passphrase-file", "phrase")
    assert "fewer than 8" in archiver(*words, folder=archived).err
    (archived / "phrase").write_text("long enough by far\n")
    assert archiver(*words, folder=archived).code == 0
    assert b"ENCRYPTED" in (archived / "k.pem").read_bytes()


def test_what_is_no_public_key_is_refused(archived: Path) -> None:
    for name in ("archive.yaml", "nothing.pub"):
        ended = archiver("verify", "--key", name, folder=archived)
        assert ended.code == 2
        assert "public key" in ended.err


def test_signing_without_a_section_says_what_to_set(archived: Path) -> None:
    ended = archiver("key", "sign", folder=archived)
    assert ended.code == 2
    assert "evidence.sign" in ended.err
