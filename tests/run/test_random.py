"""Random call centres over random nights: whatever happens, the sums close and nothing is lost."""

import random
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

from archiver.errors import ArchiverError
from archiver.sandbox.audio import wav
from archiver.sandbox.cues import Effect
from archiver.sandbox.exchange import API, LISTS, Route
from archiver.sandbox.faults import (
    ABSENT,
    Cut,
    Data,
    Fault,
    Framed,
    Framing,
    HangUp,
    Happens,
    IgnoresRange,
    LastNext,
    LastPage,
    Member,
    NotSuccess,
    PageCap,
    Shift,
    Status,
    expired_then_renewed,
    html,
    no_validator,
    without,
)
from archiver.sandbox.world import World
from archiver.storage.local.folder import LocalStorage
from tests.support.puts import put_by
from tests.support.world import FIRST_NIGHT, Night, bench

pytestmark = pytest.mark.anyio

NIGHTS = 8
QUICK = range(100, 103)
MANY = range(1, 80)
OVER_EVERY_CREW = range(200, 203)

WHOLE_LISTS: list[Effect] = [
    PageCap(3),
    LastPage(LastNext.NULL),
    LastPage(LastNext.SAME),
    Member("total", str),
    Member("next", ABSENT),
    without("recordSummary", "userId"),
    Framed(Framing.CHUNKED),
]
BROKEN_LISTS: list[Effect] = [
    Status(500),
    html(),
    NotSuccess(),
    Status(403),
    Status(404),
    Data(None),
    Shift(1),
]
BROKEN_FILES: list[Effect] = [
    Status(500),
    Status(404),
    Status(403),
    html(),
    Cut(900),
    HangUp(),
    Status(429, retry_after=0),
]
ODD_FILES: list[Effect] = [
    no_validator(),
    IgnoresRange(),
    Framed(Framing.CHUNKED),
    Framed(Framing.CLOSE),
]


class Died(BaseException):
    """The end of a process, as far as one test can tell."""


class Life:
    """What happens to one call centre, drawn from one seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.world = World().user(101)
        self.next_call, self.next_record = 1, 1001

    def happens(self, share: float) -> bool:
        return self.chance.random() < share

    def calls_come_in(self, night: Night | None = None) -> None:
        now = night.clock.now if night else FIRST_NIGHT
        for _ in range(self.chance.randint(1, 9)):
            at = now - timedelta(minutes=self.chance.randint(11, 2000))
            lead = None if self.happens(0.2) else self.chance.randint(1, 6)
            flag: Any = {} if self.happens(0.7) else {"hasRecords": ABSENT}
            talk = self.chance.choice([0, 0, 30])
            order = self.chance.randint(1, 3)
            self.world.call(self.next_call, order=order, lead=lead, at=at, talk=talk, fields=flag)
            for _ in range(self.chance.choice([0, 1, 1, 2])):
                self.recording_of(self.next_call)
            if self.world.recordings_of(self.next_call):
                self.world.change_call(self.next_call, talk=30)
            self.next_call += 1

    def recording_of(self, call_id: int) -> None:
        shares = self.happens(0.1) and self.next_record > 1001
        record_id = self.chance.randrange(1001, self.next_record) if shares else self.next_record
        known = self.world.recording_of(record_id)
        if known is not None:
            listed = self.world._recordings.setdefault(call_id, [])
            if all(one.id != record_id for one in listed):
                listed.append(known)
            return
        self.world.recording(
            record_id,
            call=call_id,
            audio=wav(self.chance.randint(1000, 9000), record_id),
            summary=None if self.happens(0.4) else "Said.",
            file_url=None if self.happens(0.1) else "{origin}{path}",
        )
        self.next_record += 1

    def things_change(self) -> None:
        for record_id in list(self.world._by_id):
            if self.happens(0.1):
                self.world.change_recording(record_id, summary=f"Draft {self.chance.random()}")
            if self.happens(0.1):
                self.world.change_recording(record_id, lead_id=self.chance.randint(1, 9))
            if self.happens(0.3):
                self.world.change_recording(record_id, file_url="{origin}{path}")
        if self.happens(0.5):
            self.recording_of(self.chance.randrange(1, self.next_call))

    def faults(self) -> list[Fault]:
        found = [Fault(LISTS, effect) for effect in WHOLE_LISTS if self.happens(0.08)]
        found += [Fault(Route.FILE, effect) for effect in ODD_FILES if self.happens(0.1)]
        for effect in BROKEN_FILES:
            if self.happens(0.15) and self.next_record > 1001:
                record_id = self.chance.randrange(1001, self.next_record)
                found.append(Fault(Route.FILE, effect, id=record_id, times=self.times()))
        for effect in BROKEN_LISTS:
            if self.happens(0.1):
                call_id = self.chance.randrange(1, self.next_call)
                found.append(Fault(Route.RECORDINGS, effect, id=call_id, times=self.times()))
            if self.happens(0.03):
                found.append(Fault(Route.CALLS, effect, after=self.chance.randint(0, 3), times=9))
        if self.happens(0.15):
            record_id = self.chance.randrange(1001, self.next_record + 1)
            found += expired_then_renewed(record_id)
        return found

    def times(self) -> int | None:
        return self.chance.choice([1, 2, None])

    async def a_night(self, night: Night) -> None:
        """One run, which may be named, stopped, killed, refused, or on another machine."""
        night.sandbox.faults.clear()
        night.sandbox.faults.add(*self.faults())
        request: dict[str, Any] = {}
        if self.happens(0.15):
            request = self.chance.choice(
                [{"leads": (3,)}, {"orders": (2,)}, {"calls": (1, 2)}, {"recheck": True}]
            )
        stop = anyio.Event()
        if self.happens(0.15):
            after = self.chance.randint(0, 20)
            night.sandbox.faults.add(Fault(API, Happens(stop.set), after=after, times=1))
        if self.happens(0.1):
            died = Fault(API, Status(401), after=self.chance.randint(0, 20))
            night.sandbox.faults.add(died)
        state = night.folder / f"state-{self.chance.randint(1, 2)}"
        if self.happens(0.15):
            shutil.rmtree(state, ignore_errors=True)
        with pytest.MonkeyPatch.context() as patch:
            if self.happens(0.25):
                self.dies(patch)
            try:
                await night.run(state=state, stop=stop, **request)
            except (ArchiverError, Died, BaseExceptionGroup) as end:
                _check_end(end)
            except AssertionError:
                if not stop.is_set():
                    raise

    def dies(self, patch: pytest.MonkeyPatch) -> None:
        """The process ends after a random put."""
        put, left = LocalStorage.put, self.chance.randint(1, 25)

        async def dying(storage: LocalStorage, *arguments: Any, **named: Any) -> Any:
            nonlocal left
            result = await put(storage, *arguments, **named)
            left -= 1
            if left == 0:
                raise Died
            return result

        put_by(patch, dying)


def _check_end(end: BaseException) -> None:
    """It ended by an error of ours or by a death; anything else is a bug."""
    if isinstance(end, BaseExceptionGroup):
        for one in end.exceptions:
            _check_end(one)
    elif not isinstance(end, ArchiverError | Died):
        raise end


async def live(seed: int, folder: Path) -> None:
    life = Life(seed)
    life.calls_come_in()
    async with bench(folder, life.world) as night:
        for _ in range(NIGHTS):
            await life.a_night(night)
            if (folder / "archive").exists():
                night.archive.check_names(_audio(life.world))
            night.clock.advance(hours=life.chance.choice([1, 12, 24, 24, 60]))
            life.things_change()
            life.calls_come_in(night)
        night.sandbox.faults.clear()
        for record_id in list(life.world._by_id):
            life.world.change_recording(record_id, file_url="{origin}{path}")
        state = folder / "state-1"
        night.clock.advance(minutes=11)
        await night.run(state=state)
        report = await night.run(state=state, recheck=True, since=FIRST_NIGHT - timedelta(days=3))
        assert report.exit_code == 0, report.damaged
        night.check_archive()
        assert await night.findings() == []
        night.sandbox.forget()
        report = await night.run(state=folder / "new")
        assert report.exit_code == 0
        assert night.sandbox.count(Route.FILE) == 0
        night.check_archive()


def _audio(world: World) -> dict[int, bytes]:
    return {one.id: one.audio.data for one in world._by_id.values()}


@pytest.mark.parametrize("seed", QUICK)
async def test_a_random_life_loses_nothing(tmp_path: Path, seed: int) -> None:
    await live(seed, tmp_path)


@pytest.mark.usefixtures("crew")
@pytest.mark.parametrize("seed", OVER_EVERY_CREW)
async def test_a_random_life_loses_nothing_over_any_crew(tmp_path: Path, seed: int) -> None:
    await live(seed, tmp_path)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", MANY)
async def test_many_random_lives_lose_nothing(tmp_path: Path, seed: int) -> None:
    await live(seed, tmp_path)
