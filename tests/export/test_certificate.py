"""The certificate of a package: what was collected how, what vouches for it, and lines to sign."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pypdf
import pytest

from archiver.evidence.keys import make_key
from archiver.export.masking import Mask
from archiver.retention.acts import Why
from tests.evidence.authority import Authority
from tests.export.packages import LEAD, Package, exported, one_lead
from tests.support.world import Night, bench

pytestmark = pytest.mark.anyio

WHY = Why(reason="Discovery request 7", case="C-17 <b>", recipient="Smith & Partners LLP")


async def packed(night: Night, target: Path, **more: Any) -> Package:
    await night.run()
    night.clock.advance(days=2)
    await exported(night, target, leads=(LEAD,), offline=True, **more)
    package = Package(target)
    package.validate()
    package.check()
    return package


async def test_it_names_case_purpose_and_recipient_and_the_digests_to_compare(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, one_lead()) as night:
        package = await packed(night, tmp_path / "lead", why=WHY)
        page = package.files["certificate.html"].decode()
        for said in ("C-17 &lt;b&gt;", "Discovery request 7", "Smith &amp; Partners LLP"):
            assert said in page
        custody = package.custody
        for digest in (custody["manifest"]["sha256"], custody["recordedIn"]["sha256"]):
            assert digest in page
        for said in ("902(13)", "902(14)", "Article 15", "perjury"):
            assert said in page
        assert (custody["case"], custody["recipient"]) == (WHY.case, WHY.recipient)
        assert "no signature" in page


async def test_a_russian_certificate_is_russian_but_for_the_american_court(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead()) as night:
        masked = frozenset({Mask.NAMES})
        package = await packed(night, tmp_path / "lead", language="ru", masked=masked)
        page = package.files["certificate.html"].decode()
        assert "Ответ на запрос о доступе" in page
        assert "I declare under penalty of perjury" in page
        assert "имена операторов" in page
        assert '<span class="line">' in page


async def test_the_pdf_says_what_the_page_says(tmp_path: Path) -> None:
    async with bench(tmp_path, one_lead()) as night:
        package = await packed(
            night, tmp_path / "lead", why=WHY, certificate_pdf=True, language="ru"
        )
        reader = pypdf.PdfReader(tmp_path / "lead/certificate.pdf")
        text = " ".join(" ".join(page.extract_text() for page in reader.pages).split())
        for said in ("C-17 <b>", "Discovery request 7", "902(14)", "perjury", "Права и свободы"):
            assert said in text
        squeezed = text.replace(" ", "")
        assert package.custody["manifest"]["sha256"] in squeezed


async def test_signature_and_time_stamp_are_in_the_package_and_openssl_accepts_them(
    tmp_path: Path, authority: Authority
) -> None:
    make_key(tmp_path / "key.pem", passphrase=None)
    settings = {
        "evidence": {
            "sign": str(tmp_path / "key.pem"),
            "timestamp_url": authority.url,
            "timestamp_roots": str(authority.roots),
        }
    }
    async with bench(tmp_path, one_lead()) as night:
        package = await packed(night, tmp_path / "lead", settings=settings)
        page = package.files["certificate.html"].decode()
        assert f"segment {package.custody['recordedIn']['segment']} " in page
        (tmp_path / "lead/roots.pem").write_bytes(authority.roots.read_bytes())
        commands = re.findall(r"<pre>(.*?)</pre>", page, re.DOTALL)
        assert len(commands) == 2
        for one in commands:
            done = subprocess.run(
                ["bash", "-ec", one], cwd=package.root, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
