"""What a statement says of the newest signature, stamp and witness is what they prove."""

import pytest

from archiver.config import EvidenceConfig
from archiver.evidence.keys import make_key
from archiver.evidence.newest import NewestEvidence, newest_evidence
from archiver.storage.opening import open_storage
from archiver.tasks.contexts import closed_at_the_end
from tests.evidence.conftest import Vouched
from tests.evidence.forging import forge, roll_back

pytestmark = pytest.mark.anyio


async def vouchers(vouched: Vouched, **evidence: object) -> NewestEvidence:
    config = vouched.config(**evidence)
    async with closed_at_the_end(open_storage(config.storage)) as storage:
        archive_id = vouched.medium.read("_archive/format.json").decode().split('"')[-2]
        return await newest_evidence(storage, archive_id, config.evidence)


async def test_signature_stamp_and_witness_of_the_newest_segment_count(vouched: Vouched) -> None:
    found = await vouchers(vouched)
    newest = len(vouched.segments())
    assert found.is_configured
    assert found.signature is not None
    assert (found.signature.segment, found.signature.problem) == (newest, "")
    assert found.signature.is_own
    assert found.stamp is not None
    assert (found.stamp.segment, found.stamp.problem, found.stamp.is_checked) == (newest, "", True)
    assert [(one.segment, one.problem) for one in found.witnesses] == [(newest, "")]


async def test_without_the_key_of_this_machine_only_the_archives_own_is_known(
    vouched: Vouched,
) -> None:
    found = await vouchers(vouched, sign=None)
    assert found.signature is not None
    assert (found.signature.is_own, found.signature.problem) == (False, "")


async def test_a_signature_by_another_key_than_that_of_this_machine_is_named(
    vouched: Vouched,
) -> None:
    make_key(vouched.folder / "other.pem", None)
    found = await vouchers(vouched, sign=str(vouched.folder / "other.pem"))
    assert found.signature is not None
    assert found.signature.problem == "foreign-key"


async def test_a_rewritten_ledger_lacks_what_was_signed_stamped_and_witnessed(
    vouched: Vouched,
) -> None:
    forge(vouched)
    found = await vouchers(vouched)
    assert found.signature is not None
    assert found.stamp is not None
    problems = {found.signature.problem, found.stamp.problem, found.witnesses[0].problem}
    assert problems == {"no-such-segment"}


async def test_a_rollback_is_seen_by_the_witness(vouched: Vouched) -> None:
    roll_back(vouched)
    found = await vouchers(vouched)
    assert found.signature is not None
    assert found.signature.problem == ""
    assert found.witnesses[0].problem == "no-such-segment"


async def test_what_cannot_be_reached_or_read_is_said_and_fails_nothing(vouched: Vouched) -> None:
    for key in vouched.medium.listing():
        if key.startswith("_archive/evidence/"):
            vouched.medium.write(key, b"nonsense\n")
    found = await vouchers(vouched, witnesses=[{"url": str(vouched.folder / "nowhere")}])
    assert found.signature is not None
    assert found.stamp is not None
    assert (found.signature.problem, found.stamp.problem) == ("invalid", "invalid")
    assert found.witnesses[0].problem == "unreachable"


async def test_an_archive_that_nobody_vouches_for_says_nothing(vouched: Vouched) -> None:
    for key in vouched.medium.listing():
        if key.startswith("_archive/evidence/"):
            vouched.medium.remove(key)
    config: dict[str, object] = {"sign": None, "timestamp_url": None, "witnesses": []}
    assert await vouchers(vouched, **config) == NewestEvidence(EvidenceConfig().is_configured)
