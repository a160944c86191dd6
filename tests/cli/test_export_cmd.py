"""`archiver export`, run as people run it."""

import json
import signal
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen

import anyio
import pytest

from archiver.clock import system_clock
from archiver.desk.file import open_desk_file
from archiver.desk.review.tags import Tags
from archiver.sandbox.cues import Fault
from archiver.sandbox.exchange import Route
from archiver.sandbox.faults import Stall
from archiver.sandbox.server import Sandbox, sandbox_thread
from tests.cli.commands import PATIENCE, archiver, interrupted, started
from tests.desk.parts import RITA
from tests.support.nightly import some_by_day

KEY = "canary-key-7f3a"
LEAD, OTHER_LEAD = "50231", "50244"
ONLINE = {"KEY": KEY}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with sandbox_thread(Sandbox(key=KEY)) as server:
        yield server


@pytest.fixture
def place(tmp_path: Path, sandbox: Sandbox) -> Path:
    (tmp_path / "archive.yaml").write_text(
        f"liner: {{url: '{sandbox.url}', api_key: '${{KEY}}', requests_per_second: 5000}}\n"
        "window: {since: 2026-11-03}\n"
    )
    return tmp_path


def test_one_command_makes_the_package_from_nothing(place: Path) -> None:
    ended = archiver("export", "--lead", LEAD, "--to", "lead.zip", folder=place, environ=ONLINE)
    assert ended.code == 0, ended.err
    assert "Lead 50231: 2 calls, 1 recording" in ended.out
    assert "COMPLETE" in ended.out
    with zipfile.ZipFile(place / "lead.zip") as package:
        names = package.namelist()
        told = json.loads(package.read("lead/custody.json"))
    assert "lead/data/index.html" in names
    assert told["counts"]["calls"] == 2
    assert told["exportedBy"]["user"]
    assert not ended.says(KEY)
    assert KEY.encode() not in (place / "lead.zip").read_bytes()


def test_json_answers_with_one_object(place: Path) -> None:
    arguments = ("export", "--lead", LEAD, "--lead", "7", "--to", "lead", "--json")
    ended = archiver(*arguments, folder=place, environ=ONLINE)
    assert ended.code == 3, ended.err
    answer = ended.answer
    assert (answer["complete"], answer["notFound"]) == (False, ["lead 7"])
    assert answer["target"] == str(place / "lead")
    assert answer["recordings"] == 1


def test_offline_needs_no_key_and_no_address(place: Path) -> None:
    first = archiver("export", "--lead", LEAD, "--to", "one.zip", folder=place, environ=ONLINE)
    (place / "archive.yaml").write_text("window: {timezone: Europe/Berlin}\n")
    arguments = ("export", "--lead", LEAD, "--to", "two.zip", "--offline")
    second = archiver(*arguments, folder=place)
    assert (first.code, second.code) == (0, 0), second.err


def test_an_unknown_lead_ends_with_3_and_no_file(place: Path) -> None:
    ended = archiver("export", "--lead", "789", "--to", "lead.zip", folder=place, environ=ONLINE)
    assert ended.code == 3
    assert "error: no calls for lead 789, neither in the archive nor in the API" in ended.err
    assert not (place / "lead.zip").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--to", "a.zip"), "no calls selected for export"),
        (("--lead", "1"), "the following arguments are required: --to"),
        (("--lead", "x", "--to", "a.zip"), "must be an id"),
        (("--phone", "Anna", "--to", "a.zip"), "--phone must be a telephone number"),
        (("--selection", "none.txt", "--to", "a.zip"), "cannot read none.txt: No such file"),
        (("--selection", "there.zip", "--to", "a.zip"), "line 1: 'mine' is neither"),
        (
            ("--since", "2026-11-02", "--until", "2026-11-02", "--to", "a.zip"),
            "--since must be earlier",
        ),
        (("--lead", "1", "--lang", "xx", "--to", "a.zip"), "must be one of"),
        (("--lead", "1", "--to", "none/a.zip"), "none does not exist"),
        (("--lead", "1", "--to", "there.zip"), "already exists"),
        (("--lead", "1", "--to", "mine", "--force"), "is not an export"),
        (("--lead", "1", "--to", "archive/a.zip"), "is inside the archive"),
    ],
)
def test_impossible_requests_end_with_2(
    place: Path, arguments: tuple[str, ...], message: str
) -> None:
    (place / "there.zip").write_bytes(b"mine")
    (place / "mine").mkdir()
    (place / "archive").mkdir()
    ended = archiver("export", *arguments, folder=place, environ=ONLINE)
    assert ended.code == 2
    assert message in ended.err
    assert "asking the API" not in ended.err
    assert "Traceback" not in ended.err
    assert (place / "there.zip").read_bytes() == b"mine"


def test_damage_ends_with_4_and_names_it(place: Path) -> None:
    assert (
        archiver("export", "--lead", LEAD, "--to", "one.zip", folder=place, environ=ONLINE).code
        == 0
    )
    audio = next(place.glob(f"archive/{LEAD}/*/*.mp3"))
    audio.chmod(0o644)
    audio.write_bytes(audio.read_bytes()[:-1] + b"?")
    ended = archiver("export", "--lead", LEAD, "--to", "two.zip", "--offline", folder=place)
    assert ended.code == 4
    assert audio.name in ended.err
    assert not (place / "two.zip").exists()


def test_a_tag_of_this_machines_desk_chooses_recordings(place: Path) -> None:
    with (place / "archive.yaml").open("a") as file:
        file.write(f"desk: {{data: '{place}/desk.sqlite'}}\n")
    export = ("export", "--tag", "Refund", "--to", "refund", "--offline")
    (place / "archive").mkdir()
    nowhere = archiver(*export, folder=place)
    assert "no archive found" in nowhere.err
    assert not list((place / "archive").iterdir()), "looking for one does not make one"
    lead = archiver("export", "--lead", LEAD, "--to", "lead", folder=place, environ=ONLINE)
    assert lead.code == 0, lead.err
    no_desk = archiver(*export, folder=place)
    assert no_desk.code == 2
    assert "no desk on this machine" in no_desk.err
    audio = next(place.glob(f"archive/{LEAD}/*/*.mp3"))
    anyio.run(tagged, place, int(audio.stem), "refund")
    ended = archiver(*export, "--json", folder=place)
    assert (ended.code, ended.answer["recordings"]) == (0, 1), ended.err
    unused = archiver("export", "--tag", "late", "--to", "late", "--offline", folder=place)
    assert unused.code == 3
    assert "no recording has the tag late" in unused.err


async def tagged(place: Path, record_id: int, tag: str) -> None:
    told = json.loads((place / "archive/_archive/format.json").read_bytes())
    async with open_desk_file(place / "desk.sqlite", told["archiveId"]) as file:
        await Tags(file, system_clock).add(RITA, record_id, tag)


@contextmanager
def stalled(sandbox: Sandbox, place: Path, *arguments: str) -> Iterator["Popen[str]"]:
    """A command that stands still while it fetches a recording; ended, whatever happens."""
    sandbox.forget()
    sandbox.faults.add(Fault(Route.FILE, Stall(100)))
    process = started(*arguments, folder=place, environ=ONLINE)
    try:
        sandbox.wait_for(Route.FILE, patience=PATIENCE)
        yield process
    finally:
        sandbox.faults.clear()
        if process.poll() is None:
            interrupted(process, signal.SIGKILL)


@pytest.mark.parametrize("number", some_by_day([signal.SIGHUP, signal.SIGINT], 2))
def test_ctrl_c_or_a_closed_terminal_while_it_fetches_ends_with_130_and_leaves_no_package(
    place: Path, sandbox: Sandbox, number: signal.Signals
) -> None:
    with stalled(sandbox, place, "export", "--lead", LEAD, "--to", "lead.zip") as process:
        ended = interrupted(process, number)
    assert ended.code == 130
    assert "no package was written" in ended.err
    assert "Traceback" not in ended.err
    assert not list(place.glob("*lead*"))


def test_while_a_run_has_locked_the_archive_the_package_is_made_and_says_what_it_lacks(
    place: Path, sandbox: Sandbox
) -> None:
    first = archiver("export", "--lead", LEAD, "--to", "one.zip", folder=place, environ=ONLINE)
    assert first.code == 0, first.err
    with stalled(sandbox, place, "run"):
        packed = archiver("export", "--lead", LEAD, "--to", "two.zip", folder=place, environ=ONLINE)
        new = ("export", "--lead", LEAD, "--lead", OTHER_LEAD, "--to", "three.zip")
        lacking = archiver(*new, folder=place, environ=ONLINE)
    assert packed.code == 0, packed.err
    assert "another run had locked the archive" in packed.out
    assert lacking.code == 3, lacking.err
    assert "it was not fetched before this export (not-fetched)" in lacking.out


def test_an_api_that_refuses_the_key_ends_with_5_and_the_way_out(place: Path) -> None:
    wrong = {"KEY": "canary-of-yesterday"}
    ended = archiver("export", "--lead", LEAD, "--to", "lead.zip", folder=place, environ=wrong)
    assert ended.code == 5
    assert "create a new key; or export only what is archived, with --offline" in ended.err
    assert not ended.says(wrong["KEY"])
    assert not list(place.glob("*lead*"))
