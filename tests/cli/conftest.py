"""An archive of the sample calls, for commands that change it: a fresh copy for each test."""

import json
import shutil
import time
from pathlib import Path

import pytest

from archiver.sandbox.server import Sandbox, sandbox_thread
from tests.cli.commands import ALONE, archiver

KEY = "canary-key-55e1"


@pytest.fixture(scope="session")
def archive_of_samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    with sandbox_thread(Sandbox(key=KEY)) as serving:
        document = {
            "liner": {"url": serving.url, "requests_per_second": 500},
            "retention": {"keep": "1ms"},
            **ALONE,
            "inspect": {"after_run": False, "workers": 1},
        }
        (folder / "archive.yaml").write_text(json.dumps(document))
        ended = archiver(
            "run", "--since", "2026-10-01", folder=folder, environ={"LINER_API_KEY": KEY}
        )
        assert ended.code == 0, ended
    time.sleep(1.1)  # the shortest retention that can be seen is a second, by the true clock
    return folder


@pytest.fixture
def archived(archive_of_samples: Path, tmp_path: Path) -> Path:
    """The folder of a command: archive.yaml, archive and catalog; the API is gone."""
    folder = tmp_path / "own"
    shutil.copytree(archive_of_samples, folder)
    return folder
