"""The documents: links that lead somewhere, and a drawing that agrees with the imports."""

import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from archiver.cli.commands import COMMANDS
from tests.project.test_layers import LAYERS, ROOT

TOP = ROOT.parent
DOCUMENTS = sorted(
    [*TOP.glob("*.md"), *(TOP / "docs").glob("*.md"), *(TOP / "docker").glob("*.md")]
)
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def text_of(path: Path) -> str:
    return FENCE.sub("", path.read_text("utf-8"))


def anchors(path: Path) -> set[str]:
    """The anchors of its headlines, as sites make them."""
    headlines = re.findall(r"^#+ (.+)$", text_of(path), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", re.sub(r"\]\([^)]*\)", "", one)) for one in headlines]
    return {one.strip().lower().replace(" ", "-") for one in plain}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(TOP)))
def test_every_link_leads_to_a_file_and_a_headline_that_exist(document: Path) -> None:
    lost = []
    for link in LINK.findall(text_of(document)):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = document.parent / name if name else document
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(link)
    assert lost == []


def drawing() -> list[list[str]]:
    """The floors of docs/architecture.md, from the top down."""
    text = (TOP / "docs" / "architecture.md").read_text("utf-8")
    (floors,) = re.findall(r"^```floors\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [line.split() for line in floors.splitlines()]


def test_the_floors_that_are_drawn_are_those_that_the_imports_keep() -> None:
    kept = [{name for name in row if not name.startswith("__")} for row in reversed(LAYERS)]
    assert [set(row) for row in drawing()] == kept


def test_every_folder_and_module_of_the_package_stands_on_one_floor() -> None:
    names = {path.stem for path in ROOT.iterdir() if path.suffix == ".py" or path.is_dir()}
    drawn = [name for row in drawing() for name in row]
    assert sorted(drawn) == sorted(names - {"__init__", "__main__", "__pycache__"})


def test_the_page_of_the_house_describes_every_folder_and_names_files_that_exist() -> None:
    text = (TOP / "docs" / "architecture.md").read_text("utf-8")
    described = set(re.findall(r"^\| `(\w+)/` \|", text, re.MULTILINE))
    assert described == {path.parent.name for path in ROOT.glob("*/__init__.py")}
    named = re.findall(r"`(\w+/[\w/]+\.py|\w+\.py)`", text)
    assert [one for one in named if not (ROOT / one).exists()] == []


def test_the_readme_is_short_and_shows_a_picture_in_the_first_screen() -> None:
    lines = (TOP / "README.md").read_text("utf-8").splitlines()
    assert len(lines) < 150
    assert any(line.startswith("![") for line in lines[:15])


def test_every_command_is_documented() -> None:
    said = "".join(path.read_text("utf-8") for path in DOCUMENTS if path.name != "CHANGELOG.md")
    names = {one.name for one in COMMANDS}
    assert {name for name in names if f"archiver {name}" not in said} == set()


def test_the_site_has_every_page() -> None:
    nav = str(tomllib.loads((TOP / "zensical.toml").read_text("utf-8"))["project"]["nav"])
    assert {path.name for path in (TOP / "docs").glob("*.md")} == set(re.findall(r"\w+\.md", nav))


def test_no_release_in_the_changelog_lists_a_change_twice() -> None:
    for release in text_of(TOP / "CHANGELOG.md").split("\n## ")[1:]:
        begins = Counter(entry[:50] for entry in re.findall(r"^- (.+)", release, re.MULTILINE))
        assert [one for one, count in begins.items() if count > 1] == [], release[:20]
