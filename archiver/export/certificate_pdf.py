"""`certificate.pdf`: the content of `certificate.html` as a tagged PDF to print and sign.

It uses the template of the statement's PDF and the texts of the page.
"""

from collections.abc import Iterator
from typing import Final

from archiver import __version__
from archiver.export.certificate import about, evidence_facts
from archiver.export.custody import Custody, facts
from archiver.export.evidence import LedgerEvidence
from archiver.statement.parts import Document, Fact, Facts, Paragraph, Part, Section
from archiver.statement.pdf import pdf_of
from archiver.text.messages import Messages, load_messages

CERTIFICATE_PDF: Final = "certificate.pdf"

_LINE: Final = "_" * 36


def certificate_pdf(custody: Custody, evidence: LedgerEvidence) -> bytes:
    """The PDF file. Raises ExtraMissing without the extra `pdf`. Blocks."""
    say = custody.voice.say
    rows = [*about(custody), *facts(custody, custody.voice), *evidence_facts(custody, evidence)]
    document = Document(
        language=say.language,
        title=say("certificate.title"),
        subtitle=custody.title,
        verdict=Paragraph(custody.voice.period(custody.contents.first, custody.contents.last)),
        facts=Facts(
            [
                Fact(say(f"custody.fact.{name}"), one.text or _LINE, one.hash or "")
                for name, one in rows
            ]
        ),
        sections=[
            Section("how", say("certificate.how"), list(_how(custody, say))),
            Section("court", say("court.title"), list(_court(custody, say))),
            Section("access", say("access.title"), list(_access(custody, say))),
        ],
        footer=f"archiver {__version__}, {custody.export_id}",
    )
    return pdf_of(document, custody.at)


def _how(custody: Custody, say: Messages) -> Iterator[Part]:
    redacted, missing = len(custody.copies.made), len(custody.contents.missing)
    said = [
        say("certificate.how.collected", version=__version__),
        say("certificate.how.kept"),
        say("certificate.how.packed"),
    ]
    if redacted:
        said.append(f"{say('certificate.how.redacted', count=redacted)} redactions.json")
    if custody.copies.masks:
        said.append(say("certificate.how.masked", what=_masked(custody, say)))
    if missing:
        said.append(say("certificate.how.missing", count=missing))
    yield from _numbered(said)


def _court(custody: Custody, say: Messages) -> Iterator[Part]:
    court, redacted = load_messages("archiver.export", "en"), len(custody.copies.made)
    exact = court.number(custody.contents.recordings - redacted)
    if say.language != "en":
        yield Paragraph(say("court.language"), "soft")
    yield Paragraph(court("court.template"), "soft")
    yield Paragraph(f"{court('court.i')} {_LINE}, {court('court.state')}")
    said = [
        f"{court('court.qualified')} {_LINE} {court('court.of')} {_LINE}. "
        f"{court('court.knowledge')}",
        court("court.13", version=__version__),
        f"{court('court.14', recordings=exact)} {custody.manifest_sha256}.",
    ]
    if redacted:
        said.append(court("court.redacted", count=redacted))
    said.append(court("court.purpose"))
    yield from _numbered(said)
    yield Paragraph(court("court.perjury"))
    yield _signature(court)


def _access(custody: Custody, say: Messages) -> Iterator[Part]:
    contents, redacted = custody.contents, len(custody.copies.made)
    yield Paragraph(say("access.template"), "soft")
    yield Paragraph(f"{say('access.asked')} {_LINE}")
    calls = say("count.calls", count=contents.calls)
    recordings = say("count.recordings", count=contents.recordings)
    others = [say("access.others")]
    if redacted:
        others.append(say("access.redacted", count=redacted))
    if custody.copies.masks:
        others.append(say("access.masked", what=_masked(custody, say)))
    yield from _numbered(
        [
            say("access.copy", calls=calls, recordings=recordings),
            *(
                f"{say(f'access.{one}')} {_LINE}"
                for one in ("purposes", "categories", "recipients", "period", "rights")
            ),
            say("access.source"),
            f"{say('access.automated')} {_LINE}",
            " ".join(others),
        ]
    )
    yield Paragraph(f"{say('access.check')} custody.html")
    yield _signature(say)


def _masked(custody: Custody, say: Messages) -> str:
    return ", ".join(say(f"mask.{one}") for one in sorted(custody.copies.masks.kinds))


def _numbered(said: list[str]) -> Iterator[Paragraph]:
    for number, one in enumerate(said, start=1):
        yield Paragraph(f"{number}. {one}")


def _signature(say: Messages) -> Facts:
    names = ("name", "position", "place", "signature")
    return Facts([Fact(say(f"certificate.line.{one}"), _LINE) for one in names])
