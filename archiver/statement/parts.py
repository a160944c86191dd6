"""What a statement is made of once it is in words: a page and a PDF set the same parts (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A sentence or more. `tone` is `good`, `warn`, `bad`, `soft`, or empty."""

    text: str
    tone: str = ""
    kind: str = "paragraph"


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of a list; `code` is set in a fixed width below it, such as a digest."""

    label: str
    text: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """A list of labels and what they have."""

    rows: Sequence[Fact]
    kind: str = "facts"


@dataclass(frozen=True, slots=True)
class Column:
    """The head of a column; numbers stand at its right."""

    title: str
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under their heads, and a note below them."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    note: str = ""
    kind: str = "table"


@dataclass(frozen=True, slots=True)
class Cell:
    """A day: its number, its state, what is printed in it, and all of it in words."""

    day: str
    state: str
    text: str
    says: str


@dataclass(frozen=True, slots=True)
class Month:
    """A month as weeks of seven cells, Monday first; None: a day of another month, or of none."""

    title: str
    weeks: Sequence[Sequence[Cell | None]]


@dataclass(frozen=True, slots=True)
class Mark:
    """What a state means, and how many days are in it."""

    state: str
    text: str
    days: str


@dataclass(frozen=True, slots=True)
class Calendar:
    """Months, the short names of weekdays, and what the colours mean."""

    title: str
    weekdays: Sequence[str]
    months: Sequence[Month]
    marks: Sequence[Mark]
    kind: str = "calendar"


Part: TypeAlias = Paragraph | Facts | Table | Calendar


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands under it; `name` is the same in every language."""

    name: str
    title: str
    parts: Sequence[Part]


@dataclass(frozen=True, slots=True)
class Document:
    """A statement in words."""

    language: str
    title: str
    subtitle: str
    verdict: Paragraph
    facts: Facts
    sections: Sequence[Section]
    footer: str
