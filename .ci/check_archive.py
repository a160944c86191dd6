"""Proves that a demo left an archive behind: the samples, bit by bit, with sidecars and ledger."""

import json
import sys
from hashlib import sha256
from pathlib import Path

SAMPLES = Path(__file__).parent.parent / "archiver" / "sandbox" / "samples"


def check(archive: Path) -> str:
    """A sentence about what lies in the archive; raises AssertionError when it is not that."""
    sidecars = sorted(archive.glob("[0-9]*/[0-9]*/*.json"))
    for path in sidecars:
        sidecar = json.loads(path.read_bytes())
        audio = archive / sidecar["audio"]["key"]
        assert audio.parent == path.parent, f"{path} speaks of {audio}"
        assert audio.stat().st_size == sidecar["audio"]["bytes"], f"{audio} has another size"
        assert digest(audio) == sidecar["audio"]["sha256"], f"{audio} has another SHA-256"
    audios = set(archive.glob("[0-9]*/[0-9]*/*")) - set(sidecars)
    wanted = {digest(path) for path in SAMPLES.iterdir() if path.suffix != ".json"}
    assert {digest(path) for path in audios} == wanted, "the audio is not that of the samples"
    assert len(audios) == len(sidecars) == len(wanted), "files and sidecars do not match"

    evidence = archive / "_archive"
    assert (evidence / "format.json").is_file(), "format.json is missing"
    assert list((evidence / "ledger").iterdir()), "the ledger is empty"
    (report,) = (evidence / "runs").iterdir()
    assert json.loads(report.read_bytes())["complete"] is True, "the run was not complete"
    strays = [path for path in (evidence / "tmp").rglob("*") if path.is_file()]
    assert not strays, f"left behind: {strays}"
    return f"{len(audios)} recordings, each bit-exact beside its sidecar; the run was complete"


def digest(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    return sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    print(check(Path(sys.argv[1])))
