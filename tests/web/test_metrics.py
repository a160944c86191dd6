"""The desk's metrics: what the archive has, on a port of their own, and never in the desk's way."""

import logging
import socket
import threading
from pathlib import Path

import pytest

from archiver.web.metrics import Lately
from tests.monitoring.test_endpoint import ask
from tests.storage.s3_servers import free_ports
from tests.web.desks import archived, calls, served, until_listed

RECORDINGS = 17


def test_a_desk_tells_prometheus_what_the_archive_has(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    made = archived(tmp_path, calls(), settings={"metrics": {"listen": f"127.0.0.1:{port}"}})
    with served(made) as desk, desk.visitor() as local:
        until_listed(local, RECORDINGS)
        assert ask(port, "/healthz") == (200, b"ok\n")
        status, told = ask(port, "/metrics")
        assert status == 200
        assert b'archiver_recordings{state="archived"} 17.0' in told
        assert b"archiver_ledger_segments" in told
        assert b"+7900" not in told
    with pytest.raises(OSError):
        ask(port, "/healthz")


def test_a_port_that_the_nights_have_keeps_no_desk_from_opening(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        made = archived(tmp_path, calls(), settings={"metrics": {"listen": f"127.0.0.1:{port}"}})
        with caplog.at_level(logging.WARNING), served(made) as desk, desk.visitor() as local:
            until_listed(local, RECORDINGS)
    (said,) = [one.getMessage() for one in caplog.records if one.name == "archiver.web.metrics"]
    assert f"port {port} is not available" in said
    assert "the desk serves no metrics" in said


def test_an_archive_is_counted_at_most_once_in_ten_seconds() -> None:
    now, counted = [100.0], []

    def count() -> bytes:
        counted.append(now[0])
        return b"%d" % len(counted)

    lately = Lately(count, lambda: now[0])
    askers = [threading.Thread(target=lately) for _ in range(4)]
    for one in askers:
        one.start()
    for one in askers:
        one.join()
    assert (lately(), counted) == (b"1", [100.0])
    now[0] += 10
    assert lately() == b"2"
