"""The exports requested in the desk and their states, in the desk's own file."""

import json
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from archiver.catalog.epoch import moment, seconds
from archiver.clock import Clock
from archiver.desk.accounts.person import Person, Right
from archiver.desk.file import DeskFile
from archiver.desk.review.basis import Once
from archiver.desk.texts import one_line, short_text
from archiver.errors import NoSuchThing, WrongInput
from archiver.sound.spans import Fill, Span

MOST_RECORDINGS: Final = 100_000
"""The most recordings in one package. For more, use `archiver export`, whose selection is short."""

_LONGEST: Final = 500
_SHOWN: Final = 200


class Stage(StrEnum):
    """The state of a package."""

    WAITING = "waiting"
    WORKING = "working"
    READY = "ready"
    FAILED = "failed"
    EXPIRED = "expired"
    REMOVED = "removed"
    """It was removed by a user, or a recording in it was removed from the archive."""


@dataclass(frozen=True, slots=True)
class Left:
    """A span to leave out of a recording, and why."""

    record_id: int
    span: Span
    reason: str


@dataclass(frozen=True, slots=True)
class Wish:
    """The content of a package, and its reason: the recordings, the language of its pages, and
    whether to add a load file for review platforms and a certificate as PDF.

    `masks` are the kinds of data to leave out, as in `archiver export --mask`; `spans` are left out
    of recordings and replaced by `fill`. It is encrypted with a password, which is not stored here,
    or for public `keys` of age.
    """

    record_ids: tuple[int, ...]
    reason: str
    case: str = ""
    recipient: str = ""
    language: str = "en"
    load_file: bool = False
    masks: tuple[str, ...] = ()
    spans: tuple[Left, ...] = ()
    fill: Fill = "silence"
    certificate_pdf: bool = False
    has_password: bool = False
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Packed:
    """A finished package: its size in bytes, the digest of its manifest, and the number of
    recordings that could not be packed."""

    bytes: int
    manifest_sha256: str
    missing: int


@dataclass(frozen=True, slots=True)
class Order:
    """A requested package. `record_ids` is empty once the package no longer exists."""

    package_id: int
    asked_by: str
    asked_at: datetime
    wish: Wish
    recordings: int
    stage: Stage
    packed: Packed | None
    problem: str
    ended_at: datetime | None

    @property
    def file_name(self) -> str:
        """The name of its file, in the folder and for downloads."""
        return f"export-{self.package_id}.zip" + (".age" if self.wish.keys else "")


class Orders:
    """All packages of one desk. Users see their own, admins everyone's."""

    def __init__(self, file: DeskFile, clock: Clock) -> None:
        self._file = file
        self._clock = clock

    async def ask(self, by: Person, wish: Wish, token: str) -> int:
        """Request a package; returns its number. The same token again returns the same package.

        WrongInput without a reason, for a text that is too long, and for no recordings or too many.
        """
        by.need(Right.TAKE_AWAY)
        _check_count(len(wish.record_ids))
        now = seconds(self._clock())
        row = {
            "by": by.name,
            "at": now,
            "ids": json.dumps(wish.record_ids),
            "count": len(wish.record_ids),
            "reason": short_text(wish.reason, "why", _LONGEST),
            "case": _optional(wish.case, "case"),
            "recipient": _optional(wish.recipient, "recipient"),
            "language": wish.language,
            "load_file": wish.load_file,
            "masks": json.dumps(wish.masks),
            "spans": json.dumps([_as_list(one) for one in wish.spans]),
            "fill": wish.fill,
            "certificate_pdf": wish.certificate_pdf,
            "has_password": wish.has_password,
            "keys": json.dumps(wish.keys),
        }

        def create(db: sqlite3.Connection) -> int:
            return int(db.execute(f"{_ASK} RETURNING package_id", row).fetchone()[0])

        once = Once(by.name, "package", token, now)
        return await self._file.write(lambda db: once.make(db, lambda: create(db)))

    async def shown(self, to: Person) -> list[Order]:
        """The newest packages that the person may see, newest first."""
        to.need(Right.TAKE_AWAY)
        name = None if to.may(Right.OVERSEE) else to.name
        rows = await self._file.read(
            lambda db: db.execute(
                "SELECT * FROM packages WHERE ? IS NULL OR asked_by = ?"
                " ORDER BY package_id DESC LIMIT ?",
                (name, name, _SHOWN),
            ).fetchall()
        )
        return [_order(row) for row in rows]

    async def find(self, to: Person, package_id: int) -> Order:
        """One package; NoSuchThing if there is none that the person may see."""
        to.need(Right.TAKE_AWAY)
        row = await self._file.read(
            lambda db: db.execute(
                "SELECT * FROM packages WHERE package_id = ?", (package_id,)
            ).fetchone()
        )
        if row is None or not (to.may(Right.OVERSEE) or row["asked_by"] == to.name):
            raise NoSuchThing("there is no such export", hint="go back to the list of exports")
        return _order(row)

    async def next(self) -> Order | None:
        """The oldest waiting one, now in progress. Those in progress when the desk ended are
        waiting again after `begin_again`."""

        def change(db: sqlite3.Connection) -> sqlite3.Row | None:
            row: sqlite3.Row | None = db.execute(
                "UPDATE packages SET stage = 'working' WHERE package_id ="
                " (SELECT min(package_id) FROM packages WHERE stage = 'waiting') RETURNING *"
            ).fetchone()
            return row

        row = await self._file.write(change)
        return None if row is None else _order(row)

    async def begin_again(self) -> None:
        """Let packages that were in progress when the desk ended wait again."""
        await self._file.write(
            lambda db: db.execute("UPDATE packages SET stage = 'waiting' WHERE stage = 'working'")
        )

    async def finish(self, package_id: int, packed: Packed | str) -> bool:
        """Record the result: the package, or the reason why it failed. Returns whether it counts:
        the order may have been removed meanwhile."""
        now = seconds(self._clock())
        values: tuple[object, ...] = (Stage.FAILED, None, None, None, packed)
        if isinstance(packed, Packed):
            values = (Stage.READY, packed.bytes, packed.manifest_sha256, packed.missing, "")

        def change(db: sqlite3.Connection) -> bool:
            found = db.execute(
                "UPDATE packages SET stage = ?, bytes = ?, manifest_sha256 = ?, missing = ?,"
                " problem = ?, ended_at = ? WHERE package_id = ? AND stage = 'working'",
                (*values, now, package_id),
            )
            return found.rowcount == 1

        return await self._file.write(change)

    async def remove(self, by: Person, package_id: int) -> None:
        """Remove a package that the person may see, or cancel it."""
        found = await self.find(by, package_id)
        await self._end(Stage.REMOVED, f"package_id = {found.package_id}")

    async def bury(self, record_ids: Collection[int]) -> None:
        """Remove every package with one of these recordings, which were removed from the
        archive."""
        these = json.dumps(list(record_ids))
        await self._end(
            Stage.REMOVED,
            "EXISTS (SELECT 1 FROM json_each(record_ids) WHERE value IN"
            " (SELECT value FROM json_each(?)))",
            these,
        )

    async def expire(self, keep: timedelta) -> None:
        """Expire packages created longer ago than this."""
        before = seconds(self._clock() - keep)
        await self._end(Stage.EXPIRED, "stage = 'ready' AND ended_at < ?", before)

    async def stage(self, package_id: int) -> Stage | None:
        """The state of the package; None for an unknown one."""
        row = await self._file.read(
            lambda db: db.execute(
                "SELECT stage FROM packages WHERE package_id = ?", (package_id,)
            ).fetchone()
        )
        return None if row is None else Stage(row["stage"])

    async def files(self) -> set[str]:
        """The names of the files that belong in the folder of packages."""
        rows = await self._file.read(
            lambda db: db.execute(
                "SELECT * FROM packages WHERE stage IN ('ready', 'working')"
            ).fetchall()
        )
        return {_order(row).file_name for row in rows}

    async def _end(self, stage: Stage, condition: str, *values: object) -> None:
        """The ids are deleted with the package; the custody record of the export has them."""
        now = seconds(self._clock())
        await self._file.write(
            lambda db: db.execute(
                "UPDATE packages SET stage = ?, record_ids = '[]', spans = '[]', ended_at = ?"  # noqa: S608
                f" WHERE stage NOT IN ('expired', 'removed') AND {condition}",
                (stage, now, *values),
            )
        )


_ASK: Final = """
    INSERT INTO packages (asked_by, asked_at, record_ids, recordings, reason, case_number,
        recipient, language, load_file, masks, spans, fill, certificate_pdf, has_password, keys,
        stage)
    VALUES (:by, :at, :ids, :count, :reason, :case, :recipient, :language, :load_file, :masks,
        :spans, :fill, :certificate_pdf, :has_password, :keys, 'waiting')
"""


def _as_list(left: Left) -> list[object]:
    span = left.span
    return [left.record_id, span.start, span.end, span.side, left.reason]


def _check_count(count: int) -> None:
    if not count:
        raise WrongInput("recordings", "no archived recording is selected", problem="empty")
    if count > MOST_RECORDINGS:
        raise WrongInput(
            "recordings",
            f"{count:,} recordings are too many for one export",
            problem="range",
            limit=MOST_RECORDINGS,
            hint="narrow the selection, or use `archiver export`",
        )


def _optional(text: str, field: str) -> str:
    return short_text(text, field, _LONGEST) if one_line(text, 1) else ""


def _order(row: sqlite3.Row) -> Order:
    packed = None
    if row["bytes"] is not None:
        packed = Packed(row["bytes"], row["manifest_sha256"], row["missing"])
    ids: Sequence[int] = json.loads(row["record_ids"])
    return Order(
        package_id=row["package_id"],
        asked_by=row["asked_by"],
        asked_at=moment(row["asked_at"]),
        wish=Wish(
            tuple(ids),
            row["reason"],
            row["case_number"],
            row["recipient"],
            row["language"],
            bool(row["load_file"]),
            tuple(json.loads(row["masks"])),
            tuple(
                Left(record_id, Span(start, end, side), reason)
                for record_id, start, end, side, reason in json.loads(row["spans"])
            ),
            row["fill"],
            bool(row["certificate_pdf"]),
            bool(row["has_password"]),
            tuple(json.loads(row["keys"])),
        ),
        recordings=row["recordings"],
        stage=Stage(row["stage"]),
        packed=packed,
        problem=row["problem"],
        ended_at=moment(row["ended_at"]),
    )
