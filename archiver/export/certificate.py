"""`certificate.html`: a page to sign, for a court or for an answer to a request for access.

It contains what the program knows, and lines for what only people know. The texts are templates for
a lawyer, in the wording of the rules that they cite.
"""

from collections.abc import Iterator
from typing import Final

from markupsafe import Markup

from archiver import __version__
from archiver.export.bag import MANIFEST
from archiver.export.custody import Custody, Fact, facts, who
from archiver.export.evidence import LedgerEvidence
from archiver.export.markup import asset, policy
from archiver.text.messages import load_messages

CERTIFICATE: Final = "certificate.html"


def certificate(custody: Custody, evidence: LedgerEvidence) -> str:
    """The page."""
    style, voice = asset("custody.css") + asset("certificate.css"), custody.voice
    copies = custody.copies
    return voice.render(
        "certificate.html",
        policy=policy(style),
        style=Markup(style),  # noqa: S704 - ours
        title=custody.title,
        facts=[*about(custody), *facts(custody, voice), *evidence_facts(custody, evidence)],
        evidence=evidence,
        court=load_messages("archiver.export", "en"),
        version=__version__,
        who=who(custody, voice.say),
        at=voice.moment(custody.at),
        calls=custody.contents.calls,
        recordings=custody.contents.recordings,
        redacted=len(copies.made),
        masked=[voice.say(f"mask.{one}") for one in sorted(copies.masks.kinds)],
        manifest=MANIFEST,
        manifest_sha256=custody.manifest_sha256,
        missing=len(custody.contents.missing),
    )


def about(custody: Custody) -> Iterator[tuple[str, Fact]]:
    """Case, purpose and recipient, by the names of their rows; empty if not given."""
    why = custody.request.why
    for name, text in (("case", why.case), ("purpose", why.reason), ("recipient", why.recipient)):
        yield name, Fact(text)


def evidence_facts(custody: Custody, evidence: LedgerEvidence) -> Iterator[tuple[str, Fact]]:
    """Signature and time stamp, by the names of their rows."""
    voice, signature, stamp = custody.voice, evidence.signature, evidence.stamp
    say = voice.say
    if signature is None:
        yield "signature", Fact(say("certificate.unsigned"))
    else:
        at, number = voice.moment(signature.at), signature.head.number
        text = say("certificate.signed", at=at, number=number, file=signature.file)
        yield "signature", Fact(text, signature.key_id)
    if stamp is None:
        yield "stamp", Fact(say("certificate.unstamped"))
    else:
        key = "certificate.stamped" if stamp.is_checked else "certificate.stamped.unchecked"
        values = {"at": voice.moment(stamp.at), "number": stamp.head.number, "file": stamp.file}
        yield "stamp", Fact(say(key, authority=stamp.authority, **values))
