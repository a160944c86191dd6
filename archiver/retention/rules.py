"""Retention periods by class of recording: the first matching rule decides.

A rule's orders and leads are compared with those of every call that lists the recording, and with
the recording's own lead. Tags are those of the desk on this machine. The status is not in the
ledger: it is read from the sidecar, and only if all other conditions of the rule match and no
earlier rule did.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final

from archiver.archive.archive import Archive
from archiver.catalog.classes import Class, classes_of
from archiver.config import Config
from archiver.config.values import RetentionRule
from archiver.desk.file import desk_data
from archiver.desk.review.tags import recordings_with
from archiver.errors import StorageError, StorageForbidden, StorageUnreachable
from archiver.recordings import sidecar
from archiver.storage.keys import sidecar_key
from archiver.tasks.lanes import in_lanes

_READERS: Final = 16


@dataclass(frozen=True, slots=True)
class Term:
    """How long a recording is kept (None: for ever), and the number of the rule that decides, from
    1; 0 is retention.keep."""

    rule: int
    keep: timedelta | None


@dataclass(frozen=True, slots=True)
class Rulebook:
    """The rules, each with the recordings that have its tags (None: the rule has no tags)."""

    keep: timedelta | None
    rules: tuple[RetentionRule, ...] = ()
    tagged: tuple[frozenset[int] | None, ...] = ()

    @property
    def shortest(self) -> timedelta | None:
        """The shortest period after which anything can be removed; None if nothing ever can."""
        return min((one for one in (self.keep, *self._keeps) if one is not None), default=None)

    @property
    def longest(self) -> timedelta:
        """The longest period of any rule; zero without rules."""
        return max(self._keeps, default=timedelta())

    def term(self, number: int) -> Term:
        """The term of the rule with that number, from 1; 0 is retention.keep."""
        return Term(number, self.rules[number - 1].keep if number else self.keep)

    def name(self, number: int) -> str:
        """The rule in words, for messages."""
        if not number:
            return "retention.keep"
        rule = self.rules[number - 1]
        conditions = {
            "orders": rule.orders,
            "leads": rule.leads,
            "tags": rule.tags,
            "statuses": rule.statuses,
        }
        said = "; ".join(
            f"{name} {', '.join(map(str, some[:3]))}{' ...' if len(some) > 3 else ''}"
            for name, some in conditions.items()
            if some
        )
        return f"rule {number} ({said})"

    @property
    def classes(self) -> list[Class]:
        """The conditions of each rule that the catalog can check: all but the status."""
        return [
            Class(orders=rule.orders or None, leads=rule.leads or None, records=tagged)
            for rule, tagged in zip(self.rules, self.tagged, strict=True)
        ]

    def first_match(
        self, matched: Sequence[bool], status: frozenset[str] | None = None
    ) -> int | None:
        """The number of the first matching rule, 0 if none matches; `matched` says for each rule
        whether everything but the status matches.

        None: it depends on the status, which is not given.
        """
        for number, rule in enumerate(self.rules, 1):
            if not matched[number - 1]:
                continue
            if not rule.statuses:
                return number
            if status is None:
                return None
            if not status.isdisjoint(rule.statuses):
                return number
        return 0

    @property
    def _keeps(self) -> list[timedelta]:
        return [one.keep for one in self.rules]


async def open_rulebook(config: Config, archive: Archive, state_folder: Path) -> Rulebook:
    """The configured rules, with the recordings of their tags.

    Raises UsageError if a rule has a tag and this machine has no desk: without its tags, it would
    be unknown what the rule keeps.
    """
    rules = config.retention.rules
    path = desk_data(config, archive.archive_id, state_folder)
    tagged = [
        await recordings_with(path, archive.archive_id, rule.tags) if rule.tags else None
        for rule in rules
    ]
    return Rulebook(config.retention.keep, rules, tuple(tagged))


async def terms_of(
    archive: Archive, rulebook: Rulebook, keys: Mapping[int, str]
) -> dict[int, Term | None]:
    """The period of each recording, by id; None if its status cannot be read."""
    if not rulebook.rules:
        return dict.fromkeys(keys, rulebook.term(0))
    found: dict[int, Term | None] = {}
    hanging: list[tuple[int, list[bool]]] = []
    classes = await archive.catalog.ask(
        partial(classes_of, classes=rulebook.classes, record_ids=list(keys))
    )
    for record_id, matched in classes.items():
        number = rulebook.first_match(matched)
        if number is None:
            hanging.append((record_id, matched))
        else:
            found[record_id] = rulebook.term(number)

    async def look(one: tuple[int, list[bool]]) -> None:
        record_id, matched = one
        status = await _status_of(archive, keys[record_id])
        number = None if status is None else rulebook.first_match(matched, status)
        found[record_id] = None if number is None else rulebook.term(number)

    await in_lanes(_READERS, hanging, look)
    return found


async def _status_of(archive: Archive, key: str) -> frozenset[str] | None:
    """The id and the code of the status in the sidecar, in lower case; None if the sidecar is
    damaged or missing. Raises StorageError if the storage is unavailable."""
    (read,) = await archive.storage.readings([sidecar_key(key)], keep=sidecar.MOST_BYTES)
    if isinstance(read, StorageUnreachable | StorageForbidden):
        raise read
    if isinstance(read, StorageError) or read.content is None:
        return None
    try:
        told = sidecar.decode(read.content).fields
    except ValueError:
        return None
    call = told.get("call")
    values = [told.get("statusCode")]
    if isinstance(call, dict):
        values += [call.get("statusId"), call.get("statusCode")]
    return frozenset(str(one).casefold() for one in values if one is not None)
