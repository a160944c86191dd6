"""A network of the kernel's own in which a host is, and a cable to it that can be pulled.

Packets are lost then as in any network, without an error on either side, until the kernel gives its
connections up. Creating networks takes rights that a container may lack.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.support.processes import until

NEAR: Final = "10.213.1.1"
"""This machine, on the cable that can be pulled; its other end is FAR."""
FAR: Final = "10.213.1.2"
SAFE_NEAR: Final = "10.213.2.1"
"""The same on a cable that nobody pulls."""
SAFE_FAR: Final = "10.213.2.2"


@dataclass(frozen=True)
class Cables:
    """Both cables; `inside` starts a command on the other host."""

    inside: tuple[str, ...]
    switch: tuple[str, ...]

    def pull(self) -> None:
        """Pull the cable between NEAR and FAR out of its switch: both ends stay up."""
        _ip(self.switch, "link set arch-m1 nomaster")


@contextmanager
def cables() -> Iterator[Cables]:
    """Another host, and two cables to it. The test is skipped where that is not possible."""
    for program in ("ip", "nsenter", "unshare"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    with _network() as host, _network() as switch:
        _ip((), f"link add arch-v1 type veth peer arch-m1 netns {switch[2]}")
        try:
            _ip((), f"link add arch-v2 type veth peer arch-e2 netns {host[2]}")
            _ip(switch, f"link add arch-s1 type veth peer arch-e1 netns {host[2]}")
            _ip(switch, "link add arch-br type bridge")
            _ip(switch, "link set arch-m1 master arch-br up")
            _ip(switch, "link set arch-s1 master arch-br up")
            _ip(switch, "link set arch-br up")
            ends = {"arch-v1": NEAR, "arch-v2": SAFE_NEAR, "arch-e1": FAR, "arch-e2": SAFE_FAR}
            for link, address in ends.items():
                where = host if address in (FAR, SAFE_FAR) else ()
                _ip(where, f"address add {address}/24 dev {link}")
                _ip(where, f"link set {link} up")
            yield Cables(host, switch)
        finally:
            _ip((), "link del arch-v1")  # the other one ends with its host


@contextmanager
def _network() -> Iterator[tuple[str, ...]]:
    """The command that starts others in a network of their own, which ends with the context."""
    holder = subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE)
    try:
        until(lambda: holder.poll() is not None or _of(holder.pid) != _of(os.getpid()))
        if holder.poll() is not None:
            pytest.skip("this account may not create networks (CAP_SYS_ADMIN and CAP_NET_ADMIN)")
        yield ("nsenter", "--target", str(holder.pid), "--net")
    finally:
        holder.kill()
        holder.communicate()


def _of(process: int) -> Path:
    return Path(f"/proc/{process}/ns/net").readlink()


def _ip(where: tuple[str, ...], command: str) -> None:
    subprocess.run([*where, "ip", *command.split()], check=True, capture_output=True)
