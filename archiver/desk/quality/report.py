"""The report of a view: scores of its verdicts, how much of it was reviewed, and who talked.

A verdict counts in the week of its call, not in that of its review. Recordings that were removed
from the archive are in no view and no report.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

import numpy as np

from archiver.desk.index.calls import Calls
from archiver.desk.index.columns import Bits, Ints, day_of
from archiver.desk.quality.figures import Figures, figures_of, trend_of
from archiver.desk.review.verdicts import Verdict

Key = int | str
_WEEK: Final = 7


@dataclass(frozen=True, slots=True)
class Line:
    """The scores of one agent, question, section, reviewer, order or week. `key` is its id or name,
    `label` its displayed name; `trend` is in points per week, `questions` those of a section."""

    key: Key
    label: str
    figures: Figures
    failed: int
    trend: float | None
    questions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much was reviewed: number of recordings, and seconds of audio."""

    key: Key
    recordings: int
    reviewed: int
    seconds: float
    reviewed_seconds: float

    @property
    def share(self) -> float:
        """The reviewed share of the recordings, 0 to 1."""
        return self.reviewed / self.recordings if self.recordings else 0.0

    @property
    def time_share(self) -> float:
        """The reviewed share of the duration, 0 to 1."""
        return self.reviewed_seconds / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class Talk:
    """Who talks in an agent's stereo recordings, as shares of their duration."""

    key: int
    recordings: int
    agent: float
    other: float
    silence: float
    overtalk: float


@dataclass(frozen=True, slots=True)
class Report:
    """The whole report. `scores` has the lines of each group by its name; weeks are Mondays."""

    whole: Figures | None
    failed: int
    unplayed: int
    verdicts: int
    scores: Mapping[str, list[Line]]
    coverage: Coverage
    by_agent: list[Coverage]
    by_week: list[tuple[date, Coverage]]
    by_both: Mapping[tuple[int, date], Coverage]
    talk: list[Talk]
    causes: list[tuple[str, str, str, int]]

    @property
    def weeks(self) -> list[date]:
        """Every week with a recording, as its Monday."""
        return [week for week, _ in self.by_week]


@dataclass(frozen=True, slots=True)
class _Given:
    """A verdict, with the place of its call in the view."""

    verdict: Verdict
    agent: int
    order: int
    week: int


def report_of(
    calls: Calls, verdicts: Iterable[Verdict], language: str, names: Mapping[tuple[str, int], str]
) -> Report:
    """The report over these recordings, and those of the verdicts that are about one of them."""
    given = list(_placed(calls, verdicts))
    scored = [one for one in given if one.verdict.score is not None]
    reviewed = np.zeros(len(calls.record_id), np.bool_)
    ids = np.unique(np.array([one.verdict.record_id for one in given], np.int64))
    reviewed[np.searchsorted(calls.record_id, ids)] = True

    def named(kind: str) -> Callable[[Key], str]:
        return lambda key: names.get((kind, int(key)), "")

    return Report(
        whole=figures_of(_score(one) for one in scored),
        failed=sum(one.verdict.is_failed for one in given),
        unplayed=sum(not one.verdict.attention.is_played for one in given),
        verdicts=len(given),
        scores={
            "agent": _lines(scored, lambda one: one.agent, named("agent")),
            "order": _lines(scored, lambda one: one.order, named("order")),
            "reviewer": _lines(scored, lambda one: one.verdict.reviewer, str),
            "week": _lines(scored, lambda one: one.week, lambda _: ""),
            "question": _question_lines(given, language),
            "section": _section_lines(given, language),
        },
        coverage=_coverage(calls, reviewed, 0, np.ones(len(reviewed), np.bool_)),
        by_agent=_covered(calls, reviewed, calls.agent),
        by_week=[
            (day_of(int(one.key)), one) for one in _covered(calls, reviewed, calls.week) if one.key
        ],
        by_both=_covered_by_both(calls, reviewed),
        talk=_talks(calls),
        causes=_causes(given, language),
    )


def _placed(calls: Calls, verdicts: Iterable[Verdict]) -> Iterable[_Given]:
    for one in verdicts:
        place = int(np.searchsorted(calls.record_id, one.record_id))
        if place < len(calls.record_id) and calls.record_id[place] == one.record_id:
            agent = int(calls.agent[place]) if one.agent_id is None else one.agent_id
            yield _Given(one, agent, int(calls.order[place]), int(calls.week[place]))


def _score(one: _Given) -> float:
    return one.verdict.score or 0.0


def _lines(
    given: Sequence[_Given], key_of: Callable[[_Given], Key], label: Callable[[Key], str]
) -> list[Line]:
    groups: dict[Key, list[_Given]] = defaultdict(list)
    for one in given:
        groups[key_of(one)].append(one)
    lines = []
    for key, members in groups.items():
        values = [(one.week, _score(one)) for one in members]
        failed = sum(one.verdict.is_failed for one in members)
        lines.append(_line(key, label(key), values, failed))
    return sorted(lines, key=lambda line: (isinstance(line.key, str), line.key))


def _line(key: Key, label: str, values: Sequence[tuple[int, float]], failed: int) -> Line:
    figures = figures_of(value for _, value in values)
    assert figures is not None  # noqa: S101 - a line has a value at least
    by_week: dict[int, list[float]] = defaultdict(list)
    for week, value in values:
        by_week[week // _WEEK].append(value)
    return Line(key, label, figures, failed, trend_of(by_week))


def _question_lines(given: Sequence[_Given], language: str) -> list[Line]:
    """Lines in the order of the scorecards; an answer counts 0 to 100."""
    values: dict[str, list[tuple[int, float]]] = {}
    labels: dict[str, str] = {}
    failed: Counter[str] = Counter()
    for one in given:
        failed.update(one.verdict.card.failures(one.verdict.marks).keys())
        for question in one.verdict.card.questions:
            mark = one.verdict.marks.get(question.question_id)
            if mark is not None:
                name = question.question_id
                values.setdefault(name, []).append((one.week, 100 * question.worth(mark)))
                labels[name] = question.text.said(language)
    return [_line(key, labels[key], told, failed[key]) for key, told in values.items()]


def _section_lines(given: Sequence[_Given], language: str) -> list[Line]:
    values: dict[str, list[tuple[int, float]]] = {}
    asked: dict[str, dict[str, None]] = defaultdict(dict)
    for one in given:
        card = one.verdict.card
        scores = card.section_scores(one.verdict.marks)
        for (section, score), (_, questions) in zip(scores, card.sections, strict=True):
            if section is not None and score is not None:
                name = section.said(language)
                values.setdefault(name, []).append((one.week, score))
                asked[name].update(dict.fromkeys(each.question_id for each in questions))
    return [
        replace(_line(key, key, told, 0), questions=tuple(asked[key]))
        for key, told in values.items()
    ]


def _coverage(calls: Calls, reviewed: Bits, key: Key, rows: Bits | Ints) -> Coverage:
    seconds, done = np.maximum(calls.seconds[rows], 0), reviewed[rows]
    return Coverage(
        key,
        len(done),
        int(np.count_nonzero(done)),
        float(seconds.sum(dtype=np.float64)),
        float(seconds[done].sum(dtype=np.float64)),
    )


def _groups(column: Ints) -> Iterable[tuple[int, Ints]]:
    order = np.argsort(column, kind="stable")
    values, starts = np.unique(column[order], return_index=True)
    return zip(values.tolist(), np.split(order, starts[1:]), strict=False)


def _covered(calls: Calls, reviewed: Bits, column: Ints) -> list[Coverage]:
    return [_coverage(calls, reviewed, key, rows) for key, rows in _groups(column)]


def _covered_by_both(calls: Calls, reviewed: Bits) -> dict[tuple[int, date], Coverage]:
    found = {}
    for agent, rows in _groups(calls.agent):
        for week, places in _groups(calls.week[rows]):
            if week:
                one = _coverage(calls, reviewed, agent, rows[places])
                found[agent, day_of(week)] = one
    return found


def _talks(calls: Calls) -> list[Talk]:
    """From stereo recordings that the sound check has examined."""
    known = np.flatnonzero((calls.other_talk >= 0) & (calls.agent_talk >= 0) & (calls.seconds > 0))
    talks = []
    for agent, places in _groups(calls.agent[known]):
        rows = known[places]
        seconds = calls.seconds[rows].astype(np.float64)
        whole = float(seconds.sum())
        talks.append(
            Talk(
                agent,
                len(rows),
                float(calls.agent_talk[rows].sum(dtype=np.float64)) / whole,
                float(calls.other_talk[rows].sum(dtype=np.float64)) / whole,
                float((calls.silence[rows] * seconds).sum()) / whole,
                float(calls.overtalk[rows].sum(dtype=np.float64)) / whole,
            )
        )
    return talks


def _causes(given: Sequence[_Given], language: str) -> list[tuple[str, str, str, int]]:
    """Question id, question, root cause and its frequency; the most frequent first."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for one in given:
        for question in one.verdict.card.questions:
            remark = one.verdict.remarks.get(question.question_id)
            if remark is not None and remark.cause:
                texts = {each.cause_id: each.text.said(language) for each in question.causes}
                told = texts.get(remark.cause, remark.cause)
                counts[question.question_id, question.text.said(language), told] += 1
    return [(*key, count) for key, count in counts.most_common()]
