"""The sample calls as they are played to people: always in the past, whatever the clock says."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from archiver.sandbox.sample_world import sample_world, samples
from archiver.sandbox.synthetic import SyntheticWorld
from archiver.sandbox.world import World


@dataclass(frozen=True, slots=True)
class Stage:
    """The sample calls, moved into the past of this machine's clock if they are not yet there.

    `since` is a first day before all of them.
    """

    world: World
    since: datetime
    leads: frozenset[str]

    def synthetic(self, calls: int, audio_bytes: int, seed: int) -> SyntheticWorld:
        """So many calls in the 30 days from `since_synthetic` on, every second one recorded."""
        step = timedelta(days=30) / max(calls, 1)
        return SyntheticWorld(
            size=calls,
            start=self.since_synthetic,
            step=max(step, timedelta(milliseconds=1)),
            recorded_every=2,
            audio_bytes=audio_bytes,
            seed=seed,
        )

    @property
    def since_synthetic(self) -> datetime:
        """A first day a month before the sample calls."""
        return self.since - timedelta(days=30)


def stage_for(now: datetime) -> Stage:
    """The same day of the year whenever it is played, so that a second demo finds nothing new."""
    known = samples()
    last = max(datetime.fromisoformat(each["startedAt"]) for each in known).astimezone(UTC)
    latest = last
    while latest > now - timedelta(days=1):
        latest = latest.replace(year=latest.year - 1)
    world = sample_world(None if latest == last else latest)
    leads = frozenset(str(each["leadId"]) for each in known)
    return Stage(world, datetime(latest.year, 10, 1, tzinfo=UTC), leads)
