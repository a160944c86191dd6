"""`calls.xlsx`: the table of calls for office programs.

All cells except durations and sizes are text, so that a number such as +7900… stays as dialled and
nothing is interpreted as a formula. Rows are written to a temporary file as they come; the same
rows give the same bytes. Each row may have a link; rows beyond the limit go to a new sheet.
"""

import tempfile
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final

import xlsxwriter
from anyio import to_thread
from xlsxwriter.exceptions import FileCreateError

from archiver.export.entries import CallEntry
from archiver.export.table import COLUMNS, cells
from archiver.export.voice import Voice
from archiver.text.templates import visible

LINKS_A_SHEET: Final = 65_000
"""Excel rejects a sheet with more than 65,530 links, and each row may have one."""

_MOST: Final = 32_000
"""The most characters of a cell; Excel allows 32,767."""

_CHUNK: Final = 1024 * 1024
_MADE: Final = datetime(2000, 1, 1)  # noqa: DTZ001 - what the format wants; not when it was made
_WIDTHS: Final = {
    "file": 46,
    "summary": 60,
    "agent": 22,
    "clientPhone": 17,
    "note": 40,
    "sha256": 30,
}


class Workbook:
    """A workbook being written; a sheet has at most `links_a_sheet` rows. Methods that are not
    coroutines block."""

    def __init__(
        self, voice: Voice, folder: Path | None = None, links_a_sheet: int = LINKS_A_SHEET
    ) -> None:
        self._voice = voice
        self._links_a_sheet = links_a_sheet
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - `close` does
        options: dict[str, Any] = {"constant_memory": True, "strings_to_urls": False}
        options |= {"strings_to_formulas": False, "strings_to_numbers": False}
        if folder is not None:
            options["tmpdir"] = str(folder)
        self._book = xlsxwriter.Workbook(self._file, options)
        self._book.use_zip64()
        self._book.set_properties({"created": _MADE, "author": "archiver"})
        self._bold = self._book.add_format({"bold": True, "bottom": 1})
        self._plain = self._book.add_format({"num_format": "@", "valign": "top"})
        self._sheet: Any = None
        self._rows = self._sheets = 0
        self._is_finished = False

    def add(self, call: CallEntry) -> None:
        """Add the rows of the next call."""
        for row in cells(call, self._voice.zone):
            if self._sheet is None or self._rows > self._links_a_sheet:
                self._begin_sheet()
            self._write(row)

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The finished workbook."""
        await to_thread.run_sync(self._file.seek, 0)
        while chunk := await to_thread.run_sync(self._file.read, _CHUNK):
            yield chunk

    def finish(self) -> int:
        """Write the rest, after which nothing can be added; returns the size in bytes."""
        if self._sheet is None:
            self._begin_sheet()
        self._end_sheet()
        self._is_finished = True
        try:
            self._book.close()
        except FileCreateError as error:
            raise OSError(*error.args[0].args) from error
        return self._file.seek(0, 2)

    def close(self) -> None:
        """Discard it."""
        try:
            if not self._is_finished:
                self._book.close()  # the only way to remove its temporary files
        finally:
            self._file.close()

    def _begin_sheet(self) -> None:
        self._end_sheet()
        self._sheets += 1
        name = self._voice.say("page.calls")
        name = name if self._sheets == 1 else f"{name} {self._sheets}"
        self._sheet = self._book.add_worksheet(name)
        self._sheet.freeze_panes(1, 0)
        for place, column in enumerate(COLUMNS):
            self._sheet.set_column(place, place, _WIDTHS.get(column, 12))
        for place, column in enumerate(COLUMNS):
            self._sheet.write_string(0, place, self._voice.say(f"column.{column}"), self._bold)
        self._rows = 1

    def _end_sheet(self) -> None:
        if self._sheet is not None:
            self._sheet.autofilter(0, 0, self._rows - 1, len(COLUMNS) - 1)

    def _write(self, row: Sequence[object]) -> None:
        for place, (column, value) in enumerate(zip(COLUMNS, row, strict=True)):
            if value is None or value == "":
                continue
            text = str(visible(str(value)))[:_MOST]
            if column == "file":
                self._sheet.write_url(self._rows, place, f"external:{text}", string=text)
            elif isinstance(value, float) or column == "bytes":
                self._sheet.write_number(self._rows, place, value)
            else:
                self._sheet.write_string(self._rows, place, text, self._plain)
        self._rows += 1
