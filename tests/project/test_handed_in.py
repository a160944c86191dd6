"""What a test needs otherwise is handed in: nothing is changed behind the back of the code."""

import ast
from pathlib import Path

TESTS = Path(__file__).parent.parent
LABORATORY = TESTS / "crash" / "medium.py"
"""Stands in for a disk that fails or loses its power, which is no pace of anything."""
WATCH = TESTS / "support" / "blocking.py"
"""Notes who syncs on the event loop, and changes nothing of it."""


def strings(tree: ast.AST) -> set[str]:
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def attributes(tree: ast.AST) -> set[str]:
    return {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def test_no_test_changes_defaults_or_durability_behind_the_code() -> None:
    """A pace is handed in, and so is what makes files durable (`archiver.archive.pace`)."""
    found = []
    for path in sorted(TESTS.rglob("*.py")):
        if path in (Path(__file__), LABORATORY, WATCH):
            continue
        tree = ast.parse(path.read_text("utf-8"))
        found += [
            f"{path.relative_to(TESTS)}: {word}"
            for word in ("__kwdefaults__", "fsync")
            if any(word in one for one in strings(tree)) or word in attributes(tree)
        ]
    assert found == []
