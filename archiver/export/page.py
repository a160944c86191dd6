"""`index.html` and its data: the calls in chunks, and plain lists for use without scripts.

The page itself contains no calls. Its script shows a hundred of the selected calls at a time, from
chunks of data that are scripts, since a page from the file system cannot load anything else. The
page's policy names the script by digest and allows what that script loads; text from the API is
never markup. Nothing here depends on when the export is made.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from markupsafe import Markup

from archiver.export.entries import CallEntry, RecordingEntry
from archiver.export.markup import asset, policy
from archiver.export.voice import Voice
from archiver.text.templates import visible

CHUNK: Final = 500
"""Calls per chunk and per plain list: about 400 kB of data, or a page that any browser shows."""

_AGENTS: Final = 5
"""The most agents in the index at the top, those with most calls; the filter has all."""

Peaks = Mapping[int, Sequence[str]]
"""Waveforms by recording id: the peaks of each channel, one byte per point, in base64."""


@dataclass(slots=True)
class Index:
    """What the page knows about all calls before it loads any."""

    days: Counter[str] = field(default_factory=Counter)
    agents: Counter[str] = field(default_factory=Counter)
    chunks: list[int] = field(default_factory=list)
    lists: list[tuple[str, str, int]] = field(default_factory=list)
    has_peaks: bool = False

    def count(self, call: CallEntry, voice: Voice) -> None:
        """Count a call."""
        self.days[day_of(call, voice) or ""] += 1
        agents = {call.agent, *(one.agent for one in call.recordings)}
        self.agents.update(one for one in agents if one)


@dataclass(frozen=True, slots=True)
class Totals:
    """The summary of all calls at the top of the page."""

    title: str
    calls: int
    recordings: int
    seconds: float
    first: datetime | None
    last: datetime | None
    missing: int


def day_of(call: CallEntry, voice: Voice) -> str | None:
    """The day of the call in the package's time zone, such as `2026-11-02`."""
    return f"{call.at.astimezone(voice.zone):%Y-%m-%d}" if call.at else None


def page(totals: Totals, index: Index, voice: Voice) -> str:
    """`index.html`."""
    style, script = asset("page.css"), asset("page.js")
    head = {
        "language": voice.language,
        "chunks": index.chunks,
        "hasPeaks": index.has_peaks,
        "days": sorted(index.days.items()),
        "agents": sorted(index.agents.items()),
        "agentsNamed": _AGENTS,
        "say": voice.say.section("script"),
        "ways": voice.say.section("way"),
    }
    return voice.render(
        "index.html",
        policy=policy(style, script, loads=True),
        style=Markup(style),  # noqa: S704 - ours
        script=Markup(script),  # noqa: S704 - ours
        head=Markup(_json(head)),  # noqa: S704 - no markup is left in it
        totals=totals,
        lists=index.lists,
        agents=[agent for agent, _ in index.agents.most_common(_AGENTS)],
        more=max(0, len(index.agents) - _AGENTS),
        period=voice.period(totals.first, totals.last),
    )


def chunk(number: int, calls: Sequence[CallEntry], voice: Voice) -> str:
    """The calls of a chunk, as a script."""
    rows = ",\n".join(_json(_row(call, voice)) for call in calls)
    return f"chunk({number}, [\n{rows}\n]);\n"


def peaks_chunk(number: int, peaks: Peaks) -> str:
    """The waveforms of a chunk's recordings, as a script."""
    return f"peaks({number}, {_json({str(one): list(said) for one, said in peaks.items()})});\n"


def plain_list(calls: Sequence[CallEntry], name: str, title: str, voice: Voice) -> str:
    """A list of calls that works without scripts."""
    style = asset("page.css")
    return voice.render(
        "list.html",
        policy=policy(style, media=True),
        style=Markup(style),  # noqa: S704 - ours
        title=title,
        name=name,
        days=list(_by_day(calls, voice)),
        voice=voice,
    )


def say_month(day: str | None, voice: Voice) -> str:
    """A month such as `November 2026`."""
    if not day:
        return voice.say("undated")
    month = voice.say.words("months.alone")[int(day[5:7]) - 1]
    return f"{month} {day[:4]}"


def _by_day(calls: Sequence[CallEntry], voice: Voice) -> Iterator[tuple[str, list[CallEntry]]]:
    days: dict[str | None, list[CallEntry]] = {}
    for call in calls:
        days.setdefault(day_of(call, voice), []).append(call)
    for day, some in days.items():
        yield voice.wording.day(date.fromisoformat(day) if day else None), some


def _row(call: CallEntry, voice: Voice) -> dict[str, Any]:
    """A call in the form that the script reads, without empty members."""
    return _without_nothing(
        id=call.call_id,
        day=day_of(call, voice),
        time=_time(call.at, voice),
        way=call.direction,
        agent=call.agent,
        phone=call.phone,
        status=voice.say.named("status", call.status) if call.status else None,
        talk=call.talk_seconds,
        lead=call.lead_id,
        order=call.order,
        notes=list(call.differences),
        state=call.state,
        why=call.note,
        recordings=[_recording(call, one, voice) for one in call.recordings],
    )


def _recording(call: CallEntry, one: RecordingEntry, voice: Voice) -> dict[str, Any]:
    return _without_nothing(
        id=one.record_id,
        time=_time(one.at, voice) if one.at != call.at else None,
        agent=one.agent if one.agent != call.agent else None,
        seconds=one.seconds,
        transfer=one.is_transfer,
        summary=one.summary,
        file=one.file,
        sidecar=one.sidecar,
        sha256=one.sha256 if one.file else None,
        size=voice.wording.size(one.size) if one.file else None,
        key=one.key if one.file else None,
        archived=voice.moment(one.archived_at) if one.archived_at else None,
        why=one.note,
        redacted=one.original_sha256 is not None,
    )


def _time(at: datetime | None, voice: Voice) -> str | None:
    return f"{at.astimezone(voice.zone):%H:%M:%S}" if at else None


def _without_nothing(**members: object) -> dict[str, Any]:
    return {name: said for name, said in members.items() if said}


def _json(value: object) -> str:
    """JSON that is also a valid script, without markup and without invisible or bidirectional
    control characters."""
    said = json.dumps(_seen(value), ensure_ascii=False, separators=(",", ":"))
    for one in "<\u2028\u2029":
        said = said.replace(one, f"\\u{ord(one):04x}")
    return said


def _seen(value: object) -> object:
    if isinstance(value, dict):
        return {name: _seen(said) for name, said in value.items()}
    if isinstance(value, list | tuple):
        return [_seen(said) for said in value]
    return visible(value)
