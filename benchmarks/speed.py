"""How fast the same work is done, side by side: `python -m benchmarks.speed`.

nginx serves recordings and API answers on loopback. Every contestant does each size `--rounds`
times, in an order that rotates from round to round, into a new folder; a round whose result is not
complete ends the benchmark. Between rounds what was written is emptied and the disk synced, outside
of the measurement; it is removed at the end, since ext4 without a journal makes files slowly for
minutes after many were removed. The table tells medians, with the least and the greatest wall time.

The processor time of nginx is left out, for everybody.
"""

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from benchmarks.contestants import CONTESTANTS, Contestant, Work, environment
from benchmarks.machine import describe_machine
from benchmarks.proof import Incomplete
from benchmarks.source import Size, Source, write_source
from benchmarks.webserver import free_port, missing_server, web_server

SIZES = (Size(2000, 256 * 2**10), Size(10_000, 16 * 2**10), Size(24, 64 * 2**20))
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
    if absent := missing_server():
        print(absent, file=sys.stderr)
        return 2
    entered = [one for one in CONTESTANTS if one.missing is None]
    for one in CONTESTANTS:
        if one.missing:
            print(f"left out: {one.name}, since {one.missing} is not installed")
    measured: dict[str, dict[str, list[Round]]] = {}
    for size in arguments.sizes:
        try:
            measured[str(size)] = _compete(entered, size, arguments.rounds, arguments.folder)
        except Incomplete as error:
            print(f"{size}: {error}", file=sys.stderr)
            return 1
        print(_table(size, measured[str(size)]), flush=True)
    for contestant in entered:
        print(f"{contestant.name:14} {contestant.does}")
    if arguments.json:
        arguments.json.write_text(json.dumps(_as_json(measured), indent=2) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("--sizes", type=Size.parse, nargs="+", default=SIZES, metavar="NxSIZE")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every round as JSON")
    parser.add_argument("--folder", type=Path, help="where to work (default: the temporary folder)")
    return parser


def _compete(
    contestants: Sequence[Contestant], size: Size, rounds: int, folder: Path | None
) -> dict[str, list[Round]]:
    done: dict[str, list[Round]] = {one.name: [] for one in contestants}
    with tempfile.TemporaryDirectory(prefix="archiver-bench-", dir=folder) as name:
        place = Path(name)
        # An nginx that root starts serves as root; any other user reads its own files.
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        source = write_source(place / "www", size, url)
        with web_server(place, source.root, port):
            for number in range(rounds):
                turn = number % len(contestants)
                for one in (*contestants[turn:], *contestants[:turn]):
                    done[one.name].append(_round(one, source, url, place))
    return done


def _round(contestant: Contestant, source: Source, url: str, place: Path) -> Round:
    folder = place / "round"
    folder.mkdir()
    os.sync()
    try:
        cost = _launch(contestant.command(Work(source, url, folder)), folder, place / "cost.json")
        if cost["exit"] != 0:
            raise Incomplete(f"{contestant.name} ended with {cost['exit']:.0f}{_said(folder)}")
        try:
            contestant.check(source, folder)
        except (Incomplete, OSError, ValueError, KeyError) as error:
            raise Incomplete(f"{contestant.name}: {error}") from error
    finally:
        _empty(folder)
        folder.rename(place / f"done-{secrets.token_hex(8)}")
    return Round(cost["wall"], cost["cpu"], cost["peakMiB"])


def _empty(folder: Path) -> None:
    """Give the space back and keep the names."""
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            path.chmod(0o600)
            os.truncate(path, 0)


def _launch(command: Sequence[str], folder: Path, result: Path) -> dict[str, float]:
    launcher = [sys.executable, "-I", "-S", str(_LAUNCH), str(result), *command]
    subprocess.run(launcher, env=environment(folder), check=True)
    cost: dict[str, float] = json.loads(result.read_text())
    return cost


def _said(folder: Path) -> str:
    log = folder / "report.json.log"
    return f": {log.read_text()[-1000:]}" if log.exists() else ""


def _table(size: Size, done: dict[str, list[Round]]) -> str:
    ours = median(one.wall for one in done[CONTESTANTS[0].name])
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


def _as_json(measured: dict[str, dict[str, list[Round]]]) -> dict[str, object]:
    return {
        "machine": describe_machine(),
        "contestants": {one.name: one.does for one in CONTESTANTS},
        "leftOut": {one.name: one.missing for one in CONTESTANTS if one.missing},
        "rounds": {
            size: {name: [asdict(one) for one in rounds] for name, rounds in done.items()}
            for size, done in measured.items()
        },
    }


if __name__ == "__main__":
    sys.exit(main())
