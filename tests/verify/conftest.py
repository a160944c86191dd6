"""The small archive, made once."""

from pathlib import Path

import anyio
import pytest

from tests.storage.conftest import aws_environment, moto, shared_clients
from tests.verify.archives import Case, make

__all__ = ["aws_environment", "moto", "shared_clients"]


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """An archive that nobody touches: copy it."""
    return anyio.run(make, tmp_path_factory.mktemp("pristine"))


@pytest.fixture
def case(pristine: Case, tmp_path: Path) -> Case:
    """A copy to tamper with."""
    return pristine.copy(tmp_path / "case")
