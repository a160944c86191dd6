"""Log-in, sessions, proxies: who is let in, for how long, and what a form must carry."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from ipaddress import ip_network
from pathlib import Path

import anyio
import pytest

from archiver.desk.accounts.access import Entrance
from archiver.desk.accounts.authenticator import Door
from archiver.desk.accounts.enrolment import change_users
from archiver.desk.accounts.passwords import hash_password
from archiver.desk.accounts.person import LOCAL, Person, Role, Way
from archiver.desk.accounts.sessions import IDLE, LONGEST
from archiver.desk.accounts.throttle import PER_ADDRESS, PER_NAME
from archiver.desk.accounts.users import User, UsersFile
from archiver.errors import LogInFailed, LogInThrottled, NotAllowed
from tests.desk.parts import CHEAP, desk_file
from tests.support.nightly import some_by_day
from tests.support.world import ManualClock

pytestmark = pytest.mark.anyio

PASSWORD, OTHER = "a sentence, not a word", "quite another sentence"
HASH, OTHER_HASH = hash_password(PASSWORD, CHEAP), hash_password(OTHER, CHEAP)
HERE, PROXY = "203.0.113.9", "10.0.0.7"


@contextmanager
def enrolled(folder: Path) -> Iterator[UsersFile]:
    path = folder / "users.yaml"
    put(path, User("anna", Role.REVIEWER, HASH), User("boris", Role.LISTENER))
    yield UsersFile(path)


def put(path: Path, *users: User) -> None:
    change_users(path, lambda known: known.update({user.name: user for user in users}))


@asynccontextmanager
async def opened(
    folder: Path, clock: ManualClock, entrance: Entrance = Entrance.GUARDED
) -> AsyncIterator[Door]:
    with enrolled(folder) as users:
        async with desk_file(folder) as file:
            yield Door(file, users, entrance, proxies=[ip_network(PROXY)], clock=clock)


async def who(door: Door, token: str | None, peer: str = HERE, *named: str) -> Person | None:
    visitor = await door.visitor(peer=peer, named=named, token=token)
    return None if visitor is None else visitor.person


async def test_a_password_begins_a_session_and_log_out_ends_it(tmp_path: Path) -> None:
    async with opened(tmp_path, ManualClock()) as door:
        token = await door.log_in("ANNA", PASSWORD, address=HERE)
        assert await who(door, token) == Person("anna", Role.REVIEWER, Way.PASSWORD)
        await door.log_out(token)
        assert await who(door, token) is None


@pytest.mark.parametrize(
    ("name", "password"),
    some_by_day(  # a name that nobody has costs as much as the dearest password
        [
            ("anna", OTHER),
            ("boris", ""),
            ("", ""),
            ("anna", ""),
            ("nobody", PASSWORD),
            ("boris", PASSWORD),
            ("\ud800", "\ud800"),
            ("local", PASSWORD),
            ("anna' --", PASSWORD),
        ],
        3,
    ),
)
async def test_anything_else_is_refused_in_the_same_words(
    tmp_path: Path, name: str, password: str
) -> None:
    async with opened(tmp_path, ManualClock()) as door:
        with pytest.raises(LogInFailed, match="incorrect user name or password"):
            await door.log_in(name, password, address=HERE)


@pytest.mark.parametrize("token", [None, "", "x", "\ud800", "a" * 10_000])
async def test_without_a_session_nobody_is_let_in(tmp_path: Path, token: str | None) -> None:
    async with opened(tmp_path, ManualClock()) as door:
        assert await who(door, token) is None
        assert await who(door, token, HERE, "anna") is None


async def test_a_session_ends_when_it_is_idle_and_in_any_case_after_a_shift(
    tmp_path: Path,
) -> None:
    clock = ManualClock()
    async with opened(tmp_path, clock) as door:
        idle = await door.log_in("anna", PASSWORD, address=HERE)
        busy = await door.log_in("anna", PASSWORD, address=HERE)
        steps = int(LONGEST / IDLE * 2)
        for _ in range(steps):
            clock.advance(seconds=IDLE.total_seconds() / 2 - 1)
            assert await who(door, busy) is not None
        assert await who(door, idle) is None
        clock.advance(seconds=IDLE.total_seconds() / 2)
        assert await who(door, busy) is None


async def test_sessions_outlive_the_process(tmp_path: Path) -> None:
    clock = ManualClock()
    async with opened(tmp_path, clock) as door:
        token = await door.log_in("anna", PASSWORD, address=HERE)
        before = await door.visitor(peer=HERE, named=(), token=token)
    async with opened(tmp_path, clock) as door:
        after = await door.visitor(peer=HERE, named=(), token=token)
    assert before is not None
    assert before == after


async def test_the_file_does_not_hold_what_a_browser_holds(tmp_path: Path) -> None:
    async with opened(tmp_path, ManualClock()) as door:
        token = await door.log_in("anna", PASSWORD, address=HERE)
        held = b"".join(path.read_bytes() for path in tmp_path.glob("desk.sqlite*"))
        assert token.encode() not in held
        assert HASH.encode() not in held
        assert len(token) >= 43


async def test_another_password_ends_every_session_and_a_role_counts_at_once(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, ManualClock()) as door:
        tokens = [await door.log_in("anna", PASSWORD, address=HERE) for _ in range(2)]
        put(tmp_path / "users.yaml", User("anna", Role.ADMIN, HASH))
        assert [await who(door, token) for token in tokens] == [
            Person("anna", Role.ADMIN, Way.PASSWORD)
        ] * 2
        put(tmp_path / "users.yaml", User("anna", Role.ADMIN, OTHER_HASH))
        assert [await who(door, token) for token in tokens] == [None, None]
        put(tmp_path / "users.yaml", User("anna", Role.ADMIN, HASH))
        assert await who(door, tokens[0]) is None, "a session that has ended never comes back"


async def test_who_is_removed_is_out(tmp_path: Path) -> None:
    async with opened(tmp_path, ManualClock()) as door:
        token = await door.log_in("anna", PASSWORD, address=HERE)
        change_users(tmp_path / "users.yaml", lambda users: users.clear())
        assert await who(door, token) is None


async def test_one_user_has_only_so_many_sessions(tmp_path: Path) -> None:
    clock = ManualClock()
    async with opened(tmp_path, clock) as door:
        tokens = []
        for _ in range(25):
            clock.advance(seconds=1)
            tokens.append(await door.log_in("anna", PASSWORD, address=HERE))
        inside = [await who(door, token) is not None for token in tokens]
        assert inside == [False] * 5 + [True] * 20


async def test_failures_slow_a_name_down_wherever_they_come_from(tmp_path: Path) -> None:
    clock = ManualClock()
    async with opened(tmp_path, clock) as door:
        for number in range(PER_NAME):
            with pytest.raises(LogInFailed):
                await door.log_in("anna", "wrong", address=f"203.0.113.{number}")
        with pytest.raises(LogInThrottled) as caught:
            await door.log_in("Anna", PASSWORD, address="203.0.113.200")
        assert caught.value.retry_after
        clock.advance(seconds=caught.value.retry_after)
        assert await door.log_in("anna", PASSWORD, address=HERE)
        with pytest.raises(LogInFailed):
            await door.log_in("anna", "wrong", address=HERE)


async def test_failures_slow_an_address_down_whatever_name_it_tries(tmp_path: Path) -> None:
    names = [f"name{number}" for number in range(PER_ADDRESS - 1)]
    async with opened(tmp_path, ManualClock()) as door:
        put(tmp_path / "users.yaml", *(User(name, Role.LISTENER, HASH) for name in names))
        for name in ("nobody", *names):
            with pytest.raises(LogInFailed):
                await door.log_in(name, "wrong", address=HERE)
        with pytest.raises(LogInThrottled):
            await door.log_in("anna", PASSWORD, address=HERE)
        assert await door.log_in("anna", PASSWORD, address="198.51.100.1")


async def test_many_attempts_at_once_get_no_more_than_many_in_a_row(tmp_path: Path) -> None:
    refused: list[type[Exception]] = []
    async with opened(tmp_path, ManualClock()) as door:

        async def attempt() -> None:
            with pytest.raises((LogInFailed, LogInThrottled)) as caught:
                await door.log_in("anna", "wrong", address=HERE)
            refused.append(caught.type)

        async with anyio.create_task_group() as tasks:
            for _ in range(50):
                tasks.start_soon(attempt)
    assert refused.count(LogInFailed) == PER_NAME
    assert refused.count(LogInThrottled) == 50 - PER_NAME


async def test_a_believed_proxy_names_the_person_and_no_session_is_needed(tmp_path: Path) -> None:
    async with opened(tmp_path, ManualClock()) as door:
        boris = Person("boris", Role.LISTENER, Way.PROXY)
        assert await who(door, None, PROXY, "Boris") == boris
        token = await door.log_in("anna", PASSWORD, address=HERE)
        assert await who(door, token, PROXY, "boris") == boris
        assert await who(door, token, PROXY) == Person("anna", Role.REVIEWER, Way.PASSWORD)
        assert await who(door, token, HERE, "boris") == Person("anna", Role.REVIEWER, Way.PASSWORD)


@pytest.mark.parametrize("named", [("nobody",), ("",), ("boris", "anna"), ("boris, anna",)])
async def test_a_proxy_that_names_nobody_we_know_or_two_is_refused(
    tmp_path: Path, named: tuple[str, ...]
) -> None:
    async with opened(tmp_path, ManualClock()) as door:
        with pytest.raises(NotAllowed, match="is not a user of the desk"):
            await door.visitor(peer=PROXY, named=named, token=None)


async def test_on_this_machine_everyone_is_local(tmp_path: Path) -> None:
    async with opened(tmp_path, ManualClock(), Entrance.LOCAL) as door:
        assert await who(door, None, "127.0.0.1") == LOCAL


async def test_a_form_must_carry_the_code_of_its_own_session(tmp_path: Path) -> None:
    async with opened(tmp_path, ManualClock()) as door:
        tokens = [await door.log_in("anna", PASSWORD, address=HERE) for _ in range(2)]
        one, two = [await door.visitor(peer=HERE, named=(), token=token) for token in tokens]
        proxied = await door.visitor(peer=PROXY, named=("anna",), token=None)
        assert one is not None
        assert two is not None
        assert proxied is not None
        assert one.trusts(one.csrf)
        for code in (two.csrf, proxied.csrf, None, "", "\ud800", one.csrf[:-1], tokens[0]):
            assert not one.trusts(code)


async def test_the_code_of_a_form_is_another_one_at_every_desk(tmp_path: Path) -> None:
    codes = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        async with opened(tmp_path / name, ManualClock(), Entrance.LOCAL) as door:
            visitor = await door.visitor(peer="127.0.0.1", named=(), token=None)
            assert visitor is not None
            codes.append(visitor.code)
    assert codes[0] != codes[1]
