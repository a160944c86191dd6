"""An insider who can write to the whole archive is found out by a signature or a witness."""

import json
from typing import Any

import pytest

from archiver.evidence.keys import load_signer, make_key
from archiver.evidence.statements import HeadStatement, head_key, public_key_key, signed_by
from archiver.ledger.segments import Head, head_of
from archiver.verify.findings import Finding
from tests.evidence.conftest import Vouched
from tests.evidence.forging import drop, forge, remove_evidence, roll_back
from tests.support.world import FIRST_NIGHT

pytestmark = pytest.mark.anyio
NO_WITNESS: dict[str, Any] = {"witnesses": []}


def kinds(findings: list[Finding]) -> set[str]:
    return {one.name for one in findings}


async def test_the_archive_as_it_is_is_sound_and_says_what_is_proved(vouched: Vouched) -> None:
    verified = await vouched.verify()
    assert verified.found.findings == []
    assert [one.kind for one in verified.proofs] == ["signed", "stamped", "witnessed"]
    vouched.forget_catalog()
    assert await vouched.findings() == []


async def test_a_forged_history_is_a_whole_chain_to_whoever_has_nothing_but_it(
    vouched: Vouched,
) -> None:
    forge(vouched)
    remove_evidence(vouched)
    vouched.forget_catalog()
    assert await vouched.findings(evidence={"sign": None, "witnesses": []}) == []


async def test_a_forged_history_is_found_by_the_signatures_that_were_left(
    vouched: Vouched,
) -> None:
    forge(vouched)
    vouched.forget_catalog()
    found = await vouched.findings(evidence={"sign": None, "witnesses": []}, key=vouched.public)
    assert kinds(found) == {"rewritten", "not-signed"}


async def test_a_forged_history_without_its_signatures_is_found_by_the_public_key_alone(
    vouched: Vouched,
) -> None:
    forge(vouched)
    remove_evidence(vouched)
    vouched.forget_catalog()
    found = await vouched.findings(evidence={"sign": None, "witnesses": []}, key=vouched.public)
    assert kinds(found) == {"not-signed"}
    assert found[0].found == "no signature"


async def test_a_forged_history_is_found_by_a_witness_alone(vouched: Vouched) -> None:
    forge(vouched)
    remove_evidence(vouched)
    vouched.forget_catalog()
    (found,) = await vouched.findings(evidence={"sign": None})
    assert found.name == "rewritten"
    assert str(vouched.folder / "witness") in found.expected


async def test_a_forged_history_signed_by_another_key_is_found(vouched: Vouched) -> None:
    archive_id = json.loads(vouched.medium.read("_archive/format.json"))["archiveId"]
    forge(vouched)
    remove_evidence(vouched)
    make_key(vouched.folder / "thief.pem", None)
    thief = load_signer(vouched.folder / "thief.pem", None)
    vouched.medium.write(public_key_key(thief.public.key_id), thief.public.pem)
    for key in vouched.segments():
        head = head_of(key) or Head()
        line = HeadStatement(archive_id, head, FIRST_NIGHT, thief.public.key_id).line()
        vouched.medium.write(head_key(head, thief.public.key_id), signed_by(line, thief).data)
    vouched.forget_catalog()
    found = await vouched.findings(evidence=NO_WITNESS)
    assert kinds(found) == {"foreign-signature", "not-signed"}


async def test_yesterdays_copy_with_its_catalog_is_found_by_a_witness(vouched: Vouched) -> None:
    roll_back(vouched)
    (found,) = await vouched.findings()
    assert found.name == "rolled-back"
    assert "a ledger that ends with segment" in found.found
    assert await vouched.findings(evidence=NO_WITNESS) == []  # a signature cannot show it


async def test_a_run_that_was_dropped_is_found_by_its_signature(vouched: Vouched) -> None:
    drop(vouched, vouched.segments()[-1])
    vouched.forget_catalog()
    found = await vouched.findings(evidence=NO_WITNESS)
    assert "tail-cut" in kinds(found)


async def test_a_run_that_was_dropped_with_its_signature_is_found_by_a_witness(
    vouched: Vouched,
) -> None:
    before = vouched.folder / "archive-1"
    drop(vouched, *(key for key in vouched.segments() if not (before / key).exists()))
    remove_evidence(vouched, keep=before)
    vouched.forget_catalog()
    found = await vouched.findings()
    assert {"tail-cut", "unexpected"} <= kinds(found)


async def test_a_changed_signature_stamp_or_key_is_named(vouched: Vouched) -> None:
    medium = vouched.medium
    for key in medium.listing():
        if key.startswith("_archive/evidence/"):
            data = medium.read(key)
            medium.write(key, data[:60] + bytes([data[60] ^ 1]) + data[61:])
    found = await vouched.findings(evidence=NO_WITNESS)
    assert kinds(found) >= {"bad-signature", "bad-stamp", "not-signed"}
    named = {one.key for one in found if one.name in ("bad-signature", "bad-stamp")}
    assert named == {key for key in medium.listing() if key.startswith("_archive/evidence/")}


async def test_anything_else_among_the_evidence_is_unexpected(vouched: Vouched) -> None:
    vouched.medium.write("_archive/evidence/heads/note.txt", b"?")
    (found,) = await vouched.findings()
    assert found.name == "unexpected"
