"""Exports that are made at the desk: asked for, watched while they are made, and downloaded."""

from collections.abc import Sequence
from typing import Final

import anyio
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response

from archiver.desk.accounts.person import Right
from archiver.desk.journal import Act
from archiver.desk.packages.locks import chosen_keys, chosen_password
from archiver.desk.packages.orders import Left, Stage, Wish
from archiver.errors import NoSuchThing, WrongInput
from archiver.extras import is_installed
from archiver.sound.spans import FILLS
from archiver.text.messages import LANGUAGES
from archiver.web.asked import asked_view
from archiver.web.context import Visit
from archiver.web.forms import number, token
from archiver.web.view_address import query, read_id, read_view

MASKS: Final = ("summaries", "phones", "names")
"""What can be left out of every call, by the words of `archiver export --mask`."""

_MOST_NAMED: Final = 500
"""Recordings that an address names one by one."""


async def show(visit: Visit) -> Response:
    """The exports that the person may see, with what is going on."""
    desk = visit.desk
    orders = await desk.orders.shown(visit.person)
    current = [one for one in orders if one.stage is Stage.WORKING]
    return visit.page(
        "exports.html",
        section="exports",
        orders=orders,
        written={one.package_id: await desk.packing.written(one) for one in current},
        is_moving=any(one.stage in (Stage.WAITING, Stage.WORKING) for one in orders),
        keep_days=desk.packing.keep.days,
        sees_all=visit.person.may(Right.OVERSEE),
    )


async def form(visit: Visit) -> Response:
    """What is to be exported, and why."""
    chosen = await _chosen(visit)
    marked = await visit.desk.redactions.of(chosen)
    return visit.page(
        "export_form.html",
        section="exports",
        count=len(chosen),
        spans=len(marked),
        redacted=len({one.record_id for one in marked}),
        waiting=sum(not one.is_applied for one in marked),
        must_redact=visit.desk.redactions.bind(visit.person),
        masks=MASKS,
        fills=FILLS,
        address=_address(visit),
        keep_days=visit.desk.packing.keep.days,
        is_lockable=is_installed("encryption"),
        is_printable=is_installed("pdf"),
    )


async def ask(visit: Visit) -> Response:
    """Ask for an export of the recordings that the address names; it is made in the background."""
    desk, fields = visit.desk, visit.form
    language = fields.get("language", "")
    if language not in LANGUAGES:
        raise HTTPException(400)
    masks, fill = fields.getlist("mask"), next((f for f in FILLS if f == fields.get("fill")), None)
    if fill is None or not set(masks) <= set(MASKS):
        raise HTTPException(400)
    chosen = await _chosen(visit)
    redacts = "redact" in fields or desk.redactions.bind(visit.person)
    wish = Wish(
        chosen,
        reason=fields.get("why", ""),
        case=fields.get("case", ""),
        recipient=fields.get("recipient", ""),
        language=language,
        load_file="load_file" in fields,
        masks=tuple(dict.fromkeys(masks)),
        spans=await _left_out(visit, chosen) if redacts else (),
        fill=fill,
        certificate_pdf="certificate_pdf" in fields,
        keys=chosen_keys(fields.get("keys", "")),
    )
    password = chosen_password(fields.get("password", ""), fields.get("password_again", ""))
    if wish.keys and password is not None:
        raise WrongInput("keys", "a password and keys cannot be combined", problem="one-lock")
    package_id = await desk.packing.ask(visit.person, wish, token(fields), password)
    await desk.journal.record(
        visit.person.name,
        visit.address,
        Act.PACKAGE,
        detail=f"/exports/{package_id}{_address(visit)}",
    )
    return visit.go("/exports")


async def take_away(visit: Visit) -> Response:
    """The package; who downloads it is in the access log before its first byte leaves."""
    desk = visit.desk
    order = await desk.orders.find(visit.person, visit.id("package_id"))
    path = desk.packing.path(order)
    if order.stage is not Stage.READY or not await anyio.Path(path).is_file():
        raise NoSuchThing("this export is not available", hint="go back to the list of exports")
    if visit.request.method == "GET":
        await desk.journal.record(
            visit.person.name,
            visit.address,
            Act.DOWNLOAD,
            detail=visit.request.url.path.removeprefix(desk.base),
        )
    kind = "application/octet-stream" if order.wish.keys else "application/zip"
    return FileResponse(path, media_type=kind, filename=order.file_name)


async def remove(visit: Visit) -> Response:
    """Remove an export before its time, or stop making it."""
    await visit.desk.orders.remove(visit.person, visit.id("package_id"))
    await visit.desk.packing.look()
    return visit.go("/exports")


async def _left_out(visit: Visit, chosen: Sequence[int]) -> tuple[Left, ...]:
    """What is marked in these recordings; WrongInput while something waits for approval, for what
    is marked must not leave by chance."""
    marked = await visit.desk.redactions.of(chosen)
    if waiting := sum(not one.is_applied for one in marked):
        raise WrongInput(
            "redact",
            f"{waiting} redactions are not approved",
            problem="unapproved",
            limit=waiting,
        )
    return tuple(Left(one.record_id, one.span, one.reason) for one in marked)


async def _chosen(visit: Visit) -> tuple[int, ...]:
    """The archived recordings that the address names one by one, or whose view it is."""
    index = visit.desk.library.index
    named = await _named(visit)
    if named is not None:
        entries = await index.entries(named)
        return tuple(one.record_id for one in entries if one.state.value == "archived")
    view, senseless = await asked_view(visit)
    if senseless:
        raise HTTPException(400)  # else a mistyped filter would hand over more than was meant
    by_agent = await index.by_agent(view)
    return tuple(sorted(one for ids in by_agent.values() for one in ids))


async def _named(visit: Visit) -> list[int] | None:
    """The recordings that the address names, or those of its playlist; None where it has a view."""
    params = visit.request.query_params
    if "playlist" in params:
        playlist_id = number(params["playlist"])
        _, moments = await visit.desk.playlists.find(playlist_id or 0)
        return list(dict.fromkeys(one.record_id for one in moments))
    return _ids(params["records"]) if "records" in params else None


def _address(visit: Visit) -> str:
    """What the recordings were chosen by, as the address has it."""
    params = visit.request.query_params
    if "playlist" in params:
        return f"?playlist={number(params['playlist']) or 0}"
    if "records" in params:
        return "?records=" + ",".join(map(str, _ids(params["records"])))
    return query(read_view(params)[0])


def _ids(text: str) -> list[int]:
    """Ids with commas between them; refuses (400) what is none, and too many."""
    parts = text.split(",")
    try:
        if len(parts) > _MOST_NAMED:
            raise ValueError(text)
        return [read_id(part) for part in parts]
    except ValueError:
        raise HTTPException(400) from None
