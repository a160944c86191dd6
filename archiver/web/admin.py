"""Pages for admins only: who listened to what, and who downloaded what."""

from datetime import date, datetime, time, timedelta
from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response

from archiver.desk.journal import Act, Wanted
from archiver.web.context import Visit
from archiver.web.forms import number
from archiver.web.view_address import read_id

LINES: Final = 100
"""Of one page."""


async def journal(visit: Visit) -> Response:
    """The access log, the newest first."""
    wanted, address, senseless = wanted_entries(visit)
    entries = await visit.desk.journal.page(
        visit.person,
        before=number(visit.request.query_params.get("before")),
        limit=LINES,
        wanted=wanted,
    )
    before = entries[-1].entry_id if entries else 0
    joined = "&" if address else "?"
    return visit.page(
        "journal.html",
        section="journal",
        entries=entries,
        asked={name: visit.request.query_params.get(name, "") for name in _NAMES},
        acts=list(Act),
        senseless=senseless,
        address=address,
        more=f"{address}{joined}before={before}",
        is_full=len(entries) == LINES,
        zone=str(visit.wording.zone),
    )


_NAMES: Final = ("name", "act", "since", "until", "recording")


def wanted_entries(visit: Visit) -> tuple[Wanted, str, list[str]]:
    """Which entries the address asks for, the address itself, and what made no sense in it."""
    asked = visit.request.query_params
    texts = {name: asked.get(name, "").strip() for name in _NAMES}
    senseless = []
    days: dict[str, date | None] = {}
    for name in ("since", "until"):
        try:
            days[name] = date.fromisoformat(texts[name]) if texts[name] else None
        except ValueError:
            days[name] = None
            senseless.append(name)
    record_id = None
    try:
        record_id = read_id(texts["recording"]) if texts["recording"] else None
    except ValueError:
        senseless.append("recording")
    if texts["act"] and texts["act"] not in set(Act):
        senseless.append("act")
        texts["act"] = ""
    until = days["until"]
    wanted = Wanted(
        name=texts["name"] or None,
        act=texts["act"] or None,
        record_id=record_id,
        since=_midnight(visit, days["since"]),
        until=None if until is None else _midnight(visit, _after(until)),
    )
    kept = [(name, text) for name, text in texts.items() if text and name not in senseless]
    return wanted, f"?{urlencode(kept)}" if kept else "", sorted(senseless)


def _after(day: date) -> date:
    return day + timedelta(days=1) if day < date.max else day


def _midnight(visit: Visit, day: date | None) -> datetime | None:
    if day is None or not 1970 <= day.year < 9999:
        return None
    return datetime.combine(day, time(), visit.wording.zone)
