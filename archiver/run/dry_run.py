"""A dry run: the unit of work that lists recordings and fetches nothing."""

from collections.abc import Sequence

from msgspec import Struct

from archiver.catalog.states import CallState, RecordingState
from archiver.catalog.work import Outcome, Result, Task
from archiver.clock import Clock
from archiver.errors import RequestError
from archiver.ledger.events import CallJudged
from archiver.liner.client import LinerClient
from archiver.liner.models import Recording

BYTES_A_SECOND = 4000
"""Telephone audio as MP3 at 32 kbit/s: the assumption while the archive has no recordings."""

_LONGEST = 24 * 3600.0
"""The maximum duration assumed for one recording: the API's numbers can be anything."""


class Surveyor(Struct):
    """Lists the recordings of calls and adds up the cost of fetching them."""

    liner: LinerClient
    clock: Clock
    calls: int = 0
    recordings: int = 0
    audio_seconds: float = 0.0

    async def bring(self, task: Task) -> Outcome:
        """Examine one call; the outcome is the one if everything succeeded."""
        self.calls += 1
        archived = {one.record_id for one in task.known if one.state is RecordingState.ARCHIVED}
        try:
            listed = (await self.liner.recordings(task.call.id)).found
        except RequestError:
            return self._outcome(task, CallState.FAILED, ())
        new = [one for one in listed if one.id not in archived]
        self.recordings += sum(one.file_url is not None for one in new)
        self.audio_seconds += sum(min(one.duration_seconds or 0, _LONGEST) for one in new)
        results = [Result(one, "already") for one in archived]
        results += [Result(one.id, _ending(one)) for one in new]
        if any(one.file_url is None for one in new) or (not listed and task.call.has_records):
            return self._outcome(task, CallState.WAITING, results)
        return self._outcome(task, CallState.ARCHIVED if results else CallState.NONE, results)

    def estimate(
        self, *, rate: float | None, requests: int, requests_per_second: float
    ) -> dict[str, float | int]:
        """The estimate for a run; `rate` is in bytes per second of audio.

        A run would make the same requests again, so their number and the rate limit give the
        minimum time.
        """
        return {
            "calls": self.calls,
            "recordings": self.recordings,
            "bytes": round(self.audio_seconds * (rate or BYTES_A_SECOND)),
            "requests": requests,
            "seconds": round(requests / requests_per_second, 1),
        }

    def _outcome(self, task: Task, state: CallState, results: Sequence[Result]) -> Outcome:
        judged = CallJudged(
            call_id=task.call.id,
            state=state,
            attempts=task.attempts,
            recordings=tuple(result.record_id for result in results),
        )
        return Outcome(task.call, judged, results=tuple(results))


def _ending(recording: Recording) -> RecordingState:
    return RecordingState.WAITING if recording.file_url is None else RecordingState.ARCHIVED
