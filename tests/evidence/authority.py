"""A time stamp authority on a socket: its stamps are made by `openssl ts`, as a real one's are."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_CONFIG = """\
[tsa]
default_tsa = one
[one]
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
"""


@dataclass
class Authority:
    """An authority with roots of its own. `answer` instead of a stamp: status, type and body."""

    folder: Path
    lifetime: tuple[timedelta, timedelta] = (timedelta(days=-1), timedelta(days=3650))
    answer: tuple[int, str, bytes] | None = None
    queries: list[bytes] = field(default_factory=list)
    url: str = ""

    @property
    def roots(self) -> Path:
        return self.folder / "roots.pem"

    def make(self) -> None:
        """Keys and certificates."""
        self.folder.mkdir(parents=True, exist_ok=True)
        root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        root = _certificate("Test root", root_key, "Test root", root_key, self.lifetime, ca=True)
        signer = _certificate("Test authority", key, "Test root", root_key, self.lifetime)
        self.roots.write_bytes(root.public_bytes(Encoding.PEM))
        (self.folder / "signer.pem").write_bytes(signer.public_bytes(Encoding.PEM))
        (self.folder / "key.pem").write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        (self.folder / "serial").write_text("01\n")
        (self.folder / "tsa.cnf").write_text(_CONFIG.format(folder=self.folder))

    def reply(self, query: bytes) -> bytes:
        """The stamp over a query."""
        self.queries.append(query)
        asked, reply = self.folder / "query.tsq", self.folder / "reply.tsr"
        asked.write_bytes(query)
        files = {
            "-config": self.folder / "tsa.cnf",
            "-queryfile": asked,
            "-signer": self.folder / "signer.pem",
            "-inkey": self.folder / "key.pem",
            "-out": reply,
        }
        given = [str(word) for pair in files.items() for word in pair]
        command = ["openssl", "ts", "-reply", "-section", "one", *given]
        subprocess.run(command, check=True, capture_output=True)
        return reply.read_bytes()


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    lifetime: tuple[timedelta, timedelta],
    *,
    ca: bool = False,
) -> x509.Certificate:
    now = datetime.now(UTC)
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + lifetime[0])
        .not_valid_after(now + (timedelta(days=3650) if ca else lifetime[1]))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if not ca:
        builder = builder.add_extension(usage, critical=True)
    return builder.sign(issuer_key, hashes.SHA256())


@contextmanager
def serving(authority: Authority) -> Iterator[Authority]:
    """The authority on a port of its own, while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            status, kind, body = authority.answer or (
                200,
                "application/timestamp-reply",
                authority.reply(query),
            )
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        authority.url = f"http://127.0.0.1:{server.server_address[1]}/"
        try:
            yield authority
        finally:
            server.shutdown()
            thread.join()
