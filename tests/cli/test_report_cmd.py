"""`archiver report`: a statement over a real archive, in both languages; bad input."""

import errno
import io
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from tests.cli.commands import Ended, archiver

WHY = ("--reason", "request <7>", "--case", "C-7", "--recipient", "the court")


def report(folder: Path, *arguments: str, to: str = "statement.html") -> Ended:
    return archiver("report", "--to", to, *arguments, folder=folder)


class Page(HTMLParser):
    """The words of a page, and the addresses in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.addresses: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [
            value or "" for name, value in attrs if name in ("href", "src", "srcset")
        ]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def page(folder: Path, name: str = "statement.html") -> Page:
    return Page((folder / name).read_text("utf-8"))


def test_a_month_is_stated_with_names_and_without_the_network(archived: Path) -> None:
    ended = report(archived, "--month", "2026-11")
    assert (ended.code, ended.err) == (0, ""), ended
    found = page(archived)
    assert "1 – 30 November 2026" in found.text
    assert "Calls 22" in found.text
    assert "1 call with talk time has no recording." in found.text
    assert "Delivery line" in found.text
    assert "Anna Price" in found.text
    assert "2 November 2026: complete, 11 calls" in found.text
    assert "4 November 2026: not listed" in found.text
    assert found.addresses == []
    assert not found.tags & {"script", "link", "img", "iframe"}
    told = archiver("status", "--json", folder=archived).answer
    assert told["ledgerHead"] in found.text


def test_it_speaks_russian(archived: Path) -> None:
    assert report(archived, "--month", "2026-11", "--lang", "ru").code == 0
    text = (archived / "statement.html").read_text("utf-8")
    assert '<html lang="ru">' in text
    assert "У 1 звонка с разговором нет записи." in page(archived).text


def test_what_people_did_and_what_verify_found_is_in_it(archived: Path) -> None:
    archiver("hold", "add", "--lead", "50244", *WHY, folder=archived)
    archiver("export", "--lead", "50231", "--to", "a.zip", "--offline", *WHY, folder=archived)
    archiver("inspect", *WHY, folder=archived)
    damaged = archived / "archive/50231/70101/900101.mp3"
    damaged.chmod(0o644)
    damaged.write_bytes(b"nothing")
    assert archiver("verify", folder=archived).code == 4
    assert report(archived).code == 0
    text = page(archived).text
    assert "request <7>" in text
    assert "to the court" in text
    assert "1 in force now; in this period 1 placed, 0 lifted" in text
    assert re.search(r"damage found \(wrong size: 1\)", text)
    assert "The last verification found damage." in text
    assert "Recordings checked" in text


def test_the_answer_for_programs_names_file_period_and_head(archived: Path) -> None:
    told = report(archived, "--since", "2026-11-01", "--json").answer
    assert told["file"] == "statement.html"
    assert told["window"] == {"since": "2026-11-01T00:00:00Z", "until": None}
    assert told["calls"] == 22
    assert told["ledgerHead"]


def test_an_empty_archive_gets_a_page_that_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "archive/_archive"
    folder.mkdir(parents=True)
    (folder / "format.json").write_text(
        '{"format": "liner-archive/1", "archiveId": "00000000-0000-4000-8000-000000000001"}'
    )
    (tmp_path / "archive.yaml").write_text("catalog: {path: catalog.sqlite}\n")
    for language, said in (("en", "no calls yet"), ("ru", "пока нет звонков")):
        ended = report(tmp_path, "--lang", language, to=f"{language}.html")
        assert ended.code == 0, ended
        assert said in page(tmp_path, f"{language}.html").text


def test_a_month_without_calls_says_so(archived: Path) -> None:
    assert report(archived, "--month", "2027-02").code == 0
    assert "The archive has no calls in this period." in page(archived).text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--month", "2026-13"), "must be a month such as 2026-10"),
        (("--month", "October"), "must be a month such as 2026-10"),
        (("--since", "2026-11-02", "--until", "2026-11-01"), "--since must be earlier"),
        (("--month", "2026-11", "--since", "7d"), "cannot be combined"),
        (("--lang", "de"), "must be one of en, ru"),
    ],
)
def test_a_bad_period_is_refused_before_anything_is_written(
    archived: Path, arguments: tuple[str, ...], said: str
) -> None:
    ended = report(archived, *arguments)
    assert ended.code == 2
    assert said in ended.err
    assert not (archived / "statement.html").exists()


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("there.html", "already exists"),
        ("no/folder.html", "does not exist"),
        ("statement.doc", "must name a .html or .pdf"),
        ("archive/statement.html", "is inside the archive"),
    ],
)
def test_a_bad_target_is_refused(archived: Path, to: str, said: str) -> None:
    (archived / "there.html").write_text("mine")
    ended = report(archived, to=to)
    assert ended.code == 2
    assert said in ended.err
    assert (archived / "there.html").read_text() == "mine"


def test_force_replaces_the_file(archived: Path) -> None:
    (archived / "statement.html").write_text("old")
    assert report(archived, "--force").code == 0
    assert "The whole archive" in page(archived).text


def test_a_full_disk_is_an_error_that_leaves_nothing(
    archived: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(io.BytesIO):
        def write(self, data: Any) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    before = {one.name for one in archived.iterdir()}
    opened = Path.open

    def on_a_full_disk(path: Path, mode: str = "r", *rest: Any, **more: Any) -> Any:
        file = opened(path, mode, *rest, **more)
        if not path.name.endswith(".part"):
            return file
        file.close()
        return Full()

    monkeypatch.setattr(Path, "open", on_a_full_disk)
    ended = report(archived)
    assert ended.code == 5
    assert "no space left" in ended.err
    assert {one.name for one in archived.iterdir()} == before


def test_a_pdf_holds_the_same_statement(archived: Path) -> None:
    assert report(archived, "--month", "2026-11", "--lang", "ru", to="a.pdf").code == 0
    text = " ".join(one.extract_text() for one in PdfReader(archived / "a.pdf").pages)
    assert "1 – 30 ноября 2026" in text
    assert "Ольга Ким" in text


def test_without_the_extra_a_pdf_is_refused_in_one_line_and_a_page_is_made(
    archived: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)
    ended = report(archived, to="a.pdf")
    assert ended.code == 2
    assert "PDF output is not installed: typst is missing" in ended.err
    assert "pip install 'liner-archiver[pdf]'" in ended.err
    assert not (archived / "a.pdf").exists()
    assert report(archived).code == 0


READING = ("status", "verify", "report --to again.html", "lock --dry-run", "prune", "hold list")


def test_commands_that_make_no_request_load_no_http(archived: Path) -> None:
    """What takes half of their start is loaded by those that need it only."""
    program = (
        "import sys\n"
        "from archiver.cli import main\n"
        f"for command in {READING!r}:\n"
        "    main(command.split())\n"
        "sys.exit('httpx' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=archived
    )
    assert (archived / "again.html").exists(), done.stderr
    assert done.returncode == 0, done.stderr


def test_known_damage_ends_with_3_although_nothing_is_open(archived: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(archived, tmp_path / "copy"))
    before = archiver("status", folder=folder).code
    (audio, *_) = sorted((folder / "archive").rglob("*.mp3"))
    audio.chmod(0o600)
    audio.write_bytes(b"x" + audio.read_bytes()[1:])
    assert archiver("verify", folder=folder).code == 4
    ended = archiver("status", folder=folder)
    assert "found wrong-digest 1" in ended.out
    assert (before, ended.code) == (0, 3), ended
    assert archiver("status", "--since", "2026-01-01", folder=folder).code == 0
