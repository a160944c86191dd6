"""The S3 servers of the storage tests, and the authority that makes time stamps."""

from tests.evidence.conftest import authority
from tests.storage.conftest import aws_environment, moto, seaweed, shared_clients

__all__ = ["authority", "aws_environment", "moto", "seaweed", "shared_clients"]
