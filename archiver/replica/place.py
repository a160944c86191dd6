"""Where the replica of an archive is, by its configuration (pure)."""

from archiver.config import Config, StorageConfig
from archiver.errors import UsageError


def place_of(config: Config) -> StorageConfig:
    """The location of the replica. Raises UsageError if none is configured."""
    place = config.replica.storage
    if place is None:
        raise UsageError(
            "replica.url is not set, so there is no second archive",
            hint="set replica.url in archive.yaml to a folder or s3://bucket/prefix",
        )
    return place
