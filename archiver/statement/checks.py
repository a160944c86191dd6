"""The sections about verification, the sound check, and evidence (pure)."""

from collections.abc import Iterator, Sequence
from typing import Final

from archiver.evidence.newest import NewestSignature, NewestStamp, Witness
from archiver.monitoring.verifications import Verification
from archiver.sound.figures import SOUND_FINDINGS
from archiver.statement.gather import Statement
from archiver.statement.parts import Column, Fact, Facts, Paragraph, Part, Section, Table
from archiver.statement.speech import Speech

_MOST_ROWS: Final = 40
_DAMAGE: Final = 4
_VERDICTS: Final = {0: "sound", 3: "unrecorded", _DAMAGE: "damage", 5: "denied", 130: "stopped"}


def verify_section(found: Statement, speech: Speech) -> Section:
    """When the archive was read back, and what was found."""
    say, known = speech.say, found.remembered
    title = say("section.verify")
    of_replica = _of_replica(found, speech)
    if known is None:
        never: list[Part] = [Paragraph(say("verify.never"), "warn")]
        return Section("verify", title, [*never, Facts(of_replica)] if of_replica else never)
    parts: list[Part] = [
        Facts(
            [
                Fact(say("verify.whole"), speech.moment(known.ended.get("all"))),
                Fact(say("verify.last"), _dated(known.last, speech)),
                *of_replica,
            ]
        )
    ]
    if found.verifications:
        rows = [
            [speech.moment(one.ended_at), say(f"scope.{one.scope}"), _result(one, speech)]
            for one in reversed(found.verifications[-_MOST_ROWS:])
        ]
        rest = len(found.verifications) - len(rows)
        columns = [Column(say(f"column.{one}")) for one in ("when", "scope", "result")]
        note = say("more.rows", count=rest) if rest else ""
        parts.append(Table(say("verify.of_period"), columns, rows, note))
    else:
        parts.append(Paragraph(say("verify.none_in_period"), "warn"))
    parts.append(Paragraph(say("verify.this_machine"), "soft"))
    return Section("verify", title, parts)


def _of_replica(found: Statement, speech: Speech) -> list[Fact]:
    """The last verification of the replica, if this machine knows of one."""
    if found.replica is None:
        return []
    return [Fact(speech.say("verify.last_of_replica"), _dated(found.replica.last, speech))]


def _dated(one: Verification, speech: Speech) -> str:
    return f"{speech.moment(one.ended_at)}: {_result(one, speech)}"


def _result(one: Verification, speech: Speech) -> str:
    say = speech.say
    if one.error:
        return say("verify.error", error=one.error[:200])
    said = say(f"verdict.verify.{_VERDICTS.get(one.exit_code, 'stopped')}")
    kinds = [
        f"{say.named('finding', name)}: {speech.number(count)}"
        for name, count in sorted(one.findings.items())
    ]
    return f"{said} ({'; '.join(kinds)})" if kinds else said


def sound_section(found: Statement, speech: Speech) -> Section:
    """How many recordings were examined, and the findings."""
    say, sound = speech.say, found.coverage.sound
    all_ = sound.examined + sound.not_examined
    title = say("section.sound")
    if not sound.examined:
        return Section("sound", title, [Paragraph(say("sound.none"), "soft")])
    share = speech.share(sound.examined, all_)
    said = say("sound.of", share=share, count=sound.examined)
    rows = [Fact(say("sound.examined"), said)]
    rows += [
        Fact(say.named("finding", one), speech.number(sound.findings[one]))
        for one in SOUND_FINDINGS
        if sound.findings[one]
    ]
    if sound.undecoded:
        rows.append(Fact(say("sound.undecoded"), speech.number(sound.undecoded)))
    parts: list[Part] = [Facts(rows)]
    if not sound.findings:
        parts.append(Paragraph(say("sound.good"), "good"))
    return Section("sound", title, parts)


def evidence_section(found: Statement, speech: Speech) -> Section:
    """The head, and the evidence for it."""
    say, evidence = speech.say, found.evidence
    title = say("section.evidence")
    if found.head.digest is None:
        return Section("evidence", title, [Paragraph(say("evidence.no_ledger"), "warn")])
    segment = say("fact.segment", number=speech.number(found.head.number))
    rows = [Fact(say("fact.head"), segment, found.head.digest)]
    if evidence.signature is not None:
        rows.append(_signature(evidence.signature, speech))
    if evidence.stamp is not None:
        rows.append(_stamp(evidence.stamp, speech))
    rows += [*_witnesses(evidence.witnesses, speech)]
    parts: list[Part] = [Facts(rows)]
    if len(rows) == 1:
        parts.append(Paragraph(say("evidence.nobody"), "warn"))
    parts.append(Paragraph(say("evidence.check", head=found.head.digest), "soft"))
    return Section("evidence", title, parts)


def _signature(one: NewestSignature, speech: Speech) -> Fact:
    say = speech.say
    if one.problem:
        said = say(f"problem.{one.problem}")
    else:
        said = say("evidence.own_key" if one.is_own else "evidence.key_in_archive")
    when = speech.moment(one.at) if one.at else say("unknown")
    text = say("evidence.until", number=speech.number(one.segment), at=when, said=said)
    return Fact(say("evidence.signed"), text, one.key_id)


def _stamp(one: NewestStamp, speech: Speech) -> Fact:
    say = speech.say
    if one.problem:
        said = say(f"problem.{one.problem}")
    else:
        said = say("evidence.authority", name=one.authority)
        said += "" if one.is_checked else say("evidence.not_checked")
    when = speech.moment(one.at) if one.at else say("unknown")
    text = say("evidence.until", number=speech.number(one.segment), at=when, said=said)
    return Fact(say("evidence.stamped"), text)


def _witnesses(witnesses: Sequence[Witness], speech: Speech) -> Iterator[Fact]:
    say = speech.say
    for one in witnesses:
        yield Fact(say("evidence.witness"), _witness(one, speech), one.url)


def _witness(one: Witness, speech: Speech) -> str:
    say = speech.say
    if one.problem:
        return say(f"problem.{one.problem}")
    if one.segment is None:
        return say("evidence.witness.none")
    return say("evidence.witness.until", number=speech.number(one.segment))
