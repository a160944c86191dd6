"""What an insider does who can write to the whole archive, and knows its format well."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from archiver.ledger.claims import claim_key, claim_of
from archiver.ledger.segments import Head, head_of
from tests.evidence.conftest import Vouched
from tests.verify.media import Folder


def forge(vouched: Vouched) -> None:
    """Rewrite every sidecar, report and segment, so that all digests and links hold again."""
    medium = vouched.medium
    changed = dict(_rewritten(medium, key) for key in medium.listing() if _is_of_people(key))
    previous: str | None = None
    for key in vouched.segments():
        header, *events = map(json.loads, medium.read(key).splitlines())
        lines = [header | {"previous": previous}, *(_changed(one, changed) for one in events)]
        data = b"".join(json.dumps(one, separators=(",", ":")).encode() + b"\n" for one in lines)
        previous = hashlib.sha256(data).hexdigest()
        head = _head(key)
        medium.remove(key)
        medium.write(key.replace(str(head.digest), previous), data)
        claim = claim_of(Head(head.number, previous)).source
        assert isinstance(claim, bytes)
        medium.write(claim_key(head.number), claim)


def drop(vouched: Vouched, *keys: str) -> None:
    """Remove segments of the ledger with their claims."""
    for key in keys:
        vouched.medium.remove(key)
        (vouched.root / claim_key(_head(key).number)).unlink(missing_ok=True)


def remove_evidence(vouched: Vouched, *, keep: Path | None = None) -> None:
    """Remove signatures and stamps, but those that the archive `keep` has as well."""
    kept = set(Folder(keep).listing()) if keep is not None else set()
    for key in vouched.medium.listing():
        if key.startswith("_archive/evidence/") and key not in kept:
            vouched.medium.remove(key)


def roll_back(vouched: Vouched) -> None:
    """Put the archive of the night before in its place, with the catalog of that night."""
    for name in ("archive", "state"):
        shutil.rmtree(vouched.folder / name)
        shutil.copytree(vouched.folder / f"{name}-1", vouched.folder / name)


def _is_of_people(key: str) -> bool:
    return key.endswith(".json") and (not key.startswith("_archive/") or "/runs/" in key)


def _rewritten(medium: Folder, key: str) -> tuple[str, tuple[str, int]]:
    old = medium.read(key)
    new = json.dumps(json.loads(old) | {"userName": "Nobody"}).encode()
    medium.write(key, new)
    return hashlib.sha256(old).hexdigest(), (hashlib.sha256(new).hexdigest(), len(new))


def _changed(event: dict[str, Any], changed: dict[str, tuple[str, int]]) -> dict[str, Any]:
    new = dict(event)
    for name, value in event.items():
        if isinstance(value, str) and value in changed:
            new[name] = changed[value][0]
            if name == "sidecarSha256":
                new["sidecarBytes"] = changed[value][1]
    return new


def _head(key: str) -> Head:
    head = head_of(key)
    assert head is not None
    return head
