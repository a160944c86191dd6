"""Which credentials a client of S3 has; no server is needed for that."""

from pathlib import Path

import pytest

from archiver.config import S3Config
from archiver.storage.s3.client import connect, has_other_credentials
from archiver.storage.s3.signing import Keys

pytestmark = pytest.mark.usefixtures("aws_environment")


def credentials(folder: Path, *profiles: str) -> Path:
    file = folder / "credentials"
    file.write_text(
        "".join(
            f"[{one}]\naws_access_key_id = key-of-{one}\naws_secret_access_key = secret-of-{one}\n"
            for one in profiles
        )
    )
    return file


def test_a_client_has_the_credentials_of_its_profile_in_its_own_file(tmp_path: Path) -> None:
    file = credentials(tmp_path, "default", "witness")
    config = S3Config(region="us-east-1", credentials_file=file, profile="witness")
    service = connect(config, 1)
    assert service.keys() == Keys("key-of-witness", "secret-of-witness", None)
    assert not has_other_credentials(config, service.credentials)
    file.write_text(file.read_text().replace("key-of-witness", "rotated"))
    assert has_other_credentials(config, service.credentials)


def test_two_clients_of_one_process_have_different_files(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        file = credentials(tmp_path / name, name)
        found = connect(S3Config(region="us-east-1", credentials_file=file, profile=name), 1)
        assert found.keys() == Keys(f"key-of-{name}", f"secret-of-{name}", None)
