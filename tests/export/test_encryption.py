"""A package with a password or for recipients: other programs open it, and nobody else does."""

import errno
import os
import shutil
import subprocess
import threading
from pathlib import Path

import pyrage
import pytest
import pyzipper

from archiver.errors import StorageFull, UsageError
from archiver.export import encryption
from archiver.export.encryption import (
    AgeOutlet,
    Password,
    Recipients,
    checked_password,
    checked_recipients,
    folder_for_temporary_files,
)
from archiver.export.sinks import ZipSink
from tests.export.packages import LEAD, Package, exported, left_in, one_lead
from tests.support.world import bench

pytestmark = pytest.mark.anyio

PASSWORD = "correct horse battery"


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"there is no {name} here: apt-get install p7zip-full age")
    return found


def said_by(*command: object) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


async def test_a_zip_with_a_password_is_opened_by_7zip_with_it_and_not_without(
    tmp_path: Path,
) -> None:
    seven = tool("7z")
    async with bench(tmp_path, one_lead()) as night:
        await night.run()
        night.clock.advance(days=2)
        target = tmp_path / "lead.zip"
        lock = checked_password(PASSWORD)
        await exported(night, target, leads=(LEAD,), offline=True, lock=lock)
        assert "Everything is Ok" in said_by(seven, "t", f"-p{PASSWORD}", target)
        assert "Wrong password" in said_by(seven, "t", "-pwrong", target)
        listed = said_by(seven, "l", "-slt", target)
        files = listed.count("\nPath = ") - 1
        assert listed.count("AES-256") == listed.count("Encrypted = +") == files
        with pyzipper.AESZipFile(target) as package:
            package.setpassword(PASSWORD.encode())
            package.extractall(tmp_path / "other")
        package_ = Package(next((tmp_path / "other").iterdir()))
        package_.validate()
        package_.check()
        data = target.read_bytes()
        assert b"Delivery line" not in data
        assert left_in(tmp_path) == ["lead.zip"]


async def test_a_package_for_a_recipient_is_decrypted_by_age(tmp_path: Path) -> None:
    tool("age")
    made = subprocess.run([tool("age-keygen")], capture_output=True, text=True, check=True)
    (tmp_path / "state").mkdir(exist_ok=True)
    key = tmp_path / "state" / "key.txt"
    key.write_text(made.stdout)
    public = made.stdout.partition("public key: ")[2].split()[0]
    async with bench(tmp_path, one_lead()) as night:
        await night.run()
        night.clock.advance(days=2)
        target = tmp_path / "lead-789.zip.age"
        lock = checked_recipients([public])
        await exported(night, target, leads=(LEAD,), offline=True, lock=lock)
        assert target.read_bytes().startswith(b"age-encryption.org/v1\n")
        assert b"PK\x03\x04" not in target.read_bytes()
        assert left_in(tmp_path) == ["lead-789.zip.age"]
        clear = tmp_path / "clear.zip"
        subprocess.run(["age", "-d", "-i", key, "-o", clear, target], check=True)
        package = Package.unzipped(clear, tmp_path / "other")
        assert package.root.name == "lead-789"
        package.validate()
        package.check()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x", "12 characters or more"),
        ("elevenchars", "12 characters or more"),
        ("a" * 30, "repeats a few characters"),
        ("abababababababab", "repeats a few characters"),
        ("пароль из многих букв", "ASCII"),
        ("tab\tin a password", "ASCII"),
        ("long enough " * 10, "at most 99"),
    ],
)
def test_a_password_that_is_weak_or_not_the_same_everywhere_is_refused(
    text: str, said: str
) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        checked_password(text)
    assert text not in str(refused.value)


@pytest.mark.parametrize("key", ["", "age1", "bob", "ssh-ed25519 AAAA", "AGE-SECRET-KEY-1X"])
def test_what_is_no_public_key_is_refused(key: str) -> None:
    with pytest.raises(UsageError, match="--encrypt-to must be a public key"):
        checked_recipients([key])


def recipient() -> tuple[Recipients, object]:
    identity = pyrage.x25519.Identity.generate()
    return checked_recipients([str(identity.to_public())]), identity


def test_much_goes_through_and_comes_back(tmp_path: Path) -> None:
    lock, identity = recipient()
    outlet = AgeOutlet(tmp_path / "a", lock)
    data = os.urandom(3 * 2**20)
    assert outlet.write(memoryview(data)) == len(data)
    outlet.settle()
    assert pyrage.decrypt((tmp_path / "a").read_bytes(), [identity]) == data


def test_a_full_disk_is_told_at_the_next_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(encryption._Whole):
        def write(self, data: bytes) -> int:
            error = OSError(errno.ENOSPC, "No space left on device")
            self._note(error)
            raise error

    monkeypatch.setattr(encryption, "_Whole", Full)
    sink = ZipSink(tmp_path / "a.zip.age", "lead", recipient()[0])
    with pytest.raises(OSError, match="No space") as failed:
        for _ in range(100):
            with sink.create("data/a.mp3", 2**20, None) as file:
                file.write(os.urandom(2**20))
    assert failed.value.errno == errno.ENOSPC
    sink.abandon()
    assert not [one for one in threading.enumerate() if "_encrypt" in one.name]


async def test_a_disk_that_fills_up_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: AgeOutlet, data: bytes) -> int:
        if self.is_abandoned:
            return len(data)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(AgeOutlet, "write", full)
    async with bench(tmp_path, one_lead()) as night:
        await night.run()
        night.clock.advance(days=2)
        lock = recipient()[0]
        with pytest.raises(StorageFull):
            await exported(night, tmp_path / "a.zip.age", leads=(LEAD,), offline=True, lock=lock)
        assert left_in(tmp_path) == []


def test_temporary_files_of_an_encrypted_package_are_in_memory(tmp_path: Path) -> None:
    lock = checked_password(PASSWORD)
    assert isinstance(lock, Password)
    assert folder_for_temporary_files(None, tmp_path) == tmp_path
    if os.access("/dev/shm", os.W_OK):
        assert folder_for_temporary_files(lock, tmp_path) == Path("/dev/shm")
