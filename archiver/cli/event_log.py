"""The events of a run as JSON lines for `--log json`, or for people.

Progress, notes and errors are logged where they are printed; these lines are shown with
`--verbose`.
"""

from archiver.cli.wording import who
from archiver.clock import stamp
from archiver.console import Console
from archiver.monitoring.night import Night
from archiver.run.events import CURRENT_CALL, Event, NotArchived, RunStarted
from archiver.tasks.retry import RetryScheduled
from archiver.text.measures import say_duration


def log_event(console: Console, event: Event) -> None:
    """Log an event, if it is of interest."""
    if isinstance(event, RunStarted):
        console.about(runId=event.run_id)
        console.log("run-started")
        console.detail(f"run {event.run_id}")
    elif isinstance(event, NotArchived):
        console.log(
            "not-archived",
            level="warning",
            callId=event.call_id,
            recordId=event.record_id,
            state=event.state,
            reason=event.reason,
            message=event.detail or None,
        )
        said = f" ({event.detail})" if event.detail else ""
        what = who({"callId": event.call_id, "recordId": event.record_id})
        console.detail(f"{what}: {event.state}: {event.reason}{said}")
    elif isinstance(event, RetryScheduled):
        console.log(
            "retry",
            level="warning",
            callId=CURRENT_CALL.get(),
            recordId=event.record_id,
            attempt=event.attempt,
            attempts=event.attempts,
            waitSeconds=round(event.wait, 3),
            message=str(event.error),
        )
        console.detail(
            f"attempt {event.attempt} of {event.attempts} failed: {event.error};"
            f" next in {say_duration(event.wait)}"
        )


def log_end(console: Console, night: Night) -> None:
    """Log the end of a run: its exit code and, with a report, its sums."""
    told = night.report or {}
    names = ("complete", "calls", "recordings", "bytes", "requests", "throttled", "ledgerHead")
    console.log(
        "run-ended",
        exitCode=night.exit_code,
        startedAt=stamp(night.started_at),
        seconds=round(night.seconds, 3),
        **{name: told[name] for name in names if name in told},
    )
