"""Legal holds: placed and lifted at any time, even during a run.

The reason is free text and may name people. So it is stored, with its author, in a separate object,
written once; the ledger has the ids that the hold covers and the object's digest. The object is
stored first, then the event. A hold left by a crash without its event is recorded by the next hold,
prune or erasure: that is what its author wanted.
"""

import json
import secrets
from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct

from archiver.archive.archive import Archive
from archiver.catalog import retention
from archiver.catalog.retention import Hold
from archiver.clock import Clock, stamp
from archiver.errors import KeyExists, KeyMissing, UsageError
from archiver.ledger.events import Event, Held, Lifted
from archiver.retention.acts import Deed, about, name_of_act, store_deed
from archiver.storage.base import Body
from archiver.storage.keys import HOLDS_PREFIX
from archiver.text.json import read_json

MOST_REASON: Final = 4000
"""The most characters of a reason."""

_MOST_BYTES: Final = 256 * 1024
_IDS: Final = ("leadIds", "callIds", "orderIds")


class HoldTexts(Struct, frozen=True):
    """The texts of a hold, and of its lifting. None if they were erased or lost."""

    placed: dict[str, Any] | None
    lifted: dict[str, Any] | None


async def place_hold(
    archive: Archive,
    *,
    leads: Sequence[int],
    calls: Sequence[int],
    orders: Sequence[int],
    reason: str,
    by: str,
    clock: Clock,
    deed: Deed | None = None,
) -> str:
    """Place a hold on all of these; returns its id. Needs no lock.

    Raises UsageError for a hold on nothing, on too many ids, or without a reason.
    """
    if not (leads or calls or orders):
        raise UsageError(
            "no lead, call or order was given for the hold", hint="use --lead, --call or --order"
        )
    reason = _checked(reason)
    if not reason:
        raise UsageError(
            "a hold requires a reason",
            hint="give a reason with --reason: why, and who requested it",
        )
    await finish_holds(archive, clock=clock)
    now = clock()
    hold_id = f"h{secrets.token_hex(5)}"
    fields = {
        "holdId": hold_id,
        "leadIds": sorted(set(leads)),
        "callIds": sorted(set(calls)),
        "orderIds": sorted(set(orders)),
        "reason": reason,
        "placedBy": by,
        "placedAt": stamp(now),
    }
    key = f"{HOLDS_PREFIX}{hold_id}.json"
    body = _body(fields)
    if body.size > _MOST_BYTES:
        raise UsageError(
            "too many ids for one hold", hint="place several holds, of some thousands each"
        )
    info = await archive.storage.put(key, body)
    event = _held(fields, key, body.sha256, info.version)
    deeds = [] if deed is None else [about(deed, holdId=hold_id)]
    acts = [await store_deed(archive, one, clock=clock) for one in deeds]
    await archive.announce([event, *acts], at=now, run=name_of_act(now))
    return hold_id


async def lift_hold(
    archive: Archive,
    hold_id: str,
    *,
    reason: str,
    by: str,
    clock: Clock,
    deed: Deed | None = None,
) -> None:
    """Lift a hold; what it covered may be removed again.

    Raises UsageError if the hold is unknown or was already lifted.
    """
    await finish_holds(archive, clock=clock)
    holds = {hold.hold_id: hold for hold in await archive.catalog.ask(retention.holds)}
    hold = holds.get(hold_id)
    if hold is None:
        raise UsageError(
            f"there is no hold {hold_id[:40]}", hint="list holds with `archiver hold list`"
        )
    if hold.lifted_at is not None:
        raise UsageError(
            f"hold {hold_id} was already lifted, at {stamp(hold.lifted_at)}",
            hint="list holds in force with `archiver hold list`",
        )
    now = clock()
    fields = {
        "holdId": hold_id,
        "reason": _checked(reason) or None,
        "liftedBy": by,
        "liftedAt": stamp(now),
    }
    key = f"{HOLDS_PREFIX}{hold_id}.lifted.json"
    body = _body(fields)
    try:
        info = await archive.storage.put(key, body)
    except KeyExists:  # a crash, or another process just now: the stored object is valid
        data = await archive.storage.read(key, limit=_MOST_BYTES)
        body, info = Body.of(data), await archive.storage.stat(key)
    event = Lifted(hold_id=hold_id, key=key, sha256=body.sha256, version=info.version)
    acts = [] if deed is None else [await store_deed(archive, deed, clock=clock)]
    await archive.announce([event, *acts], at=now, run=name_of_act(now))


async def texts_of(archive: Archive, hold: Hold) -> HoldTexts:
    """The texts of the hold."""
    return HoldTexts(
        await _read(archive, hold.key),
        None if hold.lift_key is None else await _read(archive, hold.lift_key),
    )


async def finish_holds(archive: Archive, *, clock: Clock) -> None:
    """Record holds whose event was lost in a crash."""
    known = {hold.key for hold in await archive.catalog.ask(retention.holds)}
    async for info in archive.storage.list(HOLDS_PREFIX):
        if info.key in known or info.key.endswith(".lifted.json"):
            continue
        data = await archive.storage.read(info.key, limit=_MOST_BYTES)
        version = (await archive.storage.stat(info.key)).version
        event = _held_from(info.key, data, version)
        if event is not None:
            now = clock()
            await archive.announce([event], at=now, run=name_of_act(now))


def _held_from(key: str, data: bytes, version: str | None) -> Event | None:
    """The event of the stored hold; None if it is not a hold, which `verify` reports."""
    try:
        fields = read_json(data)
        if key != f"{HOLDS_PREFIX}{fields['holdId']}.json":
            return None
        if not all(isinstance(one, int) for name in _IDS for one in fields[name]):
            return None
        return _held(fields, key, Body.of(data).sha256, version)
    except (ValueError, TypeError, KeyError):
        return None


def _held(fields: dict[str, Any], key: str, sha256: str, version: str | None) -> Held:
    return Held(
        hold_id=fields["holdId"],
        key=key,
        sha256=sha256,
        lead_ids=tuple(fields["leadIds"]),
        call_ids=tuple(fields["callIds"]),
        order_ids=tuple(fields["orderIds"]),
        version=version,
    )


async def _read(archive: Archive, key: str) -> dict[str, Any] | None:
    try:
        fields = read_json(await archive.storage.read(key, limit=_MOST_BYTES))
    except (KeyMissing, ValueError):
        return None
    return fields if isinstance(fields, dict) else None


def _checked(reason: str) -> str:
    reason = reason.strip()
    if len(reason) > MOST_REASON:
        raise UsageError(
            f"the reason has {len(reason):,} characters",
            hint=f"shorten it to {MOST_REASON:,}",
        )
    return reason


def _body(fields: dict[str, Any]) -> Body:
    text = json.dumps(fields, ensure_ascii=False, indent=2) + "\n"
    return Body.of(text.encode("utf-8", "backslashreplace"), "application/json")
