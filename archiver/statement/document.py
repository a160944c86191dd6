"""A statement in words: its verdict, its facts and its sections (pure)."""

from archiver import __version__
from archiver.catalog.coverage import Coverage
from archiver.catalog.states import OPEN, CallState
from archiver.statement.activity import people_section, supervision_section
from archiver.statement.calendar import DayState
from archiver.statement.checks import evidence_section, sound_section, verify_section
from archiver.statement.covering import by_section, coverage_section, open_section
from archiver.statement.gather import Statement
from archiver.statement.parts import Document, Fact, Facts, Paragraph
from archiver.statement.speech import Speech


def document_of(found: Statement, language: str) -> Document:
    """The statement in that language."""
    speech = Speech(language, found.period.zone)
    say = speech.say
    sections = [
        coverage_section(found, speech),
        open_section(found, speech),
        *by_section(found, speech),
        verify_section(found, speech),
        sound_section(found, speech),
        people_section(found, speech),
        supervision_section(found, speech),
        evidence_section(found, speech),
    ]
    return Document(
        language=language,
        title=say("title"),
        subtitle=speech.period(found.period),
        verdict=_verdict(found, speech),
        facts=Facts(_facts(found, speech)),
        sections=[] if found.is_empty else [one for one in sections if one.parts],
        footer=say("footer", version=__version__, archive=found.archive_id),
    )


def _facts(found: Statement, speech: Speech) -> list[Fact]:
    say, head = speech.say, found.head
    rows = [
        Fact(say("fact.archive"), "", found.archive_id),
        Fact(say("fact.made"), speech.moment(found.at)),
        Fact(say("fact.zone"), str(found.period.zone)),
    ]
    if head.digest is not None:
        segment = say("fact.segment", number=speech.number(head.number))
        rows.append(Fact(say("fact.head"), segment, head.digest))
    return rows


def _verdict(found: Statement, speech: Speech) -> Paragraph:
    """The most important result, in a sentence or two."""
    say, covered = speech.say, found.coverage.in_all
    if found.is_empty:
        return Paragraph(say("verdict.empty"), "warn")
    said = _lacks(found, speech)
    if said:
        return Paragraph(" ".join(said), "bad" if covered.calls[CallState.GONE] else "warn")
    if not covered.calls.total():
        return Paragraph(say("verdict.no_calls"), "warn")
    count = covered.calls.total()
    return Paragraph(say("verdict.complete", count=count), "good")


def _lacks(found: Statement, speech: Speech) -> list[str]:
    say, covered = speech.say, found.coverage.in_all
    silent = sum(one.state is DayState.SILENT for one in found.days)
    counts = {
        "open": _open(found.coverage),
        "gone": covered.calls[CallState.GONE],
        "unrecorded": covered.unrecorded,
        "silent": silent,
    }
    said = [say(f"verdict.{what}", count=count) for what, count in counts.items() if count]
    if found.failed is not None:
        said.append(say("verdict.failed", count=found.failed.count))
    if found.remembered is not None and found.remembered.last.exit_code == 4:
        said.append(say("verdict.damage"))
    return said


def _open(coverage: Coverage) -> int:
    return sum(coverage.in_all.calls[state] for state in OPEN)
