"""`archiver completion`: what real shells offer when the script that it prints is loaded."""

import os
import pty
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.commands import archiver

PATIENCE = 30.0
OFFERS = {
    "archiver veri": "verify",
    "archiver run --dry": "--dry-run",
    "archiver hold lif": "lift",
    "archiver completion fi": "fish",
}
"""Beginnings with one continuation each: commands, options, commands of commands, choices."""


def needs(shell: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(shell) is None, reason=f"no {shell} here")


def script(shell: str, folder: Path) -> Path:
    ended = archiver("completion", shell, folder=folder)
    assert (ended.code, ended.err) == (0, "")
    path = folder / "_archiver"
    path.write_text(ended.out, encoding="utf-8")
    return path


def said(shell: str, *arguments: str) -> str:
    done = subprocess.run(
        [shell, *arguments], capture_output=True, text=True, check=True, timeout=PATIENCE
    )
    return done.stdout


@needs("bash")
def test_bash_completes(tmp_path: Path) -> None:
    program = (
        'source "$0"; words=($1); COMP_WORDS=("${words[@]}"); COMP_CWORD=$((${#words[@]} - 1)); '
        '_shtab_archiver archiver "${words[-1]}" "${words[-2]}"; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    path = script("bash", tmp_path)
    for line, offer in OFFERS.items():
        assert said("bash", "--norc", "-c", program, str(path), line).split() == [offer]


@needs("fish")
def test_fish_completes(tmp_path: Path) -> None:
    path = script("fish", tmp_path)
    for line, offer in OFFERS.items():
        program = f"source {path}; complete -C '{line}'"
        assert said("fish", "--no-config", "-c", program).split()[0] == offer


@needs("zsh")
def test_zsh_completes(tmp_path: Path) -> None:
    """On a terminal, since zsh completes nowhere else: a line and Tab, and what zsh makes of it."""
    folder = script("zsh", tmp_path).parent
    process, terminal = pty.fork()
    if not process:
        environ = {"PATH": os.environ["PATH"], "TERM": "dumb", "PS1": "", "HOME": str(tmp_path)}
        os.execvpe("zsh", ["zsh", "-f", "-i"], environ)
    try:
        setup = f"fpath=({folder} $fpath); autoload -U compinit; compinit -D -u; echo is''ready\n"
        os.write(terminal, setup.encode())
        read_until(terminal, "isready")
        for line, offer in OFFERS.items():
            os.write(terminal, f"{line}\t".encode())
            read_until(terminal, f"{line.rpartition(' ')[0]} {offer}")
            os.write(terminal, b"\x15")  # kill the line
    finally:
        os.kill(process, 9)
        os.waitpid(process, 0)
        os.close(terminal)


def read_until(terminal: int, words: str) -> None:
    """Read what the shell shows until it has shown the words. Fails when it does not."""
    shown, until = "", time.monotonic() + PATIENCE
    while words not in shown.replace("\x08", ""):
        ready, _, _ = select.select([terminal], [], [], until - time.monotonic())
        assert ready, f"{words!r} is not in {shown!r}"
        shown += os.read(terminal, 4096).decode(errors="replace")


def test_with_json_the_script_is_a_member(tmp_path: Path) -> None:
    ended = archiver("completion", "bash", "--json", folder=tmp_path)
    assert "complete -" in ended.answer["text"]
