"""`index.html`: the calls as a page that needs no server, no network and no other file but audio.

The calls are plain markup, so the page reads and prints where scripts may not run; the script adds
the player and the search. Its policy lets nothing else in, and text of the API passes through
`markup.text` alone. Nothing here depends on when the export is made.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from string import Template
from typing import Final

from archiver.export.entries import CallEntry, RecordingEntry
from archiver.export.markup import (
    address,
    asset,
    count,
    policy,
    say_clock,
    say_date,
    say_day,
    say_period,
    text,
)
from archiver.text.measures import say_size

_DOT: Final = " \N{MIDDLE DOT} "

_ICONS: Final = {
    "play": '<svg viewBox="0 0 16 16" aria-hidden="true">'
    '<path class="play-mark" fill="currentColor" d="M4 1.8v12.4L14 8z"/>'
    '<path class="pause-mark" fill="currentColor" d="M3.5 2h3.2v12H3.5zM9.3 2h3.2v12H9.3z"/></svg>',
    "previous": '<svg viewBox="0 0 16 16" aria-hidden="true"><path fill="currentColor"'
    ' d="M3 2h2v12H3zM14 2v12L6 8z"/></svg>',
    "next": '<svg viewBox="0 0 16 16" aria-hidden="true"><path fill="currentColor"'
    ' d="M11 2h2v12h-2zM2 2v12l8-6z"/></svg>',
}
_ARROW: Final = (
    '<svg viewBox="0 0 16 16" aria-hidden="true"><path fill="none" stroke="currentColor"'
    ' stroke-width="2.2" d="{}"/></svg>'
)
_WAYS: Final = {
    "incoming": _ARROW.format("M14 2 3 13M3 5v8h8"),
    "outgoing": _ARROW.format("M2 14 13 3M5 3h8v8"),
}


@dataclass(frozen=True, slots=True)
class Totals:
    """What the head of the page says of all calls."""

    title: str
    calls: int
    recordings: int
    seconds: float
    first: datetime | None
    last: datetime | None
    missing: int


def page_start(totals: Totals, zone: tzinfo) -> str:
    """The page up to its first call."""
    return _frame(totals, zone).partition("<!-- calls -->")[0]


def page_end(totals: Totals, zone: tzinfo) -> str:
    """The page after its last call."""
    return "</section>\n" + _frame(totals, zone).partition("<!-- calls -->")[2]


def day_of(call: CallEntry, zone: tzinfo) -> date | None:
    """The day under which the call stands."""
    return call.at.astimezone(zone).date() if call.at else None


def day_start(call: CallEntry, zone: tzinfo, *, is_first: bool) -> str:
    """The heading of the day of this call, the first of its day."""
    said = say_day(call.at, zone) if call.at else "Without a date"
    return f'{"" if is_first else "</section>"}\n<section class="day"><h2>{said}</h2>\n'


def call_markup(call: CallEntry, zone: tzinfo) -> str:
    """One call with its recordings."""
    return "".join(_call_parts(call, zone))


def _call_parts(call: CallEntry, zone: tzinfo) -> Iterator[str]:
    way = call.direction if call.direction in _WAYS else ""
    said = text((call.direction or "").capitalize()) or '<span class="unseen">Unknown</span>'
    yield f'<article class="call" id="call-{call.call_id}" data-way="{way}">\n<div class="line">'
    yield _time(call.at, zone)
    yield f'<span class="way {way}">{_WAYS.get(way, "")}{said}</span>'
    agent = f"<b>{text(call.agent)}</b>" if call.agent else '<b class="nobody">No agent</b>'
    yield f'<span class="who" dir="auto">{agent}'
    yield f" <span>{text(call.phone)}</span></span>" if call.phone else "</span>"
    yield f'<span class="status">{text(_spoken(call.status))}</span>' if call.status else "<i></i>"
    talk = f"{say_clock(call.talk_seconds)} talk" if call.talk_seconds else ""
    yield f'<span class="talk">{talk}</span></div>\n'
    for difference in call.differences:
        yield f'<p class="difference">Note: {text(difference)}.</p>\n'
    for number, one in enumerate(call.recordings, start=1):
        yield from _recording_parts(call, one, number, zone)
    if not call.recordings:
        yield f'<p class="{"none" if call.state == "none" else "absent"}">{_absence(call)}</p>\n'
    yield "</article>\n"


def _absence(call: CallEntry) -> str:
    if call.state == "none":
        return "Nothing was recorded."
    return f"No recording in this package: {text(call.note)}."


def _recording_parts(
    call: CallEntry, one: RecordingEntry, number: int, zone: tzinfo
) -> Iterator[str]:
    leg = _leg(call, one, number, zone)
    if one.file is None:
        yield f'<div class="recording" id="recording-{one.record_id}"><span></span>'
        yield f'<div class="text">{leg}<p class="absent">Recording {one.record_id} is not in this'
        yield f" package: {text(one.note)}.</p></div>"
        yield f'<span class="length">{say_clock(one.seconds)}</span></div>\n'
        return
    who = text(one.agent or call.agent or "no agent")
    when = f"{say_date(one.at, zone)}, {one.at.astimezone(zone):%H:%M:%S}" if one.at else "undated"
    title = _DOT.join(part for part in (when, who, text(call.phone or call.direction)) if part)
    what = f"recording {one.record_id}, {when}, {who}"
    yield f'<div class="recording" id="recording-{one.record_id}" data-src="{address(one.file)}"'
    yield f' data-seconds="{one.seconds or 0:g}" data-title="{title}">'
    yield f'<button type="button" class="play" data-what="{what}" aria-label="Play {what}">'
    yield f'{_ICONS["play"]}</button><div class="text">{leg}'
    if one.summary:
        yield f'<p class="summary" dir="auto">{text(one.summary)}</p>'
    else:
        yield '<p class="none">No summary.</p>'
    yield f'{_details(one)}</div><span class="length">{say_clock(one.seconds)}</span></div>\n'


def _leg(call: CallEntry, one: RecordingEntry, number: int, zone: tzinfo) -> str:
    """Which part of the call it is, where there are several; whose, where it is another agent's."""
    if len(call.recordings) == 1 and not one.is_transfer:
        return ""
    parts = [f"Part {number} of {len(call.recordings)}"] if len(call.recordings) > 1 else []
    parts += ["after a transfer"] if one.is_transfer else []
    parts += [text(one.agent)] if one.agent and one.agent != call.agent else []
    parts += [_time(one.at, zone)] if one.at else []
    return f'<p class="leg">{_DOT.join(parts)}</p>'


def _details(one: RecordingEntry) -> str:
    facts = {
        "Recording": str(one.record_id),
        "File": f'<a href="{address(one.file or "")}">{text(one.file)}</a>, {say_size(one.size)}',
        "Sidecar": f'<a href="{address(one.sidecar or "")}">{text(one.sidecar)}</a>',
        "SHA-256": f'<span class="hash">{text(one.sha256)}</span>',
        "In the archive": f'<span class="hash">{text(one.key)}</span>',
    }
    return f"<details><summary>Details</summary><dl>{_list(facts)}</dl></details>"


def _frame(totals: Totals, zone: tzinfo) -> str:
    style, script = asset("page.css"), asset("page.js")
    facts = {
        "Calls": f"{totals.calls:,}",
        "Recordings": f"{totals.recordings:,}",
        "Total length": say_clock(totals.seconds),
        "Period": text(say_period(totals.first, totals.last, zone)),
        "Times in": text(zone),
    }
    notice = ""
    if totals.missing:
        verb = "belongs" if totals.missing == 1 else "belong"
        notice = (
            f'<p class="notice">{count(totals.missing, "item")} that {verb} here could not be '
            'included; the <a href="../custody.html">custody record</a> names each with its reason.'
            "</p>"
        )
    footer = (
        '<p>Every file in this package is listed with its SHA-256 in <span class="hash">'
        "manifest-sha256.txt</span>; who made the package, when and from what is in the "
        '<a href="../custody.html">custody record</a>. This page works without a network.</p>'
    )
    return Template(asset("page.html")).substitute(
        policy=policy(style, script),
        title=text(totals.title),
        style=style,
        script=script,
        facts="".join(f"<div><dt>{name}</dt><dd>{said}</dd></div>" for name, said in facts.items()),
        notice=notice,
        footer=footer,
        **_ICONS,
    )


def _time(at: datetime | None, zone: tzinfo) -> str:
    if at is None:
        return "<time>unknown</time>"
    local = at.astimezone(zone)
    return f'<time datetime="{local.isoformat(timespec="seconds")}">{local:%H:%M:%S}</time>'


def _spoken(code: str) -> str:
    """A status code as words."""
    words = code.replace("-", " ").replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def _list(facts: Mapping[str, str]) -> str:
    return "".join(f"<dt>{name}</dt><dd>{said}</dd>" for name, said in facts.items())
