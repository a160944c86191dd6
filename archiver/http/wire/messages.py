"""The system's messages for failed connections; they contain nothing of the request."""

import os
import socket
import ssl


def said(error: BaseException | None) -> str:
    """The system's own message; empty if it has none."""
    if isinstance(error, socket.gaierror):
        return f"the host name cannot be resolved ({error.strerror})"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):  # its number is OpenSSL's, not the system's
        return "the TLS handshake failed"
    number = getattr(error, "errno", None)
    return os.strerror(number) if isinstance(number, int) and number > 0 else ""
