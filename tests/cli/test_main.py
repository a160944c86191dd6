"""The frame of the command line: options anywhere, errors in three lines, codes, no traceback."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from archiver import __version__, cli
from archiver.cli import commands
from archiver.errors import ArchiveLocked, ArchiverError, RequestUnanswered
from tests.cli.commands import archiver, awaited, started

CANARY = "canary-7f3a9c"


def ending_with(error: BaseException) -> Any:
    """A command named `end` that raises the error."""

    def execute(arguments: Any, context: Any) -> int:
        raise error

    def add_to(parser: Any, common: Any) -> None:
        parser.set_defaults(execute=execute)

    return SimpleNamespace(name="end", summary="", add_to=add_to)


@pytest.fixture
def end(monkeypatch: pytest.MonkeyPatch) -> Any:
    def run(error: BaseException, *options: str) -> int:
        monkeypatch.setattr(commands, "COMMANDS", (ending_with(error),))
        return cli.main([*options, "end"])

    return run


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ArchiveLocked("locked by a run"), 6),
        (RequestUnanswered("no answer"), 5),
        (ArchiverError("lost"), 1),
        (KeyboardInterrupt(), 130),
        (ValueError("of ours"), 1),
        (ExceptionGroup("tasks", [ExceptionGroup("more", [ArchiveLocked("locked by a run")])]), 6),
        (ExceptionGroup("tasks", [ArchiveLocked("locked"), ValueError("of ours")]), 1),
        (BaseExceptionGroup("tasks", [KeyboardInterrupt()]), 130),
        (SystemExit(0), 0),
    ],
)
def test_every_end_has_its_code(end: Any, error: BaseException, code: int) -> None:
    assert end(error) == code


def test_an_error_of_a_command_is_three_lines(end: Any, capsys: pytest.CaptureFixture[str]) -> None:
    end(ArchiveLocked("locked by a run"))
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "error: locked by a run",
        "hint: wait for the other run to finish",
        "exit code: 6",
    ]


def test_a_bug_shows_its_traceback_and_an_object(
    end: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    end(ValueError("of ours"), "--json")
    out, err = capsys.readouterr()
    assert json.loads(out)["error"]["code"] == 1
    assert "Traceback" in err
    assert "bug in archiver" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ["fly"],
        [],
        ["run", "--leed", "3"],
        ["run", "--lead", "0"],
        ["run", "--lead", "-3"],
        ["run", "--lead", "9223372036854775808"],
        ["run", "--call", "abc"],
        ["sandbox", "--port", "70000"],
        ["run", "--since"],
        ["run", "--dry"],
        ["run", "surplus"],
    ],
)
def test_what_cannot_be_asked_for_ends_with_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([*arguments, "--json"]) == 2
    out, err = capsys.readouterr()
    told = json.loads(out)["error"]
    assert told["code"] == 2
    assert told["message"]
    assert "--help" in told["hint"]
    assert err.splitlines()[-1] == "exit code: 2"


def test_options_may_stand_before_and_after_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = str(tmp_path / "night.yaml")
    for arguments in (["--json", "-c", name, "run"], ["run", "--config", name, "--json"]):
        assert cli.main(arguments) == 2
        assert name + " does not exist" in json.loads(capsys.readouterr().out)["error"]["message"]


@pytest.mark.parametrize("columns", ["50", "80"])
def test_help_never_breaks_a_path_in_two(
    columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    for command, path in (
        ("demo", "./demo-archive"),
        ("completion", "~/.local/share/bash-completion/completions/archiver"),
    ):
        assert cli.main([command, "--help"]) == 0
        assert path in capsys.readouterr().out


def test_help_and_version_are_answers(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"archiver {__version__}\n"
    assert cli.main(["--help"]) == 0
    shown = capsys.readouterr().out
    for command in ("init", "doctor", "run", "sandbox", "demo"):
        assert f"    {command} " in shown
        assert cli.main([command, "--help"]) == 0


def test_hostile_arguments_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", "\x1b[2J\nexit code: 0"]) == 2
    err = capsys.readouterr().err
    assert "\x1b" not in err
    assert len(err.splitlines()) == 3


def test_as_a_process_an_error_is_an_object_and_a_code(tmp_path: Path) -> None:
    done = awaited(started("run", "--json", folder=tmp_path, environ={"LINER_API_KEY": CANARY}))
    assert done.code == 2
    assert done.answer["error"]["code"] == 2
    assert "archiver init" in done.answer["error"]["hint"]
    assert "Traceback" not in done.err


def test_as_a_process_no_secret_is_said(tmp_path: Path) -> None:
    (tmp_path / "archive.yaml").write_text(
        f"liner: {{url: 'https://x:{CANARY}@h', api_key: {CANARY}}}"
    )
    for command in ("run", "doctor"):
        done = awaited(
            started(command, f"--{CANARY}", folder=tmp_path, environ={"LINER_API_KEY": CANARY})
        )
        assert (done.code, done.says(CANARY)) == (2, False)
        done = awaited(started(command, folder=tmp_path, environ={"LINER_API_KEY": "other-key"}))
        assert (done.code, done.says(CANARY)) == (2, False)


def test_the_version_is_told_without_loading_what_takes_long(tmp_path: Path) -> None:
    """Time itself depends on the machine; what takes it does not."""
    program = (
        "import sys\n"
        "from archiver.cli import main\n"
        "main(['--version'])\n"
        "slow = {'httpx', 'anyio', 'yaml', 'asyncio', 'boto3', 'ssl', 'msgspec', 'dataclasses'}\n"
        "print(sorted(slow & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    version, loaded = done.stdout.splitlines()
    assert version == f"archiver {__version__}"
    assert loaded == "[]"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--password", CANARY, "run"],
        ["run", "--password", CANARY],
        ["run", f"--password={CANARY}"],
        ["run", f"--password=two words {CANARY}"],
        [f"--password=two words {CANARY}", "run"],
        ["run", f"-p{CANARY}"],
        ["run", "--lead", "3", "--pasword", CANARY],
        ["user", "--password", CANARY, "add", "anna"],
        ["user", "add", "anna", "--role", "admin", CANARY],
        ["run", f"-ключ{CANARY}"],
        [CANARY],
        [f"LINER_API_KEY={CANARY}", "run"],
        [f"—password={CANARY}", "run"],
        [f"---password={CANARY}", "run"],
        [f"--pass.word={CANARY}", "run"],
        ["user", CANARY],
        ["key", "new", "--to", "key.pem", f"--no-passphrase={CANARY}"],
        ["user", "add", "anna", f"--password-stdin={CANARY}"],
        ["user", "role", "anna", CANARY],
        ["run", f"-q{CANARY}"],
        [f"--log={CANARY}", "run"],
    ],
)
def test_what_may_be_a_password_is_never_repeated(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == 2
    said = "".join(capsys.readouterr())
    assert CANARY.partition("-")[2] not in said
    whats = (
        "unknown option -",
        "unknown command\n",
        "unexpected argument",
        "takes no value",
        "one of",
    )
    assert any(what in said for what in whats)


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["stauts"], "status"),
        (["run", "--leed", "3"], "--lead"),
        (["--jsn", "run"], "--json"),
        (["hold", "ad"], "add"),
        (["export", "--leads=3"], "--lead"),
    ],
)
def test_the_nearest_command_or_option_is_offered(
    arguments: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == 2
    assert f"did you mean {meant}? " in capsys.readouterr().err


def test_without_a_command_the_commands_are_shown_and_the_code_is_2(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main([]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    for command in commands.COMMANDS:
        assert f"    {command.name} " in err
    assert err.splitlines()[-1] == "exit code: 2"


def test_values_that_begin_with_a_dash_are_values(tmp_path: Path) -> None:
    ended = archiver("hold", "add", "--lead", "3", "--reason", "- see note", folder=tmp_path)
    assert "archive.yaml does not exist" in ended.err


def test_quiet_and_verbose_exclude_each_other(tmp_path: Path) -> None:
    ended = archiver("-q", "status", "--verbose", folder=tmp_path)
    assert (ended.code, "--quiet and --verbose" in ended.err) == (2, True)
