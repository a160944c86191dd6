"""A desk as people meet it: an archive of the sample calls, served on a socket of its own."""

import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from queue import Queue
from typing import Any

import anyio
import httpx
from anyio.from_thread import start_blocking_portal

from archiver.cli.desk_packing import PACK
from archiver.clock import Clock, system_clock
from archiver.config import Config
from archiver.desk.accounts.enrolment import change_users
from archiver.desk.accounts.passwords import hash_password
from archiver.desk.accounts.person import Role
from archiver.desk.accounts.users import User
from archiver.sandbox.faults import Fault
from archiver.sandbox.model import Source
from archiver.sandbox.sample_world import sample_world
from archiver.web.connections import Deadlines
from archiver.web.serving import listening, serve
from tests.desk.parts import CHEAP
from tests.support.world import FIRST_NIGHT, Night, bench

PASSWORD = "correct horse battery"
PEOPLE = {
    "lena": Role.LISTENER,
    "rita": Role.REVIEWER,
    "ross": Role.REVIEWER,
    "lead": Role.LEAD,
    "ada": Role.ADMIN,
    "anna": Role.AGENT,
}
AGENT_ID = 101
"""Anna Price in the sample calls."""
_PATIENCE = 10.0


@dataclass(frozen=True)
class Made:
    """An archive that was made, and the folder that holds it and all that belongs to it."""

    folder: Path
    config: Config

    @property
    def archive(self) -> Path:
        return self.folder / "archive"

    @property
    def state(self) -> Path:
        return self.folder / "state"


@dataclass(frozen=True)
class Served:
    """A desk that answers under `url` (without a slash at its end)."""

    url: str
    made: Made

    @contextmanager
    def visitor(self, name: str | None = None, **options: Any) -> Iterator[httpx.Client]:
        """A client, logged in when a name is given."""
        # No TLS here: what a client would verify it with takes longer to load than a page.
        with httpx.Client(base_url=self.url, timeout=_PATIENCE, verify=False, **options) as client:
            client.headers["accept"] = "text/html"
            if name is not None:
                answer = log_in(client, name)
                assert answer.status_code == 303, answer.text
            yield client


def calls(until: datetime = FIRST_NIGHT) -> Source:
    """The sample calls, on the day before that moment."""
    return sample_world(until)


def archived(
    folder: Path,
    world: Source,
    *faults: Fault,
    settings: Mapping[str, Any] | None = None,
    desk: Mapping[str, Any] | None = None,
    runs: Callable[[Night], Any] | None = None,
    at: datetime = FIRST_NIGHT,
) -> Made:
    """An archive of all calls of the world, made two hours after `at`.

    Exports are made with the machine's clock, which is wrong if a month passed since the last run:
    for these, `at` is RECENTLY.
    """
    wanted = {"desk": {"users": str(folder / "users.yaml"), **(desk or {})}, **(settings or {})}

    async def make() -> Config:
        async with bench(folder, world, *faults, settings=wanted) as night:
            night.clock.now = at + timedelta(hours=2)
            await night.run()
            if runs is not None:
                await runs(night)
            return night.config()

    return Made(folder, anyio.run(make))


def damage(made: Made, record_id: int) -> None:
    """Cut the file of a recording short, behind the archive's back."""
    (file,) = (one for one in made.archive.rglob(f"{record_id}.*") if one.suffix != ".json")
    file.chmod(0o600)
    os.truncate(file, file.stat().st_size - 10)


def enrol(made: Made, people: Mapping[str, Role] = PEOPLE) -> None:
    """Give these people the one password of the tests, kept so that a log-in takes no time."""
    kept = hash_password(PASSWORD, CHEAP)

    def change(users: dict[str, User]) -> None:
        for name, role in people.items():
            users[name] = User(name, role, kept, AGENT_ID if role is Role.AGENT else None)

    change_users(made.config.desk.users, change)
    assert stat.S_IMODE(made.config.desk.users.stat().st_mode) & 0o077 == 0


@contextmanager
def served(
    made: Made,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    clock: Clock = system_clock,
    deadlines: Deadlines | None = None,
) -> Iterator[Served]:
    """The desk over it, in a thread and a loop of its own until the block ends; `port` 0 is any."""
    told: Queue[str] = Queue()
    run = partial(
        serve,
        made.config,
        host=host,
        listener=listening(host, port),
        state_folder=made.state,
        clock=clock,
        announce=told.put,
        pack=PACK,
        deadlines=deadlines or Deadlines(),
    )
    with start_blocking_portal() as portal:
        running = portal.start_task_soon(run)
        running.add_done_callback(lambda done: told.put("") if not done.cancelled() else None)
        try:
            url = told.get(timeout=_PATIENCE)
            if not url:
                running.result()
            yield Served(url.rstrip("/"), made)
        finally:
            running.cancel()


def until_listed(client: httpx.Client, count: int) -> None:
    """Wait until the index has come to all recordings."""
    for _ in range(1000):
        page = text(client)
        if f"{count} recording" in page and "Building the index" not in page:
            return
        anyio.run(anyio.sleep, 0.05)
    raise AssertionError(page)


def text(client: httpx.Client, path: str = "/") -> str:
    return client.get(path).text


def log_in(client: httpx.Client, name: str, password: str = PASSWORD) -> httpx.Response:
    """Fill in the form of the log-in page and send it."""
    page = client.get("/log-in")
    fields = {"csrf": csrf_of(page.text), "name": name, "password": password}
    return client.post("/log-in", data=fields)


def csrf_of(page: str) -> str:
    """The code in the forms of a page."""
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found is not None, page
    return found[1]


def post(client: httpx.Client, path: str, **fields: str) -> httpx.Response:
    """Send a form as a page of ours would."""
    if path.endswith("/verdict") and "version" not in fields:
        fields["version"] = version_of(text(client, path.removesuffix("/verdict")))
    return client.post(path, data={"csrf": csrf_of(text(client)), **fields})


def version_of(page: str) -> str:
    """The version of the verdict that the form on a page is based on."""
    found = re.search(r'name="version" form="card-form" value="(\d+)"', page)
    return found[1] if found else "0"
