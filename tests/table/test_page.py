"""docs/table.md says what each column means, in the words of the program."""

from pathlib import Path

from archiver.table.columns import COLUMNS

PAGE = Path(__file__).parent.parent.parent / "docs/table.md"


def test_the_page_has_every_column_with_its_type_and_meaning() -> None:
    lines = PAGE.read_text("utf-8").splitlines()
    for column in COLUMNS:
        assert f"| `{column.name}` | {column.kind} | {column.meaning} |" in lines
    assert sum(line.startswith("| `") for line in lines) == len(COLUMNS)
