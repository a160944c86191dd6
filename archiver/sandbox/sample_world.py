"""The world of the demo: the recordings that ship with the sandbox, and calls around them.

It shows every settled state (archived, several recordings, none, summary still missing) and leaves
nothing open, so a run over it ends complete.
"""

import json
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Any

from archiver.sandbox.audio import sample
from archiver.sandbox.model import ABSENT, parse_moment
from archiver.sandbox.world import World

_DELIVERY, _CARE, _RUSSIAN, _ARCHIVED = 202, 203, 204, 190
_CARE_TOPICS = {"complaint", "refund", "loyalty_question", "transfer_to_supervisor", "payment"}


def samples() -> list[dict[str, Any]]:
    """What is known of the recordings that ship with the sandbox, in the order of their calls."""
    text = files("archiver.sandbox").joinpath("samples", "calls.json").read_text(encoding="utf-8")
    found: list[dict[str, Any]] = json.loads(text)
    return found


def sample_world(latest: datetime | None = None) -> World:
    """The demo's world, on 2 and 3 November 2026; with `latest` its last call happened then."""
    known = samples()
    shift = timedelta()
    if latest is not None:
        shift = latest.replace(microsecond=0) - max(_at(each) for each in known)
    world = _staff(known)
    called: set[int] = set()
    for each in known:
        when = _at(each) + shift
        if each["callId"] not in called:
            _sample_call(world, each, when, talk=_talk(known, each["callId"]))
            called.add(each["callId"])
        world.recording(
            each["recordId"],
            call=each["callId"],
            at=when,
            audio=sample(each["file"], each["contentType"]),
            user_id=each["userId"],
            duration=each["durationSeconds"],
            summary=each["recordSummary"],
            is_transfer=each["isTransfer"],
        )
    return _calls_without_recording(world, shift)


def _at(known: dict[str, Any]) -> datetime:
    return parse_moment(known["startedAt"])


def _talk(known: list[dict[str, Any]], call_id: int) -> int:
    seconds = [float(each["durationSeconds"]) for each in known if each["callId"] == call_id]
    return round(sum(seconds))


def _staff(known: list[dict[str, Any]]) -> World:
    world = World().order(_DELIVERY, "Delivery line").order(_CARE, "Customer care")
    world.order(_RUSSIAN, "Горячая линия").order(_ARCHIVED, "Spring sale", archived=True)
    for each in known:
        name, _, last_name = each["userName"].partition(" ")
        world.user(each["userId"], name, last_name)
    return world.user(107, "Tom", "Baker", active=False)


def _sample_call(world: World, known: dict[str, Any], when: datetime, *, talk: int) -> None:
    order = _CARE if known["topic"] in _CARE_TOPICS else _DELIVERY
    world.call(
        known["callId"],
        order=_RUSSIAN if known["language"] == "ru" else order,
        lead=known["leadId"],
        at=when,
        user_id=known["userId"],
        direction=known["direction"],
        talk=talk,
        phone=f"+7900{known['leadId']:07}",
    )


def _calls_without_recording(world: World, shift: timedelta) -> World:
    """Calls that ended in nothing to archive, each in another way that the API may say it."""

    def at(text: str) -> datetime:
        return parse_moment(text) + shift

    missed: dict[str, Any] = {"user_id": None, "talk": 0, "status": "no-answer"}
    unsaid = {"hasRecords": ABSENT}
    world.call(70118, order=_DELIVERY, lead=50231, at=at("2026-11-02T09:10:00Z"), **missed)
    world.call(70119, order=_CARE, lead=50270, at=at("2026-11-02T11:40:31Z"), **missed)
    world.call(70120, order=_RUSSIAN, lead=50302, at=at("2026-11-03T07:35:50Z"), **missed)
    world.call(
        70121, order=_CARE, lead=50365, at=at("2026-11-03T12:01:09Z"), user_id=104, talk=0,
        status="busy", finish_initiator="system", fields=unsaid,
    )  # fmt: skip
    world.call(
        70122, order=_DELIVERY, lead=50370, at=at("2026-11-03T13:40:00Z"), user_id=103, talk=2,
        status="call-back",
    )  # fmt: skip
    world.call(70123, order=_ARCHIVED, lead=50199, at=at("2026-11-02T08:30:00Z"), **missed)
    return world
