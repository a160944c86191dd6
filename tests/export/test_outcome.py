"""How an export ended: complete only when nothing is missing but what was removed on purpose."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from archiver.catalog.selection import Sums
from archiver.export.choosing import Chosen
from archiver.export.copies import Copies
from archiver.export.custody import Custody, Exporter
from archiver.export.entries import Contents, Missing
from archiver.export.masking import Masks
from archiver.export.outcome import ExportReport
from archiver.export.request import ExportRequest, Fetched
from archiver.export.selection import Selection
from archiver.export.voice import Voice
from archiver.ledger.segments import Head

OFFLINE = Fetched("offline")
ENGLISH = Voice().say


def report(
    *,
    fetched: Fetched = OFFLINE,
    not_found: tuple[str, ...] = (),
    missing: Sequence[Missing] = (),
    differences: Sequence[str] = (),
) -> ExportReport:
    contents = Contents(2, 1, 10, missing=[*missing], differences=[*differences])
    custody = Custody(
        export_id="20261105T010000Z-abcdef",
        at=datetime(2026, 11, 5, 1, tzinfo=UTC),
        exporter=Exporter("tester", "testhost"),
        request=ExportRequest(Path("lead.zip"), selection=Selection(leads=(789,))),
        chosen=Chosen(Sums(2, 1, 10), fetched, not_found, Head(1, "1" * 64), None),
        contents=contents,
        archive_id="1b6b587f-eb6d-44d9-912e-1453acbaeadd",
        manifest_sha256="0" * 64,
        recorded_in=Head(1, "1" * 64),
        voice=Voice(),
        copies=Copies(None, Masks(), Path("/tmp")),
        redactions=None,
    )
    return ExportReport(custody, Path("/tmp/lead.zip"), 0.5)


def missing(state: str, record_id: int | None = 11) -> Missing:
    return Missing(1, record_id, state, "a reason")


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({}, 0),
        ({"missing": [missing("removed")]}, 0),
        ({"missing": [missing("waiting")]}, 3),
        ({"missing": [missing("removed"), missing("gone")]}, 3),
        ({"not_found": ["lead 7"]}, 3),
        ({"fetched": Fetched("locked", gaps=("the lists could not be read",))}, 3),
        ({"missing": [missing("waiting"), missing("damaged")]}, 4),
    ],
)
def test_the_exit_code_says_whether_the_package_is_complete(
    members: dict[str, Any], code: int
) -> None:
    ended = report(**members)
    assert (ended.exit_code, ended.complete) == (code, code == 0)


def test_a_missing_thing_is_one_sentence_with_its_reason() -> None:
    assert missing("gone").said(ENGLISH) == "call 1, recording 11: a reason (gone)"
    assert missing("waiting", None).said(ENGLISH) == "call 1: a reason (waiting)"


def test_what_json_cuts_is_said_to_be_cut() -> None:
    few = report(missing=[missing("gone")] * 2, differences=["x"] * 2).as_json(most_named=2)
    many = report(missing=[missing("gone")] * 3, differences=["x"] * 3).as_json(most_named=2)
    assert not {"missingCut", "differencesCut"} & set(few)
    assert (many["missingCut"], many["differencesCut"]) == (True, True)
    assert (len(many["missing"]), len(many["differences"])) == (2, 2)
