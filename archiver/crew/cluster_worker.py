"""The part of a run that a Dask worker executes: an ordinary `dask worker` with archiver installed.

Configuration and credentials are the worker's own: `archive.yaml` in its folder, or the file in
ARCHIVER_CONFIG, read again for each run. Batches contain the signed addresses of recordings. Dask
prints the arguments of a task that fails, so they are sealed, and no exception is raised here:
every failure is part of the answer.
"""

import os
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Final

import anyio
import anyio.lowlevel
from anyio import to_thread

from archiver.archive.pace import REAL_PACE
from archiver.clock import system_clock
from archiver.config import Config
from archiver.config.loading import read_config
from archiver.crew.messages import (
    decode_batch,
    encode_answer,
    encode_refusal,
    in_the_words_of,
)
from archiver.crew.progress import Progress
from archiver.crew.unit import Brought
from archiver.crew.worker import Worker, working
from archiver.errors import ArchiverError, ConfigError
from archiver.extras import extra
from archiver.storage.opening import import_s3

CONFIG_VARIABLE: Final = "ARCHIVER_CONFIG"

_TOLD_EVERY: Final = 1.0
"""Seconds between two progress messages."""
_MOST_RUNS: Final = 4
"""Runs that a worker keeps open, and ended runs that it remembers. More than one is rare."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """Bytes whose repr is empty."""

    data: bytes = field(repr=False)


@dataclass(slots=True)
class _Run:
    """One run in this process."""

    worker: Worker
    progress: Progress
    stack: AsyncExitStack
    under_way: int = 0


_RUNS: Final[dict[str, _Run]] = {}
_ENDED: Final[dict[str, None]] = {}
"""Runs that have ended, the latest last."""


def topic_of(run_id: str) -> str:
    """The Dask topic for the progress of a run."""
    return f"archiver-{run_id}"


async def dask_setup(_: object) -> None:
    """Import and read what a batch needs, before there is one.

    Dask calls it when a worker starts that was given `--preload archiver.crew.cluster_worker`.
    """
    import_s3()
    with suppress(ImportError):  # without the extra: a batch for S3 then says what to install
        import_module("archiver.storage.s3.client").read_models()
    await anyio.lowlevel.checkpoint()  # imports what anyio needs for this event loop


async def dask_teardown(_: object) -> None:
    """Close the connections of all runs. Dask calls it when such a worker ends, after it has
    cancelled its batches."""
    for run_id in list(_RUNS):
        await _close_unless_busy(run_id)


async def bring_batch(batch: Sealed) -> Sealed:
    """Process a batch and return its answer. Dask calls it on the event loop of its worker."""
    try:
        return Sealed(await _answer(batch.data))
    except ArchiverError as error:
        failure = error
    except Exception as error:  # noqa: BLE001 - Dask would print it, arguments and all
        failure = ArchiverError(f"{type(error).__name__}: a bug in archiver", hint="report it")
    return Sealed(encode_refusal(in_the_words_of(_name(), failure)))


async def end_run(run_id: str) -> None:
    """End the run: fetch nothing more for it, and finish what is being stored."""
    _ENDED[run_id] = None
    while len(_ENDED) > _MOST_RUNS:
        del _ENDED[next(iter(_ENDED))]
    run = _RUNS.get(run_id)
    if run is not None:
        run.worker.drop(run_id)
        await _close_unless_busy(run_id)


async def _answer(data: bytes) -> bytes:
    batch = decode_batch(data)
    if batch.run_id in _ENDED:
        left = [Brought(left=unit.orphan) for unit in batch.units]
        return encode_answer(left, system_clock)
    run = await _opened(batch.run_id)
    run.under_way += 1
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(_tell_progress, batch.run_id, run.progress)
            answer = await run.worker.bring_batch(data)
            group.cancel_scope.cancel()
    finally:
        run.under_way -= 1
        if batch.run_id in _ENDED:
            await _close_unless_busy(batch.run_id)
    return answer


_OPENING: Final = anyio.Lock()


async def _opened(run_id: str) -> _Run:
    async with _OPENING:
        run = _RUNS.get(run_id)
        if run is None:
            config = await to_thread.run_sync(_config, os.environ)
            stack, progress = AsyncExitStack(), Progress()
            opening = working(
                config,
                pace=REAL_PACE,
                clock=system_clock,
                name=_name(),
                on_bytes=progress.receive,
                on_retry=progress.retry,
            )
            run = _Run(await stack.enter_async_context(opening), progress, stack)
            for other in list(_RUNS)[: 1 - _MOST_RUNS]:
                await _close_unless_busy(other)
            _RUNS[run_id] = run
        return run


async def _close_unless_busy(run_id: str) -> None:
    run = _RUNS.get(run_id)
    if run is not None and not run.under_way:
        del _RUNS[run_id]
        await run.stack.aclose()


async def _tell_progress(run_id: str, progress: Progress) -> None:
    try:
        while True:
            await anyio.sleep(_TOLD_EVERY)
            _tell(run_id, progress)
    finally:
        _tell(run_id, progress)


def _tell(run_id: str, progress: Progress) -> None:
    with extra("dask"):
        from distributed import get_worker

    if news := progress.take():
        with suppress(ValueError, OSError):  # the worker is shutting down
            get_worker().log_event(topic_of(run_id), news)


def _name() -> str:
    with extra("dask"):
        from distributed import get_worker

    return f"Dask worker {get_worker().address}"


def _config(environ: Mapping[str, str]) -> Config:
    """This worker's configuration. The API key may be missing: most recordings do not need it."""
    path = Path(environ.get(CONFIG_VARIABLE) or "archive.yaml")
    if not path.exists():
        raise ConfigError(
            f"{path.absolute()} does not exist",
            hint=f"start the worker where archive.yaml is, or set {CONFIG_VARIABLE} for it",
        )
    return read_config(path, environ, fetches_only=True)
