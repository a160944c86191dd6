"""The watch of the event loop sees a call that blocks in code of ours, and no other."""

from pathlib import Path

import anyio
import pytest

from archiver.monitoring.history import recall
from archiver.verify.inventory import Inventory
from tests.support import blocking
from tests.support.blocking import Watch

pytestmark = pytest.mark.anyio


@pytest.fixture
def ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """The coroutines of this module pass for code of ours."""
    monkeypatch.setattr(blocking, "ROOT", str(Path(__file__).parent))
    monkeypatch.setattr(blocking, "FOREIGN", ())


@pytest.mark.usefixtures("ours")
async def test_a_coroutine_that_reads_a_file_is_named(tmp_path: Path, watch: Watch) -> None:
    async def reads() -> None:
        (tmp_path / "file").exists()

    await reads()
    with pytest.raises(AssertionError, match=r"(?s)blocked by.*os\.stat in test_blocking\.py:"):
        watch.check()


@pytest.mark.usefixtures("ours")
async def test_what_is_done_in_a_thread_blocks_nothing(tmp_path: Path, watch: Watch) -> None:
    await anyio.to_thread.run_sync((tmp_path / "file").exists)
    watch.check()


async def test_what_a_test_calls_itself_does_not_matter(tmp_path: Path, watch: Watch) -> None:
    recall(tmp_path / "file")
    Inventory(tmp_path / "inventory.sqlite").close()
    watch.check()
