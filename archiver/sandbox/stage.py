"""The sample calls as they are played to people: always in the past, whatever the clock says."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from archiver.sandbox.sample_world import sample_world, samples
from archiver.sandbox.world import World


@dataclass(frozen=True, slots=True)
class Stage:
    """The sample calls, moved into the past of this machine's clock if they are not yet there.

    `since` is a first day that lies before all of them.
    """

    world: World
    since: datetime
    leads: frozenset[str]


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
