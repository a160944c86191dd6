"""How long S3 may take, in seconds, for requests of boto3 and for our own."""

from typing import Final

CONNECT_TIMEOUT: Final = 10.0
# Of one read or write on the socket, not of the request.
SOCKET_TIMEOUT: Final = 30.0
