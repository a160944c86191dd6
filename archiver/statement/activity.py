"""The sections about people: what was exported, removed and held, and by whom; reviews (pure)."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from archiver.catalog.states import RecordingState
from archiver.statement.gather import Statement
from archiver.statement.parts import Column, Fact, Facts, Paragraph, Part, Section, Table
from archiver.statement.speech import Speech
from archiver.text.templates import visible

_LONGEST: Final = 300
"""The most characters shown of a reason: `archiver status --acts` has all of it."""


def people_section(found: Statement, speech: Speech) -> Section:
    """Exports, removals and holds in numbers, then every act of a person."""
    say = speech.say
    parts: list[Part] = [Facts([*_sums(found, speech)])]
    if found.acts:
        names = ("when", "act", "who", "about", "reason")
        rest = found.acts_in_all - len(found.acts)
        parts.append(
            Table(
                say("acts.title"),
                [Column(say(f"column.{one}")) for one in names],
                [_row(one, speech) for one in reversed(found.acts)],
                say("more.acts", count=rest) if rest else "",
            )
        )
    else:
        parts.append(Paragraph(say("acts.none"), "soft"))
    return Section("acts", say("section.acts"), parts)


def _sums(found: Statement, speech: Speech) -> Iterator[Fact]:
    say, coverage = speech.say, found.coverage
    exports, holds = coverage.exports, coverage.holds
    said = say("exports.count", count=exports.count)
    if exports.count:
        size = speech.wording.size(exports.bytes)
        said += ": " + say("recordings.of_size", count=exports.recordings, size=size)
    yield Fact(say("acts.exports"), said)
    removed = [
        f"{say('count.recordings', count=count)} ({say.named('why', why)})"
        for why, count in sorted(coverage.removed.items())
    ]
    yield Fact(say("acts.removals"), ", ".join(removed) or say("none"))
    told = say("holds.of_period", placed=holds.placed, lifted=holds.lifted)
    yield Fact(say("acts.holds"), f"{say('holds.in_force', count=holds.in_force)}; {told}")


def _row(act: Mapping[str, Any], speech: Speech) -> list[str]:
    say = speech.say
    at = datetime.fromisoformat(act["at"])
    what = say.named("did", act.get("did"))
    account, host = act.get("account") or say("unknown"), act.get("host") or say("unknown")
    who = [f"{account}@{host}"]
    who += [
        say(f"act.{name}", text=_text(act[name])) for name in ("by", "recipient") if act.get(name)
    ]
    about = [say("act.case", text=_text(act["case"]))] if act.get("case") else []
    about += _concerning(act.get("concerning"), speech)
    return [
        speech.moment(at),
        what,
        _text("; ".join(who)),
        "; ".join(about),
        _text(act.get("reason") or ""),
    ]


def _concerning(told: object, speech: Speech) -> Iterator[str]:
    """The numbers and names in the record of an act; lists are counted."""
    if not isinstance(told, Mapping):
        return
    for name, value in told.items():
        shown = speech.number(len(value)) if isinstance(value, list) else str(value)
        yield f"{speech.say.named('about', name)} {_text(shown)}"


def _text(text: object) -> str:
    """The text on one line, shortened to fit in a table."""
    said = str(visible(" ".join(str(text).split())))
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]}…"


def supervision_section(found: Statement, speech: Speech) -> Section:
    """How many recordings of the period were reviewed."""
    say, reviews = speech.say, found.reviews
    title = say("section.supervision")
    if reviews is None:
        return Section("supervision", title, [Paragraph(say("supervision.no_desk"), "soft")])
    archived = found.coverage.recordings[RecordingState.ARCHIVED]
    reviewed = found.coverage.reviewed
    share = speech.share(reviewed, archived)
    told = say("supervision.of", share=share, reviewed=speech.number(reviewed), count=archived)
    given = say("supervision.by", verdicts=speech.number(reviews.verdicts), count=reviews.reviewers)
    rows = [
        Fact(say("supervision.reviewed"), told),
        Fact(say("supervision.verdicts"), given),
    ]
    return Section("supervision", title, [Facts(rows)])
