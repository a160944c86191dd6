"""Whatever is changed in an archive is found: any byte, line or file, anywhere."""

import random
import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archiver.errors import UsageError
from tests.verify.archives import Case

Change = Callable[[Path, random.Random], bool]


def files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


def flip(root: Path, choice: random.Random) -> bool:
    path = choice.choice(files(root))
    data = bytearray(path.read_bytes())
    data[choice.randrange(len(data))] ^= 1 << choice.randrange(8)
    path.write_bytes(data)
    return True


def cut(root: Path, choice: random.Random) -> bool:
    path = choice.choice(files(root))
    data = path.read_bytes()
    path.write_bytes(data[: choice.randrange(len(data))])
    return True


def grow(root: Path, choice: random.Random) -> bool:
    path = choice.choice(files(root))
    data = path.read_bytes()
    at = choice.randrange(len(data) + 1)
    path.write_bytes(data[:at] + choice.randbytes(choice.randrange(1, 9)) + data[at:])
    return True


def drop(root: Path, choice: random.Random) -> bool:
    choice.choice(files(root)).unlink()
    return True


def add(root: Path, choice: random.Random) -> bool:
    beside = choice.choice(files(root))
    name = choice.choice([f"{choice.randrange(10**6)}.mp3", "note.txt", f"x{beside.name}"])
    folder = choice.choice([beside.parent, root, root / "_archive/tmp", root / "8/8"])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(choice.choice([b"", b"x", beside.read_bytes()]))
    return True


def swap(root: Path, choice: random.Random) -> bool:
    one, other = choice.sample(files(root), 2)
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    return first != second


def double(root: Path, choice: random.Random) -> bool:
    """A file takes the place of another."""
    one, other = choice.sample(files(root), 2)
    before = other.read_bytes()
    shutil.copyfile(one, other)
    return other.read_bytes() != before


def rename(root: Path, choice: random.Random) -> bool:
    path = choice.choice(files(root))
    path.rename(path.with_name(f"{choice.randrange(10**8):08d}{path.name[8:]}x"))
    return True


def line(root: Path, choice: random.Random) -> bool:
    """A line of a ledger segment or a sidecar is dropped, doubled, or changes place."""
    paths = [path for path in files(root) if path.suffix in (".json", ".jsonl")]
    path = choice.choice(paths)
    before = path.read_bytes()
    lines = before.split(b"\n")
    match choice.randrange(3):
        case 0:
            del lines[choice.randrange(len(lines))]
        case 1:
            lines.insert(choice.randrange(len(lines)), choice.choice(lines))
        case _:
            choice.shuffle(lines)
    path.write_bytes(b"\n".join(lines))
    return path.read_bytes() != before


def reorder(root: Path, choice: random.Random) -> bool:
    """Two segments of the ledger, or claims, change their numbers."""
    paths = files(root / "_archive/ledger")
    one, other = choice.sample(paths, 2)
    numbers = one.name[:8], other.name[:8]
    one.rename(one.with_name(f"{numbers[1]}{one.name[8:]}"))
    other.rename(other.with_name(f"{numbers[0]}{other.name[8:]}"))
    return numbers[0] != numbers[1]


def cut_tail(root: Path, choice: random.Random) -> bool:
    """The newest segments are removed."""
    paths = files(root / "_archive/ledger")
    for path in paths[-choice.randrange(1, len(paths) + 1) :]:
        path.unlink()
    return True


CHANGES: tuple[Change, ...] = (
    *(flip, cut, grow, drop, add, swap, double, rename, line, reorder, cut_tail),
)


async def is_found(case: Case, *, head: str | None) -> bool:
    try:
        return bool(await case.findings(head=head))
    except UsageError:  # refused: the archive says that it is of another format version
        return True


some_change = given(
    change=st.sampled_from(CHANGES),
    seed=st.integers(0, 2**32),
    is_catalog_lost=st.booleans(),
)
tried = partial(
    settings,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def check(pristine: Case, change: Change, seed: int, is_catalog_lost: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        case = pristine.copy(Path(folder) / "case")
        head = None
        if is_catalog_lost:
            # Without the catalog nothing but a kept head knows how long the ledger was.
            head = case.head
            case.forget_catalog()
        if change(case.root, random.Random(seed)):
            assert anyio.run(lambda: is_found(case, head=head))


@tried(max_examples=40)
@some_change
def test_any_change_of_any_byte_line_or_file_is_found(
    pristine: Case, change: Change, seed: int, is_catalog_lost: bool
) -> None:
    check(pristine, change, seed, is_catalog_lost)


@pytest.mark.nightly
@tried(max_examples=600)
@some_change
def test_hundreds_of_changes_of_any_byte_line_or_file_are_found(
    pristine: Case, change: Change, seed: int, is_catalog_lost: bool
) -> None:
    check(pristine, change, seed, is_catalog_lost)


def test_an_untouched_archive_has_no_finding(pristine: Case) -> None:
    verified = anyio.run(lambda: pristine.verify(head=pristine.head))
    assert verified.found.findings == []
    assert verified.found.is_whole
    assert verified.found.checked.listed == len(files(pristine.root))
    assert verified.found.head == pristine.head
