"""What a run loads before its first request."""

import subprocess
import sys
from typing import Final

_ONLY_FOR_SOME: Final = (
    "archiver.crew.cluster",
    "archiver.crew.cluster_connection",
    "archiver.crew.pipes",
    "archiver.evidence.attest",
    "archiver.inspection.inspect",
    "archiver.retention.legal_holds",
    "boto3",
    "statistics",
)


def test_a_run_in_one_process_loads_nothing_that_only_other_runs_need() -> None:
    code = (
        "import sys, archiver.cli.running, archiver.monitoring.notify\n"
        f"print(sorted({{*{_ONLY_FOR_SOME!r}}} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
