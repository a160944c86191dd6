"""S3 servers for the tests of this folder."""

from tests.storage.conftest import aws_environment, moto, seaweed, shared_clients

__all__ = ["aws_environment", "moto", "seaweed", "shared_clients"]
