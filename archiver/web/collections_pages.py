"""Saved searches and playlists: what people keep to come back to, or to show to others."""

from starlette.datastructures import QueryParams
from starlette.responses import Response

from archiver.errors import WrongInput
from archiver.web.context import Visit
from archiver.web.forms import number, token
from archiver.web.notes import recording
from archiver.web.view_address import changed, query, read_view
from archiver.web.wording import read_clock


async def save_search(visit: Visit) -> Response:
    """Save the view that the form was on, under a name."""
    form = visit.form
    view = changed(read_view(QueryParams(form.get("query", "").lstrip("?")))[0])
    asked = query(view)
    await visit.desk.searches.save(
        visit.person, form.get("name", ""), asked or "?", is_shared="shared" in form
    )
    return visit.go(f"/{asked}")


async def remove_search(visit: Visit) -> Response:
    """Remove one's own saved search."""
    await visit.desk.searches.remove(visit.person, visit.id("search_id"))
    return visit.go("/")


async def playlists(visit: Visit) -> Response:
    """All playlists."""
    found = await visit.desk.playlists.all()
    return visit.page("playlists.html", section="playlists", playlists=found)


async def playlist(visit: Visit) -> Response:
    """The moments of one, each with the way to it."""
    shown, moments = await visit.desk.playlists.find(visit.id("playlist_id"))
    entries = await visit.desk.library.index.entries([one.record_id for one in moments])
    known = {entry.record_id: entry for entry in entries}
    return visit.page(
        "playlist.html",
        section="playlists",
        playlist=shown,
        moments=[(one, known.get(one.record_id)) for one in moments],
    )


async def add_moment(visit: Visit) -> Response:
    """Add a moment of a recording to a playlist, or to a new one."""
    entry, form = await recording(visit), visit.form
    at = read_clock(form.get("at", ""))
    if at is None:
        raise WrongInput("at", "not a position in a recording")
    made = await visit.desk.playlists.add(
        visit.person,
        {"record_id": entry.record_id, "seconds": at},
        form.get("text", ""),
        playlist_id=number(form.get("playlist")),
        title=form.get("title", ""),
        token=token(form),
    )
    return visit.go(f"/playlists/{made}")


async def take_out(visit: Visit) -> Response:
    """Take a moment out of its playlist."""
    left = await visit.desk.playlists.take_out(visit.person, visit.id("moment_id"))
    return visit.go(f"/playlists/{left}")


async def remove_playlist(visit: Visit) -> Response:
    """Remove a playlist with its moments."""
    await visit.desk.playlists.remove(visit.person, visit.id("playlist_id"))
    return visit.go("/playlists")
