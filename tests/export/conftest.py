"""The S3 servers of the storage tests."""

from tests.storage.conftest import aws_environment, moto, seaweed, shared_clients

__all__ = ["aws_environment", "moto", "seaweed", "shared_clients"]
