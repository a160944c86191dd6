"""`archiver hold`: places, lists and lifts, without a key and beside a run."""

import json
from pathlib import Path

import anyio
import pytest

from tests.cli.commands import Ended, archiver
from tests.storage.conftest import aws_environment, seaweed, shared_clients
from tests.storage.s3_servers import ACCESS_KEY, SECRET_KEY, RawBucket, S3Server
from tests.verify.archives import make

__all__ = ["aws_environment", "seaweed", "shared_clients"]


def hold(folder: Path, *arguments: str) -> Ended:
    return archiver("hold", *arguments, folder=folder)


def test_several_holds_are_placed_listed_and_lifted_without_a_key(archived: Path) -> None:
    reason = "Lawsuit 4 O 12/26, Müller"
    ended = hold(
        archived, "add", "--lead", "50231", "--lead", "50244", "--call", "70108", "--reason", reason
    )
    assert (ended.code, ended.err) == (0, "")
    assert "It covers 4 recordings in the archive now" in ended.out
    second = hold(archived, "add", "--order", "202", "--reason", "audit", "--json").answer
    listed = hold(archived, "list")
    assert reason in listed.out
    assert second["holdId"] in listed.out
    told = hold(archived, "list", "--json").answer["holds"]
    assert [one["reason"] for one in told] == [reason, "audit"]
    assert told[0]["leadIds"] == [50231, 50244]
    assert told[0]["placedBy"].count("@") == 1
    ended = hold(archived, "lift", told[0]["holdId"], "--reason", "settled")
    assert (ended.code, ended.err) == (0, "")
    assert len(hold(archived, "list", "--json").answer["holds"]) == 1
    everything = hold(archived, "list", "--all", "--json").answer["holds"]
    assert sorted(one["liftReason"] or "" for one in everything) == ["", "settled"]
    assert "lifted" in hold(archived, "list", "--all").out


def test_no_hold_is_said_in_words(archived: Path) -> None:
    assert hold(archived, "list").out == "No hold is in force.\n"


def test_texts_that_are_gone_are_said_to_be_gone(archived: Path) -> None:
    erased = hold(archived, "add", "--lead", "50244", "--reason", "x", "--json").answer["holdId"]
    hold(archived, "lift", erased, "--reason", "y")
    archiver("erase", "--lead", "50244", "--remove", "1", "--reason", "asked", folder=archived)
    lost = hold(archived, "add", "--lead", "50231", "--reason", "z", "--json").answer["holdId"]
    text = archived / f"archive/_archive/holds/{lost}.json"
    text.chmod(0o644)
    text.write_text("[" * 100_000)
    ended = hold(archived, "list", "--all")
    assert ended.code == 0, ended
    one, other = ended.out.split(f"{lost}  lead 50231\n")
    assert one.splitlines()[-1] == "  texts   erased together with a person"
    assert other.splitlines()[-1] == "  texts   missing: run `archiver verify`"
    assert " by " not in ended.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("add", "--reason", "x"), "no lead, call or order was given"),
        (("add", "--lead", "1"), "--reason"),
        (("add", "--lead", "zero", "--reason", "x"), "must be an id"),
        (("lift", "h123", "--reason", "x"), "there is no hold h123"),
        ((), "ACT"),
    ],
)
def test_what_cannot_be_ends_with_2(
    archived: Path, arguments: tuple[str, ...], message: str
) -> None:
    ended = hold(archived, *arguments)
    assert ended.code == 2, ended
    assert message in ended.err
    assert "Traceback" not in ended.err


def test_without_an_archive_it_ends_with_2(tmp_path: Path) -> None:
    (tmp_path / "archive.yaml").write_text("liner: {url: 'https://liner.test'}")
    assert hold(tmp_path, "add", "--lead", "1", "--reason", "x").code == 2
    assert not (tmp_path / "archive").exists()


@pytest.mark.nightly
def test_who_sets_legal_holds_again_and_why_is_an_act(
    tmp_path: Path, seaweed: S3Server, shared_clients: None
) -> None:
    small = anyio.run(make, tmp_path)
    bucket = RawBucket(seaweed, "one", "reapplied", ObjectLockEnabledForBucket=True)
    for path in small.root.rglob("*"):
        if path.is_file():
            bucket.write(str(path.relative_to(small.root)), path.read_bytes())
    s3 = {"endpoint_url": seaweed.endpoint, "region": "us-east-1"}
    storage = {"url": f"s3://{bucket.name}/one", "s3": s3}
    (tmp_path / "archive.yaml").write_text(json.dumps({"storage": storage}))
    environ = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}

    def done(*line: str) -> Ended:
        return archiver(*line, folder=tmp_path, environ=environ)

    why = ("--reason", "verify found one missing", "--by", "Ann Lee")
    assert "No hold in force" in done("hold", "reapply", *why).out
    assert done("hold", "add", "--lead", "50002", "--reason", "suit").code == 0
    assert done("hold", "reapply", *why).code == 0
    (placed, again) = done("status", "--acts", "--json").answer["acts"]
    assert (placed["did"], again["did"]) == ("hold", "reapply")
    assert (again["reason"], again["by"]) == ("verify found one missing", "Ann Lee")
    assert again["concerning"] == {"set": 1, "removed": 0}
