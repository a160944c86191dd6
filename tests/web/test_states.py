"""A recording that is held, removed, or not here says so on its page."""

from pathlib import Path

import pytest

from archiver.sandbox.exchange import Route
from archiver.sandbox.faults import Fault, Status
from archiver.sandbox.world import World
from tests.retention.acts import erasable, erased, held, pruned
from tests.support.world import Night
from tests.web.desks import (
    archived,
    calls,
    post,
    served,
    text,
    until_listed,
)


def test_what_is_held_or_erased_says_so(tmp_path_factory: pytest.TempPathFactory) -> None:
    async def acts(night: Night) -> None:
        await held(night, calls=(70103,))
        plan = await erasable(night, 50244)
        await erased(night, len(plan.archived), 50244)

    made = archived(tmp_path_factory.mktemp("desk"), calls(), runs=acts)
    with served(made) as desk, desk.visitor() as local:
        until_listed(local, 17)
        assert "legal hold" in text(local, "/recordings/900103")
        assert local.get("/recordings/900103/audio").status_code == 200
        page = text(local, "/recordings/900102")
        assert page.count("erased on request") == 1
        for part in ('id="player"', "Not indexed yet", "note-form", 'id="tags"', "card-form"):
            assert part not in page, part
            assert part in text(local, "/recordings/900101") or part == "Not indexed yet"
        assert "parcel 22-81" not in text(local, "/recordings/900102") + text(local)
        assert local.get("/recordings/900102/audio").status_code == 410
        for path in ("tags", "notes", "verdict"):
            fields = {"tag": "late", "text": "late", "seconds": "1", "act": "submit"}
            assert post(local, f"/recordings/900102/{path}", **fields).status_code == 404, path
        assert "1 recording<" in text(local, "/?held=yes")
        assert "1 recording<" in text(local, "/?state=erased")


def test_what_is_failed_gone_or_pruned_says_so(tmp_path: Path) -> None:
    async def acts(night: Night) -> None:
        await night.nights(2)
        night.world.call(4, at=night.clock.now).recording(41)
        night.clock.advance(days=1)
        await night.run()
        night.clock.advance(days=29)
        await pruned(night, 1)

    world = World().call(1).recording(11).call(2).recording(21)
    lost = (Fault(Route.FILE, Status(404), id=11), Fault(Route.FILE, Status(404), id=41))
    made = archived(tmp_path, world, *lost, runs=acts)
    with served(made) as desk, desk.visitor() as local:
        until_listed(local, 3)
        for record_id, state, words in (
            (11, "gone", "The source no longer has this recording"),
            (21, "pruned", "deleted at the end of its retention period"),
            (41, "failed", "could not be fetched yet"),
        ):
            page = text(local, f"/recordings/{record_id}")
            answer = local.get(f"/recordings/{record_id}/audio")
            assert page.count(words) == 1, record_id
            assert words in answer.text
            assert answer.status_code == (404 if state == "failed" else 410)
            assert f'data-record="{record_id}"' in text(local, f"/?state={state}")
