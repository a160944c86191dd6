"""Checks of the QA desk: its users, its scorecard, and the location of its data.

If no desk is set up, there is nothing to check. No run depends on it, so findings are warnings and
never problems.
"""

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import anyio.to_thread

from archiver.config import Config, DeskConfig
from archiver.desk.accounts.person import Role
from archiver.desk.accounts.users import UsersFile
from archiver.desk.playback import FFMPEG
from archiver.desk.review.card_file import read_card_files
from archiver.doctor.check import Check, Surroundings, Verdict
from archiver.doctor.machine import try_database
from archiver.errors import ConfigError
from archiver.extras import how_to_install, is_installed

_USERS: Final = "desk: users"
_SCORECARD: Final = "desk: scorecard"
_DATA: Final = "desk: data"
_DECODER: Final = "desk: decoder"


async def try_desk(config: Config, around: Surroundings) -> list[Check]:
    """What `archiver serve` reads when it starts can be read, and its data can be kept."""
    desk = config.desk
    has_users = await anyio.to_thread.run_sync(_is_there, desk.users)
    if not has_users and desk == DeskConfig(users=desk.users):
        return []
    if not is_installed("desk"):
        finding = "not installed: `archiver serve` would not start"
        return [Check.warning("desk", finding, how_to_install("desk"))]
    tries = [(_USERS, _users)] if has_users or desk.public_url or desk.proxy_header else []
    if desk.scorecard is not None:
        tries.append((_SCORECARD, _scorecard))
    checks = [await anyio.to_thread.run_sync(_tried, name, one, desk) for name, one in tries]
    folder = around.state_folder(config) / "desk" if desk.data is None else desk.data.parent
    hint = "set desk.data to a writable location on a local disk"
    data = await anyio.to_thread.run_sync(try_database, folder, _DATA, hint)
    kept = replace(data, verdict=Verdict.WARNING) if data.is_problem else data
    return [*checks, kept, await anyio.to_thread.run_sync(_decoder)]


def _decoder() -> Check:
    """Whether recordings can be played that only ffmpeg decodes."""
    found = shutil.which(FFMPEG)
    if found is None:
        finding = "ffmpeg is not installed: AMR, WMA, G.722 and G.729 recordings cannot be played"
        return Check.warning(
            _DECODER, finding, "apt-get install ffmpeg, if you have such recordings"
        )
    return Check.ok(_DECODER, f"{found} decodes AMR, WMA, G.722 and G.729")


def _is_there(path: Path) -> bool:
    try:
        path.stat()
    except FileNotFoundError:
        return False
    except OSError:  # something is, and the check of it will say why it cannot be read
        return True
    return True


def _tried(name: str, one: Callable[[DeskConfig], Check], desk: DeskConfig) -> Check:
    try:
        return one(desk)
    except ConfigError as error:
        return Check.warning(name, f"the desk would not start: {error}", error.hint)


def _users(desk: DeskConfig) -> Check:
    users = UsersFile(desk.users).all()
    if not users:
        finding = f"nobody can log in: no users in {desk.users}"
        return Check.warning(_USERS, finding, "archiver user add NAME --role admin")
    counts = Counter(user.role for user in users.values())
    said = ", ".join(f"{counts[role]} {role}" for role in Role)
    if not counts[Role.ADMIN]:
        finding = f"no admin, so nobody can read the access log: {said}"
        return Check.warning(_USERS, finding, "archiver user add NAME --role admin")
    return Check.ok(_USERS, f"readable: {said}")


def _scorecard(desk: DeskConfig) -> Check:
    found = read_card_files(desk.scorecard)
    count = sum(len(one.card.questions) for one in found)
    many = f"scorecards: {len(found)}, " if len(found) > 1 else ""
    return Check.ok(_SCORECARD, f"valid; {many}questions: {count}")
