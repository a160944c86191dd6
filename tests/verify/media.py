"""Where a small archive lies, open to a foreign hand: a folder, or a stretch of a bucket."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.storage.s3_servers import RawBucket


class Medium(Protocol):
    """Objects by key, changed behind the archiver's back."""

    def listing(self) -> list[str]: ...
    def read(self, key: str) -> bytes: ...
    def write(self, key: str, data: bytes) -> None: ...
    def remove(self, key: str) -> None: ...


@dataclass(frozen=True)
class Folder:
    root: Path

    def listing(self) -> list[str]:
        found = (path for path in self.root.rglob("*") if path.is_file())
        return sorted(path.relative_to(self.root).as_posix() for path in found)

    def read(self, key: str) -> bytes:
        return (self.root / key).read_bytes()

    def write(self, key: str, data: bytes) -> None:
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)  # it may be read-only, which stops no foreign hand
        path.write_bytes(data)

    def remove(self, key: str) -> None:
        (self.root / key).unlink()


@dataclass(frozen=True)
class Bucket:
    raw: RawBucket

    def listing(self) -> list[str]:
        answer = self.raw.client.list_objects_v2(Bucket=self.raw.name, Prefix=f"{self.raw.prefix}/")
        return sorted(
            one["Key"].removeprefix(f"{self.raw.prefix}/") for one in answer.get("Contents", [])
        )

    def read(self, key: str) -> bytes:
        data = self.raw.read(key)
        assert data is not None
        return data

    def write(self, key: str, data: bytes) -> None:
        self.raw.write(key, data)

    def remove(self, key: str) -> None:
        self.raw.client.delete_object(Bucket=self.raw.name, Key=f"{self.raw.prefix}/{key}")
