"""`doctor` tries what creates evidence: key, authority and witness; what is wrong is a warning."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archiver.config.loading import load_config
from archiver.doctor import Check, Surroundings, Verdict
from archiver.doctor.evidence import try_evidence
from archiver.evidence.keys import make_key
from tests.evidence.authority import Authority, serving

pytestmark = pytest.mark.anyio


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Authority]:
    made = Authority(tmp_path / "authority")
    made.make()
    with serving(made):
        yield made


async def checks(folder: Path, **evidence: Any) -> dict[str, Check]:
    document = {"liner": {"url": "https://liner.example.com"}, "evidence": evidence}
    config = load_config(json.dumps(document), {"LINER_API_KEY": "k"}, base=folder)
    around = Surroundings(state_folder=lambda _: folder / "state")
    return {one.name: one for one in await try_evidence(config, around)}


async def test_what_works_is_ok_and_a_witness_has_nothing_new(
    tmp_path: Path, authority: Authority
) -> None:
    make_key(tmp_path / "key.pem", None)
    (tmp_path / "witness").mkdir()
    found = await checks(
        tmp_path,
        sign="key.pem",
        timestamp_url=authority.url,
        timestamp_roots=str(authority.roots),
        witnesses=[{"url": "witness"}],
    )
    assert {one.verdict for one in found.values()} == {Verdict.OK}, found
    assert found.keys() == {"signing key", "time stamps", "witness"}
    assert "its certificates are valid" in found["time stamps"].finding
    assert [*(tmp_path / "witness").iterdir()] == []


async def test_what_does_not_work_is_a_warning_with_a_next_step(
    tmp_path: Path, authority: Authority
) -> None:
    other = Authority(tmp_path / "other")
    other.make()
    found = await checks(
        tmp_path,
        sign="lost.pem",
        timestamp_url=authority.url,
        timestamp_roots=str(other.roots),
        witnesses=[{"url": "not-there"}],
    )
    assert {one.verdict for one in found.values()} == {Verdict.WARNING}, found
    assert "does not exist" in found["signing key"].finding
    assert "evidence.timestamp_roots" in found["time stamps"].hint
    assert "the folder does not exist" in found["witness"].finding
    authority.answer = (200, "text/html", b"<html>")
    (said,) = (await checks(tmp_path, timestamp_url=authority.url)).values()
    assert "returned text/html, not a time stamp" in said.finding
