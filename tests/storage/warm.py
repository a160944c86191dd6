"""An S3 storage that has made its first requests."""

from archiver.storage.s3.bucket import S3Storage
from tests.storage.suite import body, content

FIRST = "0/0/1.json"


async def warm_up(storage: S3Storage) -> None:
    """Let boto3 put and get one object, so that what follows can go past it."""
    await storage.put(FIRST, body(b"first"))
    await content(storage, FIRST)
