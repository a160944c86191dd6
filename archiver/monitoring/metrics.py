"""Metrics in Prometheus' format: one snapshot, for a text file and for /metrics.

Labels are states and exit codes only: no id, no name, no address.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final, TypeAlias

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from archiver import __version__
from archiver.catalog.inspections import SoundCheck
from archiver.catalog.readonly import Vitals
from archiver.monitoring.history import Memory
from archiver.monitoring.replications import Replicated
from archiver.monitoring.verifications import Verifications
from archiver.sound.figures import SOUND_FINDINGS

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_P: Final = "archiver_"

_Value: TypeAlias = float | None


def exposition(memory: Memory, vitals: Vitals | None, now: datetime) -> bytes:
    """The snapshot as text, of `CONTENT_TYPE`. Without vitals, the metrics based on them are left
    out."""
    return generate_latest(_registry(memory, vitals, now))


def write_textfile(path: Path, memory: Memory, vitals: Vitals | None, now: datetime) -> None:
    """Write the snapshot for node_exporter, atomically. Raises OSError.

    Everyone on the machine can read it, whatever the process's umask: the collector runs as another
    user, and it contains no secrets.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        part.write_bytes(exposition(memory, vitals, now))
        part.chmod(0o644)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


class _Snapshot(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = tuple(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


def _registry(memory: Memory, vitals: Vitals | None, now: datetime) -> CollectorRegistry:
    registry = CollectorRegistry(auto_describe=False)
    families = [*_of_runs(memory)] if vitals is None else [*_of_runs(memory), *_of(vitals, now)]
    if memory.verifications is not None:
        families += _of_verifications(memory.verifications)
    if memory.replica_verifications is not None:
        families += _of_verifications(memory.replica_verifications, is_replica=True)
    if memory.replication is not None:
        families += _of_replication(memory.replication, vitals, now)
    registry.register(_Snapshot(families))
    return registry


def _of_runs(memory: Memory) -> Iterator[Metric]:
    build = GaugeMetricFamily(f"{_P}build_info", "Version of archiver.", labels=["version"])
    build.add_metric([__version__], 1)
    yield build
    yield from _known(*_moments(memory))
    if memory.ended_at is not None:
        yield _gauge("last_run_duration_seconds", "Duration of the last run.", memory.seconds)
    yield _gauge(
        "failed_runs_in_a_row", "Failed runs since the last successful one.", memory.failures
    )
    runs = CounterMetricFamily(f"{_P}runs", "Full runs so far.", labels=["exit_code"])
    for code, count in sorted(memory.runs.items()):
        runs.add_metric([code], count)
    yield runs
    for name, said, count in (
        ("requests", "API requests of all runs with a report.", memory.requests),
        (
            "throttled_requests",
            "API requests answered with 429 (too many requests).",
            memory.throttled,
        ),
        ("stored_bytes", "Bytes of recordings stored by runs.", memory.bytes),
        ("undelivered_notices", "Notices that could not be delivered.", memory.undelivered),
    ):
        yield CounterMetricFamily(f"{_P}{name}", said, value=count)


def _of_verifications(known: Verifications, *, is_replica: bool = False) -> Iterator[Metric]:
    name, of = ("replica_last_verify", " of the replica") if is_replica else ("last_verify", "")
    ended = GaugeMetricFamily(
        f"{_P}{name}_timestamp_seconds",
        f"When a verification{of} of this scope was last completed.",
        labels=["scope"],
    )
    for scope, at in sorted(known.ended.items()):
        ended.add_metric([scope], at.timestamp())
    yield ended
    last = known.last
    yield _gauge(f"{name}_exit_code", f"Exit code of the last verification{of}.", last.exit_code)
    yield _gauge(
        f"{name}_duration_seconds", f"Duration of the last verification{of}.", last.seconds
    )
    yield _gauge(
        f"{name}_findings",
        f"Findings of the last verification{of} that were not repaired.",
        _sum(last.findings),
    )


def _of_replication(known: Replicated, vitals: Vitals | None, now: datetime) -> Iterator[Metric]:
    yield from _known(
        (
            "replica_last_attempt_timestamp_seconds",
            "Time of the last replication, successful or not.",
            _unix(known.at),
        ),
        (
            "replica_last_current_timestamp_seconds",
            "Time when the replica was last up to date.",
            _unix(known.current_at),
        ),
    )
    yield _gauge("replica_failed", "1 if the last replication failed, else 0.", bool(known.error))
    yield _gauge(
        "replica_waiting", "Objects still to be copied to or removed from it.", known.waiting
    )
    yield _gauge("replica_segments", "Segments of the ledger in the replica.", known.segments)
    if vitals is not None:
        behind = max(0, vitals.segments - known.segments)
        yield _gauge(
            "replica_segments_behind", "Segments of the ledger missing in the replica.", behind
        )
        since = known.behind_since or known.current_at or known.at
        lag = (now - since).total_seconds() if behind else 0.0
        yield _gauge(
            "replica_lag_seconds", "Age of the oldest event missing in the replica.", max(0.0, lag)
        )


def _sum(counts: Mapping[str, int]) -> int:
    return sum(counts.values())


def _moments(memory: Memory) -> tuple[tuple[str, str, _Value], ...]:
    """Metrics that are known only after they have happened: name, help and value."""
    return (
        ("last_run_start_timestamp_seconds", "Start of the last run.", _unix(memory.started_at)),
        ("last_run_end_timestamp_seconds", "End of the last run.", _unix(memory.ended_at)),
        ("last_run_exit_code", "Exit code of the last run.", memory.exit_code),
        (
            "last_success_timestamp_seconds",
            "Time of the last successful run (exit code 0 or 3).",
            _unix(memory.succeeded_at),
        ),
        (
            "last_complete_timestamp_seconds",
            "Time of the last complete run (exit code 0).",
            _unix(memory.completed_at),
        ),
        (
            "last_signed_timestamp_seconds",
            "Time of the last signature of the ledger's head.",
            _unix(memory.signed_at),
        ),
        (
            "last_stamped_timestamp_seconds",
            "Time of the last time stamp of the ledger's head.",
            _unix(memory.stamped_at),
        ),
        (
            "last_witnessed_timestamp_seconds",
            "Time when every witness last received the ledger's head.",
            _unix(memory.witnessed_at),
        ),
    )


def _of(vitals: Vitals, now: datetime) -> Iterator[Metric]:
    for name, said, counts in (
        ("calls", "Calls in the archive.", vitals.calls),
        ("recordings", "Recordings known to the archive.", vitals.recordings),
    ):
        family = GaugeMetricFamily(f"{_P}{name}", said, labels=["state"])
        for state, count in counts.items():
            family.add_metric([state], count)
        yield family
    age = 0.0 if vitals.oldest_open is None else (now - vitals.oldest_open).total_seconds()
    yield _gauge("oldest_open_age_seconds", "Age of the oldest open call; 0 if none is open.", age)
    yield _gauge("archived_bytes", "Bytes of archived recordings.", vitals.bytes)
    pending = vitals.pending_summaries
    yield _gauge("pending_summaries", "Recordings whose summary may still arrive.", pending)
    yield _gauge("ledger_segments", "Segments in the ledger.", vitals.segments)
    yield from _of_sound(vitals.sound)


def _of_sound(check: SoundCheck) -> Iterator[Metric]:
    found = GaugeMetricFamily(
        f"{_P}sound_findings",
        "Recordings with this sound finding.",
        labels=["finding"],
    )
    for name in SOUND_FINDINGS:
        found.add_metric([name], check.findings[name])
    yield found
    yield _gauge("sound_examined", "Recordings examined by the sound check.", check.examined)
    yield _gauge("sound_not_examined", "Recordings not examined yet.", check.not_examined)
    yield _gauge("sound_undecoded", "Recordings that could not be decoded here.", check.undecoded)


def _known(*gauges: tuple[str, str, _Value]) -> Iterator[Metric]:
    """Those that have a value: what never happened is left out, not 1970."""
    return (_gauge(name, said, value) for name, said, value in gauges if value is not None)


def _gauge(name: str, said: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{_P}{name}", said, value=value)


def _unix(moment: datetime | None) -> _Value:
    return None if moment is None else moment.timestamp()
