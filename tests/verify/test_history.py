"""A removal that a hold in force forbade is found, whoever wrote it into the ledger."""

from pathlib import Path
from typing import Any

import pytest

from archiver.ledger.events import Erasing, Event, Held, Lifted, Removed, Removing
from archiver.ledger.lines import encode
from archiver.ledger.log import Ledger
from archiver.ledger.segments import Head
from archiver.storage.local.folder import LocalStorage
from tests.support.world import FIRST_NIGHT
from tests.verify.archives import Case

pytestmark = pytest.mark.anyio

ON = {"lead": {"lead_ids": (50_001,)}, "call": {"call_ids": (1,)}, "order": {"order_ids": (1,)}}


async def told(case: Case, *events: Event) -> list[str]:
    """Append these events as somebody would who may write; which findings that makes."""
    number, digest = case.segments()[-1]
    storage = LocalStorage(case.root)
    lines = [encode(FIRST_NIGHT, "forged", event) for event in events]
    archive_id = (case.root / "_archive/format.json").read_text().split('"')[7]
    await Ledger(storage, archive_id).append(lines, after=Head(int(number), digest))
    found = (await case.verify()).found.findings
    return [one.expected for one in found if one.name == "removed-under-hold"]


def held(**scope: Any) -> Held:
    key = "_archive/holds/h0000000001.json"
    return Held(hold_id="h0000000001", key=key, sha256="0" * 64, **scope)


LIFTED = Lifted(
    hold_id="h0000000001", key="_archive/holds/h0000000001.lifted.json", sha256="0" * 64
)
REMOVING = Removing(record_ids=(11,), why="retention")
ERASING = Erasing(lead_id=50_001, before=FIRST_NIGHT, call_ids=(1,))
REMOVED = Removed(record_id=11, call_id=1, why="retention")


@pytest.mark.parametrize("scope", ON)
async def test_a_removal_under_a_hold_contradicts_the_ledger(case: Case, scope: str) -> None:
    (found,) = await told(case, held(**ON[scope]), REMOVING, REMOVED)
    assert found == "nothing removed from recording 11, covered by hold h0000000001"


@pytest.mark.parametrize("scope", ON)
async def test_a_removal_that_nothing_announced_contradicts_it_too(case: Case, scope: str) -> None:
    (found,) = await told(case, held(**ON[scope]), REMOVED)
    assert found == "nothing removed from recording 11, covered by hold h0000000001"


async def test_an_erasure_under_a_hold_contradicts_it_too(case: Case) -> None:
    (found,) = await told(case, held(lead_ids=(50_001,)), ERASING)
    assert found.startswith("nothing removed from lead 50001")


@pytest.mark.parametrize(
    "events",
    [
        (held(lead_ids=(50_002,)), REMOVING),
        (held(lead_ids=(50_001,)), LIFTED, REMOVING),
        (REMOVING, held(lead_ids=(50_001,)), REMOVED),
        (ERASING, held(lead_ids=(50_001,)), REMOVED),
    ],
    ids=["of another lead", "lifted before", "placed too late", "placed during an erasure"],
)
async def test_a_removal_that_no_hold_forbade_does_not(
    case: Case, events: tuple[Event, ...], tmp_path: Path
) -> None:
    assert await told(case, *events) == []
