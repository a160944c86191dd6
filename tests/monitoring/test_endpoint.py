"""The endpoint of `run --every`: metrics, and whether the loop still lives."""

import http.client
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from archiver.config import ListenAddress
from archiver.errors import ConfigError
from archiver.monitoring.endpoint import LONGEST_SILENCE, Pulse, endpoint


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@contextmanager
def listening(pulse: Pulse, host: str = "127.0.0.1") -> Iterator[int]:
    with endpoint(ListenAddress(host, 0), lambda: b"archiver_up 1\n", pulse) as port:
        yield port


def ask(port: int, path: str, method: str = "GET", host: str = "127.0.0.1") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(host, port, timeout=10)
    connection.request(method, path)
    response = connection.getresponse()
    found = response.status, response.read()
    connection.close()
    return found


def test_it_serves_metrics_and_nothing_else() -> None:
    with listening(Pulse()) as port:
        assert ask(port, "/metrics") == (200, b"archiver_up 1\n")
        assert ask(port, "/")[0] == 404
        assert ask(port, "/../etc/passwd")[0] == 404
        assert ask(port, "/metrics", "POST")[0] == 501


def test_health_is_a_sign_of_life_not_long_ago() -> None:
    clock = Clock()
    pulse = Pulse(clock)
    with listening(pulse) as port:
        clock.now += LONGEST_SILENCE - 1
        assert ask(port, "/healthz") == (200, b"ok\n")
        clock.now += 2
        assert ask(port, "/healthz")[0] == 503
        pulse.beat()
        assert ask(port, "/healthz")[0] == 200


def test_health_says_how_the_last_verification_ended_and_keeps_its_status() -> None:
    listen = ListenAddress("127.0.0.1", 0)
    with endpoint(listen, lambda: b"", Pulse(), health=lambda: "last verification: x\n") as port:
        assert ask(port, "/healthz") == (200, b"ok\nlast verification: x\n")


def test_it_listens_on_ipv6_too() -> None:
    with listening(Pulse(), "::1") as port:
        assert ask(port, "/healthz", host="::1")[0] == 200


def test_a_port_that_is_taken_is_the_configurations_fault() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            pytest.raises(ConfigError, match=rf"metrics\.listen: .* port {port} is not available"),
            endpoint(ListenAddress("127.0.0.1", port), lambda: b"", Pulse()),
        ):
            pass
