"""nginx on a loopback port: serves the recordings, and the API's responses as static files."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CONFIG = """\
daemon off;
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
{user}
events {{ worker_connections 1024; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000;
  default_type application/json;
  client_body_temp_path {folder}/tmp-body;
  proxy_temp_path {folder}/tmp-proxy;
  fastcgi_temp_path {folder}/tmp-fastcgi;
  uwsgi_temp_path {folder}/tmp-uwsgi;
  scgi_temp_path {folder}/tmp-scgi;
  server {{
    listen 127.0.0.1:{port};
    root {root};
    location /files/ {{ types {{ audio/mpeg mp3; }} }}
    location = /v2/order/ {{ try_files /lists/orders.json =404; }}
    location = /v2/user/list/ {{ try_files /lists/users.json =404; }}
    location = /v2/call-status/ {{ try_files /lists/statuses.json =404; }}
    location = /v2/call/ {{ try_files /calls/$arg_offset.json /calls/behind.json =404; }}
    location = /v2/call-record/ {{ try_files /records/$arg_callId.json =404; }}
  }}
}}
"""

_START_SECONDS = 10.0


def missing_server() -> str | None:
    """Why the web server cannot run; None if it can."""
    return None if _nginx() else "nginx is not installed (Debian: apt-get install nginx-light)"


def free_port() -> int:
    """A loopback port that is not in use at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Whether the loopback port is not in use at the moment."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@contextmanager
def web_server(folder: Path, root: Path, port: int) -> Iterator[None]:
    """Serve `root` on the port while the context lasts; configuration and logs are in `folder`."""
    config = folder / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    config.write_text(_CONFIG.format(folder=folder, root=root, port=port, user=user))
    log = folder / "error.log"
    server = subprocess.Popen([str(_nginx()), "-c", str(config), "-e", str(log)])
    try:
        _wait_until_it_answers(port, server)
        yield
    finally:
        server.terminate()
        server.wait()


def _nginx() -> str | None:
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def _wait_until_it_answers(port: int, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError("nginx did not start")
