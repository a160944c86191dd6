"""docs/operations.md keeps its word: its commands on holds, erasure and retention work."""

import re
import shlex
from pathlib import Path

from tests.cli.commands import TOP, archiver


def commands() -> list[list[str]]:
    """The commands of the section, in order."""
    page = (TOP / "docs" / "operations.md").read_text("utf-8")
    section = page.partition("## Retention, holds, erasure")[2].partition("\n## ")[0]
    blocks = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    lines = [line.partition(" #")[0] for block in blocks for line in block.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("archiver ")]


def test_every_command_of_the_page_works_on_the_samples(archived: Path) -> None:
    found = commands()
    assert {one[0] for one in found} == {"hold", "prune", "erase"}
    hold_id = ""
    for arguments in found:
        words = [hold_id if word == "h3fa2c19b07" else word for word in arguments]
        ended = archiver(*words, folder=archived)
        assert ended.code == 0, (words, ended)
        if words[:2] == ["hold", "add"]:
            name = re.search(r"Hold (h[0-9a-f]+) is in force", ended.out)
            assert name is not None
            hold_id = name[1]
