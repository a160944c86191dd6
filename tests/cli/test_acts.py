"""Whoever acts on an archive leaves who, why and for whom; `status --acts` lists it."""

import getpass
import json
import socket
from pathlib import Path

from archiver.sandbox.server import Sandbox, sandbox_thread
from tests.cli.commands import archiver
from tests.cli.conftest import KEY

WHY = ("--reason", "request 7", "--by", "Ann Lee", "--case", "C-7", "--recipient", "court")


def acts(folder: Path) -> list[dict[str, object]]:
    answer = archiver("status", "--acts", "--json", folder=folder).answer
    found: list[dict[str, object]] = answer["acts"]
    return found


def test_every_act_is_listed_with_who_and_why(archived: Path) -> None:
    assert acts(archived) == []
    held = archiver("hold", "add", "--lead", "50244", *WHY, "--json", folder=archived).answer
    archiver("hold", "lift", held["holdId"], *WHY, folder=archived)
    archiver("export", "--lead", "50231", "--to", "a.zip", "--offline", *WHY, folder=archived)
    archiver("inspect", *WHY, folder=archived)
    archiver("erase", "--lead", "50244", "--remove", "1", *WHY, folder=archived)
    plan = archiver("prune", "--json", folder=archived).answer
    number = str(plan["recordings"])
    assert archiver("prune", "--remove", number, *WHY, folder=archived).code == 0
    found = acts(archived)
    did = [one["did"] for one in found]
    assert sorted(map(str, did)) == ["erase", "export", "hold", "inspect", "lift", "prune"]
    for one in found:
        assert one["account"] == getpass.getuser()
        assert one["host"] == socket.gethostname()
        said = (one["reason"], one["by"], one["case"], one["recipient"])
        assert said == ("request 7", "Ann Lee", "C-7", "court")
    shown = archiver("status", "--acts", folder=archived)
    assert shown.code == 0
    who = f"{getpass.getuser()}@{socket.gethostname()}"
    assert f"{who}, for Ann Lee, case C-7, to court" in shown.out
    assert archiver("verify", folder=archived).code == 0


def test_a_repair_is_an_act_and_one_that_repaired_nothing_is_none(archived: Path) -> None:
    (audio, *_) = sorted((archived / "archive").glob("5*/*/*.mp3"))
    key = audio.relative_to(archived / "archive").as_posix()
    right, path = audio.read_bytes(), archived / "archive.yaml"
    audio.chmod(0o644)
    audio.write_bytes(right[:-1] + b"?")
    settings = json.loads(path.read_text())
    with sandbox_thread(Sandbox(key=KEY)) as serving:
        path.write_text(json.dumps(settings | {"liner": {"url": serving.url}}))
        environ = {"LINER_API_KEY": KEY}
        ended = archiver("verify", "--repair", *WHY, folder=archived, environ=environ)
        assert ended.code == 0, ended
        assert f"repaired           {key}\n" in ended.out
        again = archiver("verify", "--repair", *WHY, folder=archived, environ=environ)
    assert (again.code, audio.read_bytes()) == (0, right)
    (act,) = acts(archived)
    assert act["did"] == "repair"
    assert act["concerning"] == {"keys": [key], "repaired": 1}
    assert (act["reason"], act["by"], act["case"]) == ("request 7", "Ann Lee", "C-7")
    shown = archiver("status", "--acts", folder=archived).out
    assert (
        f"for Ann Lee, case C-7, to court\n      objects {key}, repaired 1\n      request 7\n"
        in shown
    )
    assert archiver("reindex", folder=archived).code == 0
    assert acts(archived) == [act]


def test_the_statement_and_the_list_of_acts_have_words_for_all_that_an_act_concerns(
    archived: Path,
) -> None:
    (archived / "spans.json").write_text(
        json.dumps([{"recordId": 900101, "start": 2, "end": 3, "reason": "card number"}])
    )
    chosen = ("--call", "70101", "--offline", "--redact", "spans.json", "--to", "out.zip")
    exported = archiver("export", *chosen, *WHY, folder=archived)
    assert exported.code == 0, exported
    made = archiver("table", "--since", "2026-10-01", "--to", "all.csv", *WHY, folder=archived)
    assert made.code == 0, made
    listed = archiver("status", "--acts", "--json", folder=archived).answer["acts"]
    concerning = {name for act in listed for name in act["concerning"]}
    assert {"path", "sha256", "recordIds", "rows", "since"} <= concerning
    shown = archiver("status", "--acts", folder=archived).out
    for lang in ("en", "ru"):
        page = f"{lang}.html"
        assert archiver("report", "--lang", lang, "--to", page, folder=archived).code == 0
        told = (archived / page).read_text("utf-8")
        for raw in ("recordIds", "RecordIds", "sha256 ", "Sha256", "Path redactions"):
            assert raw not in told
            assert raw not in shown
    assert "список redactions.json" in told


def test_acts_are_evidence_and_come_back_without_a_catalog(archived: Path) -> None:
    archiver("hold", "add", "--lead", "50244", *WHY, folder=archived)
    before = acts(archived)
    assert archiver("reindex", folder=archived).code == 0
    assert acts(archived) == before
    (path,) = (archived / "archive/_archive/acts").iterdir()
    told = json.loads(path.read_text())
    path.chmod(0o644)
    path.write_text(json.dumps(told | {"by": "Somebody Else"}))
    ended = archiver("verify", folder=archived)
    assert ended.code == 4
    assert f"_archive/acts/{path.name}" in ended.out


def test_an_act_that_a_crash_left_is_recorded_by_the_next(archived: Path) -> None:
    folder = archived / "archive/_archive/acts"
    folder.mkdir()
    told = {"actId": "20261130T010000Z-abcdef", "did": "export", "account": "ann", "host": "pc"}
    (folder / "20261130T010000Z-abcdef.json").write_text(json.dumps(told))
    assert archiver("verify", folder=archived).code in (0, 3)  # left behind, and no damage
    archiver("hold", "add", "--lead", "50244", *WHY, folder=archived)
    assert sorted(str(one["did"]) for one in acts(archived)) == ["export", "hold"]
    assert archiver("verify", folder=archived).code == 0


def test_the_end_of_a_hold_needs_a_reason(archived: Path) -> None:
    held = archiver("hold", "add", "--lead", "50244", *WHY, "--json", folder=archived).answer
    ended = archiver("hold", "lift", held["holdId"], folder=archived)
    assert ended.code == 2
    assert "lifting a hold requires a reason" in ended.err
