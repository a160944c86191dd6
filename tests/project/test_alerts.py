"""Alert rules and dashboard ask for metrics that there are."""

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from archiver.catalog.readonly import Vitals
from archiver.monitoring.history import Memory
from archiver.monitoring.metrics import exposition
from archiver.monitoring.replications import Replicated
from archiver.monitoring.verifications import Verification, Verifications

FOLDER = Path(__file__).parent.parent.parent / "docker" / "monitoring"
RULES: list[dict[str, Any]] = yaml.safe_load((FOLDER / "alerts.yaml").read_text("utf-8"))["groups"][
    0
]["rules"]
PANELS: list[dict[str, Any]] = json.loads((FOLDER / "grafana.json").read_text("utf-8"))["panels"]


def exposed() -> set[str]:
    """The names of all metrics of a machine that has run before."""
    now = datetime(2026, 11, 3, tzinfo=UTC)
    memory = Memory(
        started_at=now,
        ended_at=now,
        succeeded_at=now,
        completed_at=now,
        exit_code=0,
        runs={"0": 1},
        replication=Replicated(now, current_at=now),
    )
    verified = Verification(now, now, "all", 0)
    memory.verifications = memory.replica_verifications = Verifications(verified, {"all": now})
    states = {"archived": 1}
    vitals = Vitals(states, states, 1, now, 0, 1)
    text = exposition(memory, vitals, now).decode()
    return {re.split(r"[{ ]", line)[0] for line in text.splitlines() if not line.startswith("#")}


def named(expressions: list[str]) -> set[str]:
    return {name for one in expressions for name in re.findall(r"archiver_[a-z_]+", one)}


def test_every_alert_asks_for_metrics_that_there_are() -> None:
    assert named([rule["expr"] for rule in RULES]) - exposed() == set()


def test_every_panel_asks_for_metrics_that_there_are() -> None:
    expressions = [target["expr"] for panel in PANELS for target in panel["targets"]]
    assert named(expressions) - exposed() == set()
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)


def test_promtool_takes_the_rules() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("there is no promtool here: apt-get install prometheus")
    done = subprocess.run(
        [promtool, "check", "rules", FOLDER / "alerts.yaml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"{len(RULES)} rules found" in done.stdout
