"""What an export leaves out and who can open it: asked for in words, refused in words."""

import json
import zipfile
from pathlib import Path

import pytest
import pyzipper

from tests.cli.commands import archiver

SELECTED = ("export", "--offline", "--lead", "50231", "--no-waveforms")
LIST = "recordId,start,end,side,reason\n"
PASSWORD = "correct horse battery"


def prepared(folder: Path) -> None:
    files = {
        "good.csv": LIST + "900101,2,5,both,card number\n",
        "bad.csv": LIST + "900101,two,5,both,card number\n",
        "unknown.csv": LIST + "4711,2,5,both,card number\n",
        "weak.txt": "x\n",
        "strong.txt": PASSWORD + "\n",
    }
    for name, text in files.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o600)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--to", "a.zip", "--redact", "bad.csv"), "bad.csv, line 2: start must be seconds"),
        (("--to", "a.zip", "--redact", "none.csv"), "cannot read none.csv: No such file"),
        (
            ("--to", "a.zip", "--redact", "unknown.csv"),
            "recording 4711 is not among those exported",
        ),
        (("--to", "a.zip", "--redact-margin", "2"), "must be seconds from 0 to 1"),
        (("--to", "a.zip", "--redact-with", "tone"), "--redact-with needs --redact FILE"),
        (("--to", "a.zip", "--mask", "everything"), "--mask does not support 'everything'"),
        (("--to", "a.zip", "--password-file", "weak.txt"), "must have 12 characters or more"),
        (("--to", "a.zip", "--password"), "no terminal to enter the password"),
        (("--to", "a", "--password-file", "strong.txt"), "must end in .zip"),
        (("--to", "a.zip", "--encrypt-to", "age1x"), "must end in .zip.age"),
        (("--to", "a.zip.age", "--encrypt-to", "age1x"), "must be a public key of age"),
        (("--to", "a.zip.age"), "a.zip.age would not be encrypted"),
        (
            ("--to", "a.zip", "--password-file", "strong.txt", "--encrypt-to", "age1x"),
            "cannot be combined",
        ),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_made(
    archived: Path, arguments: tuple[str, ...], said: str
) -> None:
    prepared(archived)
    before = sorted(one.name for one in archived.iterdir())
    ended = archiver(*SELECTED, *arguments, folder=archived)
    assert ended.code == 2
    assert said in ended.err
    assert sorted(one.name for one in archived.iterdir()) == before


def test_a_password_that_others_can_read_is_refused(archived: Path) -> None:
    prepared(archived)
    (archived / "strong.txt").chmod(0o644)
    ended = archiver(*SELECTED, "--to", "a.zip", "--password-file", "strong.txt", folder=archived)
    assert ended.code == 2
    assert not ended.says(PASSWORD)


def test_the_password_opens_the_zip_and_is_nowhere_in_the_output(archived: Path) -> None:
    prepared(archived)
    arguments = ("--to", "a.zip", "--password-file", "strong.txt", "--mask", "names,phones")
    ended = archiver(*SELECTED, *arguments, folder=archived)
    assert ended.code == 0, ended.err
    assert not ended.says(PASSWORD)
    assert "does not hide names of files" in ended.out
    with zipfile.ZipFile(archived / "a.zip") as package, pytest.raises(RuntimeError):
        package.read("a/custody.json")
    with pyzipper.AESZipFile(archived / "a.zip") as package:
        package.setpassword(PASSWORD.encode())
        told = json.loads(package.read("a/custody.json"))
        names = package.namelist()
    assert told["masked"] == ["names", "phones"]
    assert not [name for name in names if "Anna" in name]


@pytest.mark.nightly
def test_a_redaction_is_told_and_shown_among_the_acts(archived: Path) -> None:
    prepared(archived)
    arguments = ("--to", "lead", "--redact", "good.csv", "--case", "C-17")
    ended = archiver(*SELECTED, *arguments, folder=archived)
    assert ended.code == 0, ended.err
    assert "1 recording redacted; redactions.json lists the spans" in ended.out
    assert "use --mask summaries" in ended.out
    acts = archiver("status", "--acts", folder=archived).out
    assert "redact" in acts
    assert "case C-17" in acts
