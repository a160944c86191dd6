"""How fast the same work is done, side by side: `python -m benchmarks.speed [--to s3]`.

nginx serves recordings and API answers on loopback. Every contestant does each size `--rounds`
times, in an order that rotates from round to round, into a new folder; a round whose result is not
complete ends the benchmark. Between rounds what was written is emptied and the disk synced, outside
of the measurement; it is removed at the end, since ext4 without a journal makes files slowly for
minutes after many were removed. The table tells medians, with the least and the greatest wall time.

With `--to s3` all store into SeaweedFS on loopback, under a separate prefix in each round.

The processor time of nginx and SeaweedFS is left out, for all.
"""

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from benchmarks.contestants import TO_A_FOLDER, TO_S3, Contestant, Work, environment
from benchmarks.machine import describe_machine
from benchmarks.proof import Incomplete
from benchmarks.s3server import missing_s3_server, s3_server
from benchmarks.source import Size, write_source
from benchmarks.webserver import free_port, missing_server, web_server

SIZES = {
    "folder": (Size(2000, 256 * 2**10), Size(10_000, 16 * 2**10), Size(24, 64 * 2**20)),
    "s3": (Size(2000, 64 * 2**10), Size(600, 64 * 2**10)),
}
CONTESTANTS = {"folder": TO_A_FOLDER, "s3": TO_S3}
_LAUNCH = Path(__file__).with_name("launch.py")


@dataclass(frozen=True, slots=True)
class Round:
    """What one round cost."""

    wall: float
    cpu: float
    peak_mib: float


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; 0 when every round of every contestant was complete."""
    arguments = _parser().parse_args(argv)
    to_s3 = arguments.to == "s3"
    if absent := missing_server() or (missing_s3_server() if to_s3 else None):
        print(absent, file=sys.stderr)
        return 2
    contestants = CONTESTANTS[arguments.to]
    entered = [one for one in contestants if one.missing is None]
    for one in contestants:
        if one.missing:
            print(f"left out: {one.name}, since {one.missing} is not installed")
    measured: dict[str, dict[str, list[Round]]] = {}
    for size in arguments.sizes or SIZES[arguments.to]:
        try:
            measured[str(size)] = _compete(
                entered, size, arguments.rounds, arguments.folder, to_s3=to_s3
            )
        except Incomplete as error:
            print(f"{size}: {error}", file=sys.stderr)
            return 1
        print(_table(size, measured[str(size)]), flush=True)
    for contestant in entered:
        print(f"{contestant.name:14} {contestant.does}")
    if arguments.json:
        arguments.json.write_text(json.dumps(_as_json(contestants, measured), indent=2) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("--to", choices=CONTESTANTS, default="folder")
    parser.add_argument("--sizes", type=Size.parse, nargs="+", metavar="NxSIZE")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every round as JSON")
    parser.add_argument("--folder", type=Path, help="where to work (default: the temporary folder)")
    return parser


def _compete(
    contestants: Sequence[Contestant],
    size: Size,
    rounds: int,
    folder: Path | None,
    *,
    to_s3: bool,
) -> dict[str, list[Round]]:
    done: dict[str, list[Round]] = {one.name: [] for one in contestants}
    with tempfile.TemporaryDirectory(prefix="archiver-bench-", dir=folder) as name:
        place = Path(name)
        # An nginx that root starts serves as root; any other user reads its own files.
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        source = write_source(place / "www", size, url)
        with (
            web_server(place, source.root, port),
            s3_server(place / "s3") if to_s3 else nullcontext() as bucket,
        ):
            for number in range(rounds):
                turn = number % len(contestants)
                for one in (*contestants[turn:], *contestants[:turn]):
                    work = Work(source, url, place / f"round-{secrets.token_hex(8)}", bucket)
                    done[one.name].append(_round(one, work))
    return done


def _round(contestant: Contestant, work: Work) -> Round:
    folder = work.folder
    folder.mkdir()
    os.sync()
    try:
        cost = _launch(contestant.command(work), work)
        if cost["exit"] != 0:
            raise Incomplete(f"{contestant.name} ended with {cost['exit']:.0f}{_said(folder)}")
        try:
            contestant.check(work)
        except (Incomplete, OSError, ValueError, KeyError) as error:
            raise Incomplete(f"{contestant.name}: {error}") from error
    finally:
        _empty(folder)
    return Round(cost["wall"], cost["cpu"], cost["peakMiB"])


def _empty(folder: Path) -> None:
    """Give the space back and keep the names."""
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            path.chmod(0o600)
            os.truncate(path, 0)


def _launch(command: Sequence[str], work: Work) -> dict[str, float]:
    result = work.folder.parent / "cost.json"
    launcher = [sys.executable, "-I", "-S", str(_LAUNCH), str(result), *command]
    subprocess.run(launcher, env=environment(work), check=True)
    cost: dict[str, float] = json.loads(result.read_text())
    return cost


def _said(folder: Path) -> str:
    log = folder / "report.json.log"
    return f": {log.read_text()[-1000:]}" if log.exists() else ""


def _table(size: Size, done: dict[str, list[Round]]) -> str:
    ours = median(one.wall for one in done["archiver"])
    lines = [
        f"\n{size}",
        f"{'':14}{'wall s':>8}{'min':>8}{'max':>8}{'CPU s':>8}{'peak MiB':>10}{'wall / ours':>13}",
    ]
    for name, rounds in done.items():
        walls = [one.wall for one in rounds]
        cpu = median(one.cpu for one in rounds)
        peak = max(one.peak_mib for one in rounds)
        lines.append(
            f"{name:14}{median(walls):8.2f}{min(walls):8.2f}{max(walls):8.2f}{cpu:8.2f}"
            f"{peak:10.0f}{median(walls) / ours:12.2f}x"
        )
    return "\n".join(lines)


def _as_json(
    contestants: Sequence[Contestant], measured: dict[str, dict[str, list[Round]]]
) -> dict[str, object]:
    return {
        "machine": describe_machine(),
        "contestants": {one.name: one.does for one in contestants},
        "leftOut": {one.name: one.missing for one in contestants if one.missing},
        "rounds": {
            size: {name: [asdict(one) for one in rounds] for name, rounds in done.items()}
            for size, done in measured.items()
        },
    }


if __name__ == "__main__":
    sys.exit(main())
