"""A zip holds what is put into it, however much and however many, and other programs read it."""

import shutil
import subprocess
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from archiver.export import sinks
from archiver.export.sinks import ZipSink

AT = datetime(2026, 11, 2, 9, 14, 5, tzinfo=UTC)
FOUR_GIB = 2**32
HOLE = bytes(2**24)


class SparseOutlet(sinks._Outlet):
    """The file behind a zip, on a disk that has no room for four gibibytes of zeros."""

    def write(self, data: bytes) -> int:  # type: ignore[override]
        if data is not HOLE:
            return super().write(data)
        self.seek(len(data), 1)
        return len(data)


def put(sink: ZipSink, path: str, *chunks: bytes) -> None:
    with sink.create(path, sum(map(len, chunks)), AT) as file:
        for chunk in chunks:
            file.write(chunk)


def check(path: Path) -> None:
    """Python reads all of it, and so does Info-ZIP, which Linux and macOS have on board."""
    with zipfile.ZipFile(path) as package:
        assert package.testzip() is None
    if shutil.which("unzip") is None:
        pytest.skip("there is no unzip here: apt-get install unzip")
    done = subprocess.run(["unzip", "-tqq", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_small_zip_needs_no_zip64(tmp_path: Path) -> None:
    sink = ZipSink(tmp_path / "a.zip", "lead")
    put(sink, "data/audio/1.mp3", b"audio")
    sink.finish()
    assert b"PK\x06\x06" not in (tmp_path / "a.zip").read_bytes()
    check(tmp_path / "a.zip")


@pytest.mark.nightly
def test_a_recording_and_a_zip_beyond_four_gib_come_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sinks, "_Outlet", SparseOutlet)
    path = tmp_path / "large.zip"
    sink = ZipSink(path, "lead")
    put(sink, "data/audio/1.wav", b"first", *[HOLE] * (FOUR_GIB // len(HOLE)), b"last")
    put(sink, "data/audio/2.mp3", b"behind four gibibytes")
    sink.finish()
    with zipfile.ZipFile(path) as package:
        large = package.getinfo("lead/data/audio/1.wav")
        assert large.file_size == FOUR_GIB + len(b"firstlast")
        assert package.getinfo("lead/data/audio/2.mp3").header_offset > FOUR_GIB
        assert package.read("lead/data/audio/2.mp3") == b"behind four gibibytes"
    check(path)


@pytest.mark.nightly
def test_more_files_than_an_old_zip_can_count_come_through(tmp_path: Path) -> None:
    path = tmp_path / "many.zip"
    sink = ZipSink(path, "lead")
    for number in range(2**16 + 1):
        put(sink, f"data/sidecars/{number}.mp3", b"%d" % number)
    sink.finish()
    with zipfile.ZipFile(path) as package:
        assert len(package.namelist()) == 2**16 + 1
        assert package.read(f"lead/data/sidecars/{2**16}.mp3") == b"65536"
    check(path)
