"""An export says who packed it and when, and its recipient checks that with openssl alone."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archiver.evidence.keys import make_key, public_file
from archiver.run.events import Note
from tests.evidence.authority import Authority, serving
from tests.export.packages import LEAD, Package, exported, one_lead
from tests.project.test_documents import TOP
from tests.support.world import bench

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl"),
]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    authority = Authority(tmp_path_factory.mktemp("authority"))
    authority.make()
    with serving(authority):
        yield authority


async def packed(folder: Path, evidence: dict[str, Any]) -> tuple[Package, list[str]]:
    """An export of an archive with these settings, and what was said meanwhile."""
    said: list[str] = []

    def hear(event: object) -> None:
        if isinstance(event, Note):
            said.append(event.text)

    async with bench(folder, one_lead()) as night:
        night.clock.advance(days=2)
        await night.run()
        target = folder / "lead"
        settings = {"evidence": evidence}
        report = await exported(
            night, target, leads=(LEAD,), offline=True, settings=settings, on_event=hear
        )
        assert report.exit_code == 0
    return Package(target), said


def by_openssl(package: Package, key: Path, roots: Path) -> str:
    """What the commands of docs/export.md say."""
    section = (TOP / "docs/export.md").read_text("utf-8").partition("### evidence/")[2]
    block = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    assert block is not None
    done = subprocess.run(
        ["bash", "-c", block[1]],
        cwd=package.root,
        env=os.environ | {"KEY": str(key), "ROOTS": str(roots)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def tampered(package: Package, path: str, old: bytes, new: bytes) -> None:
    file = package.root / path
    data = file.read_bytes()
    assert old in data
    file.write_bytes(data.replace(old, new))


async def test_a_recipient_checks_signature_and_time_stamp_with_openssl(
    tmp_path: Path, authority: Authority
) -> None:
    key = tmp_path / "key.pem"
    public = make_key(key, None)
    evidence = {"sign": str(key), "timestamp_url": authority.url}
    evidence["timestamp_roots"] = str(authority.roots)
    package, _ = await packed(tmp_path, evidence)
    package.validate()
    told = package.custody["signature"]
    assert told["keyId"] == public.key_id
    assert told["stampedAt"]
    statement = json.loads((package.root / told["statement"]).read_bytes().splitlines()[0])
    assert statement["export"] == package.custody["exportId"]
    assert statement["manifest"] == package.custody["manifest"]["sha256"]
    assert statement["head"] == package.custody["recordedIn"]["sha256"]
    assert public.key_id in (package.root / "custody.html").read_text("utf-8")
    checks = (package, public_file(key), authority.roots)
    assert by_openssl(*checks) == ""
    tampered(package, "manifest-sha256.txt", b"  data/calls.csv", b"  data/calls.tsv")
    assert "another manifest" in by_openssl(*checks)
    tampered(package, "evidence/manifest.signed", b'"at":"20', b'"at":"19')
    said = by_openssl(*checks)
    assert "bad signature" in said
    assert "bad time stamp" in said


async def test_another_key_is_found(tmp_path: Path, authority: Authority) -> None:
    key, other = tmp_path / "key.pem", tmp_path / "other.pem"
    make_key(key, None)
    make_key(other, None)
    package, _ = await packed(tmp_path, {"sign": str(key)})
    assert package.custody["signature"]["stampedAt"] is None
    assert not (package.root / "evidence/manifest.tsr").exists()
    assert "bad signature" in by_openssl(package, public_file(other), Path())


async def test_what_cannot_be_signed_or_stamped_is_a_warning_and_no_failure(
    tmp_path: Path,
) -> None:
    evidence = {"sign": str(tmp_path / "lost.pem"), "timestamp_url": "http://127.0.0.1:9/"}
    package, said = await packed(tmp_path, evidence)
    package.validate()
    assert package.custody["signature"] is None
    assert not (package.root / "evidence").exists()
    unsigned, unstamped = [one for one in said if one.startswith("warning: ")]
    assert unsigned.startswith("warning: the export is not signed, and the head is not signed: ")
    assert "the export is not time-stamped, and the head is not time-stamped: " in unstamped
    assert unstamped.endswith("check evidence.timestamp_url; the next stamp covers this head, too")


async def test_an_archive_without_key_and_authority_packs_as_before(tmp_path: Path) -> None:
    package, _ = await packed(tmp_path, {})
    assert package.custody["signature"] is None
    assert not (package.root / "evidence").exists()
