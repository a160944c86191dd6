"""The only writer to standard output and standard error.

Progress, notes and errors go to standard error. Standard output has only the result: text for
people, or exactly one JSON object with `--json`. Everything is sanitised before it is written,
wherever it came from: registered secrets and the query of a URL become `[redacted]`, and characters
that control a terminal (control, bidirectional and other invisible ones) become U+FFFD, so that a
name or a summary from the API can neither forge a line nor repaint the screen.

With `--log json` each line of standard error is one JSON object instead: `at`, `event`, `message`,
and ids.
"""

import json
import logging
import os
import sys
import traceback
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final, Literal, TextIO, TypeAlias

from archiver.clock import stamp_to_the_millisecond
from archiver.errors import INTERRUPTED, ArchiverError, ConfigError, UsageError
from archiver.secrets import Scrubber
from archiver.text.colours import coloured
from archiver.text.csv import csv_line

Level: TypeAlias = Literal["info", "warning", "error"]
"""The severity of a log line."""

_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_BUG: Final = "please report it with the lines above; no archived data is affected"
_HINTS: Final = {
    1: _BUG,
    4: "run `archiver verify` for all findings",
    5: "run `archiver doctor` to find out which part fails",
    6: "wait for the other run to finish",
}


class Console:
    """The output of one command. Not thread-safe.

    A reader that goes away (`archiver status | head`) ends the output and nothing else. Any other
    failure to write a result raises UsageError: an unwritten result must not look like success.
    """

    def __init__(
        self,
        *,
        json_mode: bool = False,
        json_logs: bool = False,
        quiet: bool = False,
        verbose: bool = False,
        colour: bool = False,
        out: TextIO | None = None,
        err: TextIO | None = None,
    ) -> None:
        self.json_mode = json_mode
        self._json_logs = json_logs
        self.quiet = quiet
        self.verbose = verbose
        self._colour = colour
        self._about: dict[str, Any] = {}
        self._program = "archiver"
        self._out = sys.stdout if out is None else out
        self._err = sys.stderr if err is None else err
        self._answered = False
        self._scrubber = Scrubber()

    def protect(self, *secrets: str | None) -> None:
        """Never write these texts, as they are, percent-encoded, in base64 or escaped."""
        self._scrubber.learn(*secrets)

    def clean(self, text: str) -> str:
        """The text as one line that is safe to show."""
        text = self._scrubber.scrub(text)
        if text.isascii() and text.isprintable():
            return text
        return "".join("\ufffd" if unicodedata.category(c) in _INVISIBLE else c for c in text)

    @property
    def is_live(self) -> bool:
        """Whether standard error is a terminal on which progress can be redrawn."""
        is_plain = self._json_logs or self.quiet or self.verbose
        return not is_plain and _is_terminal(self._err)

    @property
    def live_stream(self) -> TextIO:
        """Standard error itself, for bars that redraw their line; they show numbers only."""
        return self._err

    def say(self, line: str, *, event: str = "note", **facts: Any) -> None:
        """One line on standard error: a note, a step, progress. Nothing with `--quiet`.

        With `--log json` it is an object of that `event`, with the facts as members.
        """
        if not self.quiet:
            self._line(line, "info", event, facts)

    def warn(self, line: str, *, event: str = "note", **facts: Any) -> None:
        """One line on standard error that `--quiet` shows, too: a warning."""
        self._line(line, "warning", event, facts)

    def _line(self, line: str, level: Level, event: str, facts: Mapping[str, Any]) -> None:
        if self._json_logs:
            self._log(event, level, {**facts, "message": line})
        else:
            self._to_err(self._painted(line, self._err))

    def detail(self, line: str) -> None:
        """One line on standard error for `--verbose`; with `--log json` use `log` instead."""
        if self.verbose and not self._json_logs:
            self._to_err(self.clean(line))

    def log(self, event: str, *, level: Level = "info", **facts: Any) -> None:
        """One JSON object on standard error with `--log json`; otherwise nothing.

        For events that people would not read line by line, such as each retry. Unknown facts (None)
        are left out. Nothing with `--quiet`.
        """
        if self._json_logs and not self.quiet:
            self._log(event, level, facts)

    def _log(self, event: str, level: Level, facts: Mapping[str, Any]) -> None:
        at = stamp_to_the_millisecond(datetime.now(UTC))
        told = {"at": at, "level": level, "event": event, **self._about, **facts}
        known = {name: fact for name, fact in told.items() if fact is not None}
        self._to_err(json.dumps(self._scrubbed(known)))

    def names(self, program: str) -> None:
        """Refer to the help of this command (`archiver hold add`) where an error has no hint."""
        self._program = program

    def about(self, **facts: Any) -> None:
        """Add these facts to every JSON line from here on, instead of those given before."""
        self._about = facts

    def result(self, *lines: str) -> None:
        """The result for people, one line each; nothing with `--json`."""
        if not self.json_mode and lines:
            self._to_out("\n".join(self._painted(line, self._out) for line in lines))

    def document(self, text: str) -> None:
        """A result that is a text of its own (a script, a schema), written unchanged.

        With `--json` it is the member `text` of the object.
        """
        if self.json_mode:
            self._answer({"text": text})
        else:
            self._to_out(text.removesuffix("\n"))

    def csv(self, rows: Iterable[Sequence[str | int | None]]) -> None:
        """The result as CSV (RFC 4180); the first row has the column names.

        No cell can be read as a formula or as a different number by a spreadsheet.
        """
        lines = (
            csv_line(self.clean(value) if isinstance(value, str) else value for value in row)
            for row in rows
        )
        self._to_out("".join(lines).removesuffix("\n"))

    def json(self, value: Mapping[str, Any]) -> None:
        """The result as one JSON object on one line, once; nothing without `--json`."""
        if self.json_mode:
            self._answer(self._scrubbed(value))

    def _answer(self, value: Mapping[str, Any]) -> None:
        if self._answered:
            raise RuntimeError("a command answers with one JSON object")
        self._answered = True
        self._to_out(json.dumps(value, allow_nan=False))

    def next_answer(self) -> None:
        """Allow one more JSON object: for a command that keeps running, one per run."""
        self._answered = False

    def error(self, error: ArchiverError) -> None:
        """The message, the hint and the exit code; with `--json` also as an object on stdout.

        All errors of a configuration are reported.
        """
        others = error.others if isinstance(error, ConfigError) else ()
        self._fail(error.exit_code, *((str(each), self._hint(each)) for each in (error, *others)))

    def _hint(self, error: ArchiverError) -> str:
        usage = f"run `{self._program} --help` for usage" if error.exit_code == 2 else ""
        return error.hint or _HINTS.get(error.exit_code, usage)

    def interrupted(self, hint: str = "nothing is lost; run the same command to continue") -> None:
        """Report that a command was interrupted and has no result."""
        self._fail(INTERRUPTED, ("interrupted", hint))

    def bug(self, error: BaseException) -> None:
        """An unexpected failure: its traceback, then one line that calls it a bug in archiver."""
        self.say_traceback(error)
        self._fail(1, (f"bug in archiver: {type(error).__name__}: {error}", _BUG))

    @contextmanager
    def hearing_logs(self) -> Iterator[None]:
        """Report warnings and errors that libraries log, sanitised like everything else."""
        handler = _LogLines(self)
        logging.getLogger().addHandler(handler)
        try:
            yield
        finally:
            logging.getLogger().removeHandler(handler)

    def say_traceback(self, error: BaseException) -> None:
        """Write a traceback to standard error, line by line."""
        for chunk in traceback.format_exception(error):
            for line in chunk.rstrip("\n").split("\n"):
                self._line(line, "error", "note", {})

    def _fail(self, code: int, *errors: tuple[str, str]) -> None:
        """Each error with its hint, then the code; the object for `--json` begins with the first
        and has the others as its member `others`."""
        if self.json_mode and not self._answered:
            first, *others = ({"message": message, "hint": hint} for message, hint in errors)
            more = {"others": others} if others else {}
            self.json({"error": {"code": code, **first, **more}})
        for message, hint in errors:
            if self._json_logs:
                self._log("error", "error", {"code": code, "message": message, "hint": hint})
                continue
            self.warn(f"error: {message}")
            if hint:
                self.warn(f"hint: {hint}")
        if not self._json_logs:
            self.warn(f"exit code: {code}")

    def _painted(self, line: str, stream: TextIO | None) -> str:
        clean = self.clean(line)
        return coloured(clean) if self._colour and _is_terminal(stream) else clean

    def _scrubbed(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.clean(value)
        if isinstance(value, Mapping):
            return {self.clean(str(key)): self._scrubbed(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._scrubbed(item) for item in value]
        return value

    def _to_out(self, text: str) -> None:
        try:
            _write(self._out, text)
        except BrokenPipeError:
            _forget(self._out)
        except OSError as error:
            _forget(self._out)
            raise UsageError(
                f"cannot write the result: {error.strerror or 'output failed'}",
                hint="check where standard output goes",
            ) from None

    def _to_err(self, text: str) -> None:
        try:
            _write(self._err, text)
        except OSError:
            _forget(self._err)


class _LogLines(logging.Handler):
    """Writes log records as lines of a console."""

    def __init__(self, console: Console) -> None:
        super().__init__(logging.WARNING)
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record on one line, followed by its traceback."""
        try:
            message = record.getMessage()
        except (TypeError, ValueError):  # the library's arguments do not fit its own message
            message = str(record.msg)
        self._console.warn(f"{record.levelname.lower()}: {record.name}: {message}")
        if record.exc_info and record.exc_info[1]:
            self._console.say_traceback(record.exc_info[1])


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


def _write(stream: TextIO | None, text: str) -> None:
    """Write and flush; characters that the stream's encoding lacks become question marks."""
    if stream is None:  # the process was started with the stream closed
        return
    encoding = getattr(stream, "encoding", None) or "utf-8"
    stream.write(text.encode(encoding, "replace").decode(encoding) + "\n")
    stream.flush()


def _forget(stream: TextIO) -> None:
    """Redirect the stream to the null device, so that the interpreter's last flush cannot fail."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    except (OSError, ValueError):
        return
