"""Reporting the result of a run: notices, heartbeat, metrics. None of it can fail the run.

What cannot be delivered is reported on standard error, in one line, and counted.
"""

import os
import socket
from collections.abc import Awaitable
from datetime import datetime
from pathlib import Path
from typing import Final

import anyio
import anyio.to_thread

from archiver.clock import Clock
from archiver.config import Config, MetricsConfig
from archiver.console import Console
from archiver.errors import ExtraMissing, NoticeUndelivered
from archiver.monitoring import messengers
from archiver.monitoring.history import Memory, memory_path, remember
from archiver.monitoring.night import Night
from archiver.monitoring.notices import (
    Kind,
    Notice,
    head_notice,
    notices_of,
    trouble_of,
    verify_notice,
)
from archiver.monitoring.standing import Standing, silence_at, standing
from archiver.monitoring.verifications import (
    Verification,
    remember_verification,
    verifications_path,
)
from archiver.tasks.retry import RetryPolicy

DELIVERY_RETRY: Final = RetryPolicy(
    attempts=3, first_wait=1.0, greatest_wait=3.0, longest_retry_after=5.0
)
_LONGEST: Final = 60.0
"""Seconds after which delivery is given up: the run has ended, and others may be waiting for
that."""


async def tell(
    config: Config,
    night: Night,
    *,
    state_folder: Path,
    console: Console,
    clock: Clock,
    retry: RetryPolicy = DELIVERY_RETRY,
) -> Standing | None:
    """Send notices, update the history, and return the current standing.

    `retry` says how often a notice is sent again. Raises nothing: returns None, and prints a line,
    if that itself failed unexpectedly.
    """
    try:
        return await _tell(config, night, state_folder, console, clock, retry)
    except Exception as error:  # noqa: BLE001 - being told of is nothing that a run may fail on
        said = f"{type(error).__name__}: {error}"
        console.warn(f"could not report the result of this run: {said}", event="trouble")
        return None


async def tell_verification(
    config: Config,
    one: Verification,
    *,
    is_replica: bool,
    state_folder: Path,
    console: Console,
    clock: Clock,
) -> Standing | None:
    """Add a verification of the archive, or of its replica, to the history, send a notice of its
    findings, and return the standing.

    Raises nothing, as `tell`.
    """
    try:
        path = verifications_path(config.storage.url, state_folder, is_replica=is_replica)
        await anyio.to_thread.run_sync(remember_verification, one, path)
        found = await standing(config, state_folder)
        notice = verify_notice(one, config.window.timezone, is_replica=is_replica)
        if notice is not None:
            with anyio.move_on_after(_LONGEST):
                await _notify(config, notice, found.memory, console)
        await anyio.to_thread.run_sync(_write_metrics, config.metrics, found, console, clock)
    except Exception as error:  # noqa: BLE001 - a result that was found must be shown all the same
        said = f"{type(error).__name__}: {error}"
        console.warn(f"could not report the result of the verification: {said}", event="trouble")
        return None
    return found


async def _tell(
    config: Config,
    night: Night,
    state_folder: Path,
    console: Console,
    clock: Clock,
    retry: RetryPolicy,
) -> Standing:
    found = await standing(config, state_folder)
    memory = found.memory
    oldest = None if found.vitals is None else found.vitals.oldest_open
    trouble = trouble_of(night, oldest, config.window.lookback)
    silence = None
    if night.report is not None and night.came_to_its_end:
        until = datetime.fromisoformat(night.report["window"]["until"])
        silence = await silence_at(config, found.catalog, until)
    notices = list(notices_of(night, trouble, memory, silence, config.window.timezone))
    if config.evidence.send_head and (head := head_notice(night)) is not None:
        notices.append(head)
    memory.note(night, failed=bool(trouble))
    with anyio.move_on_after(_LONGEST):
        for notice in notices:
            if (
                await _notify(config, notice, memory, console, retry)
                and notice.kind is Kind.SILENCE
            ):
                memory.silent_day = None if silence is None else silence.day
        if config.notices.heartbeat is not None and night.came_to_its_end and not trouble:
            from archiver.monitoring import delivery  # brings HTTP along, which few commands need

            await _try(
                delivery.ping(config.notices.heartbeat, proxies=config.http.proxy, retry=retry),
                "heartbeat",
                memory,
                console,
            )
    try:
        path = memory_path(config.storage.url, state_folder)
        await anyio.to_thread.run_sync(remember, memory, path)
    except OSError as error:
        console.warn(f"could not save the run history: {error.strerror}", event="trouble")
    await anyio.to_thread.run_sync(_write_metrics, config.metrics, found, console, clock)
    return found


async def _notify(
    config: Config,
    notice: Notice,
    memory: Memory,
    console: Console,
    retry: RetryPolicy = DELIVERY_RETRY,
) -> bool:
    """Whether the notice is done with: delivered to everyone who is configured."""
    host, wanted = socket.gethostname(), config.notices
    text = console.clean(f"archiver on {host}, {config.storage.url}: {notice.text}")
    what = f"notice of {notice.kind.value}"
    done = True
    if wanted.webhook is not None:
        from archiver.monitoring import delivery  # as above

        payload = {
            "text": text,
            "kind": notice.kind.value,
            "host": host,
            "archive": config.storage.url,
            **notice.facts,
        }
        sending = delivery.post(wanted.webhook, payload, proxies=config.http.proxy, retry=retry)
        done = await _try(sending, what, memory, console)
    for address in wanted.apprise:
        title = f"archiver on {host}: {notice.kind.value}"
        sending = messengers.send(address, title, text, proxies=config.http.proxy)
        done &= await _try(sending, what, memory, console)
    return done


async def _try(sending: Awaitable[None], what: str, memory: Memory, console: Console) -> bool:
    try:
        await sending
    except (NoticeUndelivered, ExtraMissing) as error:
        memory.undelivered += 1
        console.warn(f"could not deliver the {what}: {error}", event="undelivered", notice=what)
        return False
    console.log("delivered", notice=what)
    return True


def _write_metrics(config: MetricsConfig, found: Standing, console: Console, clock: Clock) -> None:
    if config.textfile is None:
        return
    from archiver.monitoring.metrics import write_textfile

    try:
        write_textfile(config.textfile, found.memory, found.vitals, clock())
    except OSError as error:
        said = error.strerror or os.strerror(error.errno or 0)
        console.warn(f"cannot write {config.textfile}: {said}", event="trouble")
