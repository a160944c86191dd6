"""A desk's file, people who work with it, and a clock that the test moves."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Final

from archiver.desk.accounts.passwords import Cost
from archiver.desk.accounts.person import Person, Role, Way
from archiver.desk.file import DeskFile, open_desk_file

ARCHIVE = "1b6b587f-eb6d-44d9-912e-1453acbaeadd"

CHEAP: Final[Cost] = (4, 8, 1)
"""What a password costs that is checked again and again; the real cost has tests of its own."""

ADA = Person("ada", Role.ADMIN, Way.PASSWORD)
RITA = Person("rita", Role.REVIEWER, Way.PASSWORD)
ROSS = Person("ross", Role.REVIEWER, Way.PASSWORD)
LENA = Person("lena", Role.LISTENER, Way.PASSWORD)


def desk_file(folder: Path) -> AbstractAsyncContextManager[DeskFile]:
    return open_desk_file(folder / "desk.sqlite", ARCHIVE)
