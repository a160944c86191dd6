"""The console: one voice, without secrets and without anything that steers a terminal."""

import base64
import errno
import io
import json
import logging
import os
from pathlib import Path
from urllib.parse import quote

import pytest

from archiver.console import Console
from archiver.errors import ArchiveLocked, ConfigError, SourceRefused, UsageError

SECRET = "canary/7f3a+9=Q \\x"


class Voices:
    """A console and what it wrote."""

    def __init__(self, *, json_mode: bool = False) -> None:
        self.out_stream, self.err_stream = io.StringIO(), io.StringIO()
        self.console = Console(json_mode=json_mode, out=self.out_stream, err=self.err_stream)
        self.console.protect(SECRET, None, "")

    @property
    def out(self) -> str:
        return self.out_stream.getvalue()

    @property
    def err(self) -> str:
        return self.err_stream.getvalue()


def test_people_get_the_result_on_stdout_and_the_rest_on_stderr() -> None:
    voices = Voices()
    voices.console.say("a step")
    voices.console.result("one", "two")
    voices.console.json({"ignored": True})
    assert (voices.out, voices.err) == ("one\ntwo\n", "a step\n")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_colours_and_nothing_else_does() -> None:
    red = "\x1b[1;31m"
    for colour, stream, wanted in (
        (True, Terminal(), True),
        (False, Terminal(), False),
        (True, io.StringIO(), False),
    ):
        console = Console(colour=colour, out=stream, err=stream)
        console.result("PROBLEM  here", "fine \x1b[2J")
        console.error(UsageError("wrong"))
        assert stream.getvalue().count(red) == (2 if wanted else 0)
        assert "\x1b[2J" not in stream.getvalue()


def test_quiet_leaves_warnings_and_errors_alone() -> None:
    err = io.StringIO()
    console = Console(quiet=True, out=io.StringIO(), err=err)
    console.say("a step")
    console.detail("a retry")
    console.warn("a trouble")
    with console.hearing_logs():
        logging.getLogger("library").warning("odd")
    console.error(UsageError("wrong"))
    assert err.getvalue().splitlines()[:3] == [
        "a trouble",
        "warning: library: odd",
        "error: wrong",
    ]
    err = io.StringIO()
    console = Console(quiet=True, json_logs=True, out=io.StringIO(), err=err)
    console.log("retry", attempt=1)
    console.error(UsageError("wrong"))
    assert [json.loads(line)["event"] for line in err.getvalue().splitlines()] == ["error"]


def test_verbose_shows_what_else_only_machines_are_told() -> None:
    err = io.StringIO()
    Console(verbose=True, err=err).detail("a retry")
    Console(err=err).detail("unseen")
    Console(verbose=True, json_logs=True, err=err).detail("unseen")
    assert err.getvalue() == "a retry\n"


def test_a_text_of_our_own_is_written_as_it_is() -> None:
    script = "case $x in\n  http://a/?b=c) ;;\nesac\n"
    voices = Voices()
    voices.console.document(script)
    assert voices.out == script
    voices = Voices(json_mode=True)
    voices.console.document(script)
    assert json.loads(voices.out) == {"text": script}


def test_machines_get_one_object_on_stdout_and_nothing_else() -> None:
    voices = Voices(json_mode=True)
    voices.console.say("a step")
    voices.console.result("ignored")
    voices.console.json({"name": "Ёлка"})
    assert json.loads(voices.out) == {"name": "Ёлка"}
    assert voices.out.count("\n") == 1
    with pytest.raises(RuntimeError, match="one JSON object"):
        voices.console.json({})


def test_spreadsheets_get_rfc_4180_and_no_formula() -> None:
    voices = Voices()
    rows: list[list[str | int | None]] = [["day", "listed"]]
    rows += [['=HYPERLINK("http://x?k=1")', -1], ["+1", None], ["007", 7], ["a, b\r\n", 0]]
    voices.console.csv(rows)
    assert voices.out == (
        "day,listed\r\n"
        '"\'=HYPERLINK(""http://x?[redacted]"")",-1\r\n'
        "'+1,\r\n"
        "'007,7\r\n"
        '"a, b\ufffd\ufffd",0\r\n'
    )


def test_an_error_is_what_a_hint_and_the_code() -> None:
    voices = Voices()
    voices.console.error(ConfigError("archive.yaml, line 3: no", hint="do this"))
    assert voices.err == "error: archive.yaml, line 3: no\nhint: do this\nexit code: 2\n"
    assert voices.out == ""


def test_an_error_without_a_hint_of_its_own_still_says_what_to_do() -> None:
    voices = Voices()
    voices.console.error(ArchiveLocked("locked"))
    assert "hint: wait for the other run to finish\n" in voices.err


def test_every_error_of_a_configuration_is_shown_with_its_hint() -> None:
    error = ConfigError("line 3: no", hint="do this")
    error.others = [ConfigError("line 5: no", hint="do that")]
    voices = Voices()
    voices.console.error(error)
    assert voices.err == (
        "error: line 3: no\nhint: do this\nerror: line 5: no\nhint: do that\nexit code: 2\n"
    )
    voices = Voices(json_mode=True)
    voices.console.error(error)
    assert json.loads(voices.out)["error"] == {
        "code": 2,
        "message": "line 3: no",
        "hint": "do this",
        "others": [{"message": "line 5: no", "hint": "do that"}],
    }


def test_a_usage_error_without_a_hint_refers_to_the_help_of_its_command() -> None:
    voices = Voices()
    voices.console.names("archiver hold add")
    voices.console.error(UsageError("no"))
    assert "hint: run `archiver hold add --help` for usage\n" in voices.err


def test_an_error_is_an_object_for_machines() -> None:
    voices = Voices(json_mode=True)
    voices.console.error(SourceRefused("the API rejected the key", hint="renew it"))
    assert json.loads(voices.out) == {
        "error": {"code": 5, "message": "the API rejected the key", "hint": "renew it"}
    }
    assert "exit code: 5" in voices.err


def test_an_error_after_the_answer_does_not_spoil_it() -> None:
    voices = Voices(json_mode=True)
    voices.console.json({"complete": True})
    voices.console.error(UsageError("late"))
    assert json.loads(voices.out) == {"complete": True}


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET, safe=""),
        quote(SECRET, safe="").replace("%2F", "%2f").replace("%2B", "%2b").replace("%3D", "%3d"),
        base64.b64encode(SECRET.encode()).decode(),
        repr(SECRET),
        json.dumps(SECRET),
    ],
)
def test_a_secret_appears_in_no_voice_and_no_form(form: str) -> None:
    for voices in (Voices(), Voices(json_mode=True)):
        voices.console.say(f"a {form} b")
        voices.console.result(f"a {form} b")
        voices.console.json({f"k{form}": [{"deep": f"a {form} b"}]})
        voices.console.error(UsageError(f"a {form} b", hint=form))
        voices.console.bug(ValueError(f"a {form} b"))
        said = voices.out + voices.err
        assert "[redacted]" in said
        assert form.strip("'\"") not in said
        assert "7f3a" not in said


def test_the_query_and_the_password_of_an_address_appear_nowhere() -> None:
    voices = Voices()
    voices.console.say("GET https://anna:pw@h.test/a.mp3?X-Sig=abc&t=1 failed (http://h/#frag)")
    assert voices.err == ("GET https://h.test/a.mp3?[redacted] failed (http://h/#[redacted]\n")


@pytest.mark.parametrize(
    "hostile", ["\x1b[2J", "a\nb", "a\rb", "\u202egnp", "\u2066", "\x9b", "\x07", "\u2028"]
)
def test_nothing_that_steers_a_terminal_gets_through(hostile: str) -> None:
    for voices in (Voices(), Voices(json_mode=True)):
        voices.console.result(f"name {hostile}")
        voices.console.json({"name": hostile})
        voices.console.error(UsageError(f"name {hostile}"))
        lines = (voices.out + voices.err).split("\n")
        assert not any(c in line for line in lines for c in "\x1b\r\u202e\u2066\x9b\x07\u2028")
        assert "b" not in lines
    answer = json.loads(voices.out)
    assert "\ufffd" in answer["name"]


def test_words_of_any_language_stay_as_they_are() -> None:
    voices = Voices()
    voices.console.result("Анна Прайс – 日本語 é")
    assert voices.out == "Анна Прайс – 日本語 é\n"


def test_a_stream_that_cannot_write_a_letter_gets_a_question_mark() -> None:
    raw = io.BytesIO()
    console = Console(out=io.TextIOWrapper(raw, encoding="ascii", write_through=True))
    console.result("Ёлка")
    assert raw.getvalue() == b"????\n"


def test_a_failure_of_ours_says_that_it_is_ours() -> None:
    voices = Voices(json_mode=True)
    try:
        raise KeyError("lost")
    except KeyError as error:
        voices.console.bug(error)
    assert json.loads(voices.out)["error"]["code"] == 1
    assert "Traceback" in voices.err
    assert "error: bug in archiver: KeyError: 'lost'" in voices.err


def test_a_reader_that_leaves_ends_the_writing_and_nothing_else() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as out:
        console = Console(out=out, err=io.StringIO())
        console.result("nobody", "reads", "this")
        console.result("nor this")


class Full(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_result_that_cannot_be_written_is_an_error() -> None:
    console = Console(json_mode=True, out=Full(), err=io.StringIO())
    with pytest.raises(UsageError, match="cannot write the result: No space left"):
        console.json({})


def test_progress_that_cannot_be_written_is_no_error() -> None:
    console = Console(out=io.StringIO(), err=Full())
    console.say("step")
    console.result("done")


def test_only_a_terminal_is_live(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as log:
        assert not Console(err=log).is_live


def test_what_libraries_log_is_said_and_scrubbed() -> None:
    voices, log = Voices(), logging.getLogger("some.library")
    with voices.console.hearing_logs():
        log.info("quiet")
        log.warning("key %s\x1b", SECRET)
        broken = logging.makeLogRecord(
            {"name": "lib", "msg": "%d", "args": ("x",), "levelname": "WARNING"}
        )
        logging.getLogger().handlers[-1].handle(broken)
        try:
            raise ValueError(SECRET)
        except ValueError:
            log.exception("it broke")
    log.warning("after the end")
    lines = voices.err.splitlines()
    assert lines[:3] == [
        "warning: some.library: key [redacted]\ufffd",
        "warning: lib: %d",
        "error: some.library: it broke",
    ]
    assert lines[-1] == "ValueError: [redacted]"
    assert "7f3a" not in voices.err


class Logs(Voices):
    """The same, where lines are JSON objects."""

    def __init__(self) -> None:
        super().__init__()
        self.console = Console(json_logs=True, out=self.out_stream, err=self.err_stream)
        self.console.protect(SECRET)

    @property
    def told(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.err.splitlines()]


def test_as_json_each_line_is_an_object_with_what_it_is_about() -> None:
    logs = Logs()
    logs.console.say("a step")
    logs.console.about(runId="r1")
    logs.console.log("retry", callId=7, recordId=None)
    logs.console.error(ConfigError("no", hint="do this"))
    note, retry, error = logs.told
    assert note.keys() == {"at", "level", "event", "message"}
    assert (note["event"], note["message"]) == ("note", "a step")
    assert {**retry, "at": 0} == {
        "at": 0,
        "level": "info",
        "event": "retry",
        "runId": "r1",
        "callId": 7,
    }
    assert (error["event"], error["code"], error["hint"]) == ("error", 2, "do this")
    assert not logs.console.is_live


def test_as_json_lines_are_scrubbed_like_all_others() -> None:
    logs = Logs()
    logs.console.say(f"{SECRET}\x1b[31m\nforged", event="x", url=f"https://a.b/c?sig={SECRET}")
    (line,) = logs.told
    assert line["message"] == "[redacted]\ufffd[31m\ufffdforged"
    assert line["url"] == "https://a.b/c?[redacted]"


def test_as_text_what_only_machines_read_is_not_said() -> None:
    voices = Voices()
    voices.console.log("retry", callId=7)
    voices.console.say("words", event="undelivered", notice="heartbeat")
    assert voices.err == "words\n"


def test_a_command_that_keeps_running_answers_once_a_run() -> None:
    voices = Voices(json_mode=True)
    for number in range(2):
        voices.console.next_answer()
        voices.console.json({"run": number})
    assert [json.loads(line) for line in voices.out.splitlines()] == [{"run": 0}, {"run": 1}]
