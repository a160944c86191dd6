"""docs/reference.md names every command, option, key, exit code, metric and log event."""

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

import archiver
from archiver import errors

ROOT = Path(archiver.__file__).parent
TOP = ROOT.parent
PAGE = TOP / "docs" / "reference.md"
MADE: dict[str, Any] = runpy.run_path(str(TOP / ".ci" / "reference.py"))


def test_the_page_is_the_one_that_the_program_makes() -> None:
    """Make it again with: PYTHONPATH=. .ci/reference.py docs/reference.md"""
    assert PAGE.read_text("utf-8") == MADE["reference"]()


def test_every_option_key_and_metric_says_what_it_means() -> None:
    rows = re.findall(r"^\| (.*?) \| (.*) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert [name for name, meaning in rows if len(meaning) < 4] == []


def test_every_log_event_is_explained() -> None:
    named = re.compile(r'console\.log\(\s*"([a-z-]+)"|event(?:: str)? ?= ?"([a-z-]+)"')
    found = {
        name
        for path in ROOT.rglob("*.py")
        for names in named.findall(path.read_text("utf-8"))
        for name in names
        if name
    }
    assert found | {"error"} == set(MADE["LOG_EVENTS"])


def test_every_exit_code_is_explained() -> None:
    def codes(kind: type[errors.ArchiverError]) -> set[int]:
        return {kind.exit_code}.union(*(codes(below) for below in kind.__subclasses__()))

    raised = codes(errors.ArchiverError)
    assert raised | {0, 1, 3, errors.INTERRUPTED} == set(MADE["EXIT_CODES"])


@pytest.mark.parametrize("page", ["README.md", "docs/operations.md"])
def test_the_exit_codes_of_other_pages_are_these(page: str) -> None:
    text = (TOP / page).read_text("utf-8")
    named = {int(code) for code in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)}
    assert named == set(MADE["EXIT_CODES"])
