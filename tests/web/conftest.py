"""The desk that most tests of this folder visit, and S3 servers for the others."""

from collections.abc import Iterator

import pytest

from archiver.sandbox.world import World
from tests.storage.conftest import aws_environment, moto, shared_clients
from tests.web.desks import Served, archived, calls, damage, enrol, served, until_listed
from tests.web.sounds import DAMAGED, FORMULA, RECORDINGS, strange_calls

__all__ = ["aws_environment", "moto", "shared_clients"]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The sample calls and the strange ones; one summary is a formula, one file is damaged."""
    world = calls()
    assert isinstance(world, World)
    strange_calls(world).change_recording(900103, summary=FORMULA)
    made = archived(tmp_path_factory.mktemp("desk"), world)
    damage(made, DAMAGED)
    enrol(made)
    with served(made) as desk:
        with desk.visitor("ada") as ada:
            until_listed(ada, RECORDINGS)
        yield desk
