"""A statement in words with one of each part, and text that would like to be markup."""

from archiver.statement.calendar import DayState
from archiver.statement.parts import (
    Calendar,
    Cell,
    Column,
    Document,
    Fact,
    Facts,
    Mark,
    Month,
    Paragraph,
    Section,
    Table,
)

HOSTILE = '<script>alert(1)</script> #panic("x") $x$ *b* @ref \\ `raw` </style> "q" {{ 7 * 7 }}'
TURNING = "abc\u202egnp.exe"
CYRILLIC = "Ольга Ким, «Горячая линия» №7"


def document(language: str = "en") -> Document:
    """Every kind of part, with the texts above."""
    cells = [
        Cell(str(n + 1), state, "1,204", f"day {n}: {HOSTILE}") for n, state in enumerate(DayState)
    ]
    table = Table(
        HOSTILE,
        [Column("Agent"), Column("Calls", is_number=True)],
        [[HOSTILE, "3"], [CYRILLIC, "4"], [TURNING, "5"]],
        "And 3 more rows.",
    )
    return Document(
        language,
        "Archive statement",
        "1 – 31 October 2026",
        Paragraph("Complete: all 7 calls.", "good"),
        Facts([Fact("Archive", "", "0" * 36), Fact("Made", HOSTILE)]),
        [
            Section(
                "coverage",
                "Coverage",
                [
                    Calendar(
                        "Calendar",
                        ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
                        [Month("October 2026", [[*cells, None]])],
                        [Mark(one, one.value, "3") for one in DayState],
                    )
                ],
            ),
            Section("agents", "By agent", [table, Paragraph(HOSTILE, "soft")]),
        ],
        "Created by archiver",
    )
