"""docs/desk.md keeps its word: its scorecard, its numbers, its backup."""

import re
import shlex
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from archiver.config.loading import load_config
from archiver.desk.accounts.passwords import SHORTEST
from archiver.desk.accounts.person import Role
from archiver.desk.accounts.sessions import IDLE, LONGEST
from archiver.desk.accounts.throttle import EVERY, PER_ADDRESS, PER_NAME
from archiver.desk.journal import ONE_PLAY
from archiver.desk.review.card_file import parse_scorecard
from archiver.desk.review.notes import Notes
from archiver.desk.review.queue import LEASE
from tests.desk.parts import RITA, desk_file
from tests.support.world import ManualClock

PAGE = (Path(__file__).parent.parent.parent / "docs" / "desk.md").read_text("utf-8")


def block(kind: str, holding: str) -> str:
    """The only block of that kind that holds the text."""
    found = re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)
    (one,) = (text for text in found if holding in text)
    return str(one)


def test_its_scorecard_can_be_used() -> None:
    card = parse_scorecard(block("yaml", "questions:"), "card.yaml")
    assert [(one.question_id, one.weight) for one in card.questions] == [
        ("greeting", 2),
        ("tone", 1),
    ]


def test_its_configuration_of_a_proxy_can_be_used() -> None:
    text = block("yaml", "proxy_header")
    config = load_config(text, {}, base=Path("/srv"), needs_key=False)
    assert config.desk.proxy_header == "X-Remote-User"


def test_its_table_names_every_role() -> None:
    assert re.findall(r"^\| `([a-z]+)` \|", PAGE, re.MULTILINE)[: len(Role)] == [
        str(one) for one in Role
    ]


def test_its_numbers_are_those_of_the_code() -> None:
    text = " ".join(PAGE.split())
    told = {
        "Passwords have at least ten characters": SHORTEST == 10,
        "ten failed log-ins with one name": PER_NAME == 10,
        "thirty from one address": PER_ADDRESS == 30,
        "one attempt becomes available each minute": timedelta(minutes=1) == EVERY,
        "four hours without activity": timedelta(hours=4) == IDLE,
        "after fourteen hours in any case": timedelta(hours=14) == LONGEST,
        "reserved for a reviewer for one hour": timedelta(hours=1) == LEASE,
        "again after half an hour": timedelta(minutes=30) == ONE_PLAY,
        "`desk.keep_log` (two years)": load_config(
            "", {}, base=Path("/srv"), needs_key=False
        ).desk.keep_log
        == timedelta(days=730),
    }
    for words, holds in told.items():
        assert words in text
        assert holds, words


@pytest.mark.anyio
async def test_its_backup_is_whole_while_the_desk_runs(tmp_path: Path) -> None:
    command = shlex.split(block("sh", "VACUUM INTO"))
    assert command[0] == "python3"
    async with desk_file(tmp_path) as file:
        await Notes(file, ManualClock()).add(RITA, 456, 5, "Said a minute ago")
        subprocess.run([sys.executable, *command[1:]], cwd=tmp_path, check=True, timeout=60)
    with closing(sqlite3.connect(tmp_path / "backup.sqlite")) as backup:
        assert backup.execute("SELECT text FROM notes").fetchall() == [("Said a minute ago",)]
