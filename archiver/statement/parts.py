"""The elements of a statement, which both page and PDF render (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One or more sentences. `tone` is `good`, `warn`, `bad`, `soft`, or empty."""

    text: str
    tone: str = ""
    kind: str = "paragraph"


@dataclass(frozen=True, slots=True)
class Fact:
    """One value of a list; `code`, such as a digest, is shown below it in a fixed-width font."""

    label: str
    text: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """A list of labels and their values."""

    rows: Sequence[Fact]
    kind: str = "facts"


@dataclass(frozen=True, slots=True)
class Column:
    """The head of a column; numbers are aligned right."""

    title: str
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under column heads, and a note below them."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    note: str = ""
    kind: str = "table"


@dataclass(frozen=True, slots=True)
class Cell:
    """A day: its number, its state, the text printed in it, and a full description."""

    day: str
    state: str
    text: str
    says: str


@dataclass(frozen=True, slots=True)
class Month:
    """A month as weeks of seven cells, Monday first; None for days of other months."""

    title: str
    weeks: Sequence[Sequence[Cell | None]]


@dataclass(frozen=True, slots=True)
class Mark:
    """The meaning of a state, and the number of days in it."""

    state: str
    text: str
    days: str


@dataclass(frozen=True, slots=True)
class Calendar:
    """Months, the short names of weekdays, and the legend of colours."""

    title: str
    weekdays: Sequence[str]
    months: Sequence[Month]
    marks: Sequence[Mark]
    kind: str = "calendar"


Part: TypeAlias = Paragraph | Facts | Table | Calendar


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and the elements below it; `name` is the same in every language."""

    name: str
    title: str
    parts: Sequence[Part]


@dataclass(frozen=True, slots=True)
class Document:
    """A complete statement in one language."""

    language: str
    title: str
    subtitle: str
    verdict: Paragraph
    facts: Facts
    sections: Sequence[Section]
    footer: str
