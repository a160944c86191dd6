"""Real proxies on loopback: tinyproxy, kind and unkind."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

TINYPROXY = shutil.which("tinyproxy", path="/usr/bin:/usr/sbin:/usr/local/bin")
needs_tinyproxy = pytest.mark.skipif(TINYPROXY is None, reason="there is no tinyproxy here")

USER, PASSWORD = "anna", "secret1"
READY_WITHIN = 30.0


@dataclass(frozen=True)
class RunningProxy:
    """Where a proxy listens, and what it has logged."""

    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def with_password(self) -> str:
        return f"http://{USER}:{PASSWORD}@127.0.0.1:{self.port}"

    def requests(self, method: str) -> int:
        """How many requests of that method it was asked for."""
        return self.log.read_text().count(f": {method} ")


@contextmanager
def tinyproxy(folder: Path, *lines: str) -> Iterator[RunningProxy]:
    """A proxy with more lines of configuration, gone at the end."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    log = folder / "tinyproxy.log"
    config = folder / "tinyproxy.conf"
    own = [f"Port {port}", "Listen 127.0.0.1", "Timeout 60", f'LogFile "{log}"', "LogLevel Info"]
    config.write_text("\n".join([*own, *lines]) + "\n")
    command = [str(TINYPROXY), "-d", "-c", str(config)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_until_it_listens(port, process)
            yield RunningProxy(port, log)
        finally:
            process.kill()


def refusing(folder: Path) -> str:
    """A line of configuration after which every host is refused."""
    nothing = folder / "nothing"
    nothing.write_text("^$\n")
    return f'Filter "{nothing}"\nFilterDefaultDeny Yes'


def asking() -> str:
    """A line of configuration after which user and password are asked for."""
    return f"BasicAuth {USER} {PASSWORD}"


def _wait_until_it_listens(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + READY_WITHIN
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline or process.poll() is not None:
                raise
            time.sleep(0.01)
        else:
            return
