"""Versions and locks of the objects in one bucket."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from archiver.storage.keys import check_key, check_prefix
from archiver.storage.s3.answers import endless_listing, required
from archiver.storage.s3.errors import s3_errors, status_of
from archiver.storage.versions import ObjectLock, ObjectVersion, Versions

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_UNLOCKED = "ObjectLockConfigurationNotFoundError"
_NEVER_SET = {"NoSuchObjectLockConfiguration", "NoSuchObjectLegalHold"}
"""AWS, SeaweedFS."""


class VersionRequests:
    """The requests, one method each; every one blocks. `prefix` ends in a slash or is empty."""

    def __init__(self, bucket: str, prefix: str, client: Callable[[], "S3Client"]) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._client_now = client
        self._keeps: bool | None = None

    @property
    def client(self) -> "S3Client":
        """boto3's client, which may be created anew between two requests."""
        return self._client_now()

    def of(self, prefix: str) -> list[ObjectVersion]:
        """Every version below the prefix; the objects themselves where the bucket keeps none."""
        with s3_errors(prefix):
            if self._keeps is None:
                status = self.client.get_bucket_versioning(Bucket=self._bucket).get("Status")
                self._keeps = status is not None
            found = self._versions(prefix) if self._keeps else self._objects(prefix)
        return sorted(found, key=lambda one: (one.key, not one.is_newest))

    def lock(self, key: str, version: str | None) -> ObjectLock:
        """The lock in the headers of the object."""
        with s3_errors(key):
            answer = self.client.head_object(**self._address(key, version))
        return ObjectLock(
            answer.get("ObjectLockRetainUntilDate"),
            answer.get("ObjectLockLegalHoldStatus") == "ON",
            answer.get("ObjectLockMode"),
            answer.get("LastModified"),
        )

    def retain(self, key: str, version: str | None, mode: str, until: datetime) -> None:
        """Lock a version."""
        retention: Any = {"Mode": mode, "RetainUntilDate": until}
        with s3_errors(key):
            self.client.put_object_retention(**self._address(key, version), Retention=retention)

    def hold(self, key: str, version: str | None, is_on: bool) -> None:
        """Set or remove a legal hold."""
        legal_hold: Any = {"Status": "ON" if is_on else "OFF"}
        with s3_errors(key):
            self.client.put_object_legal_hold(**self._address(key, version), LegalHold=legal_hold)

    def is_on_hold(self, key: str, version: str | None) -> bool:
        """Whether a version has a legal hold, asked for by itself: the headers of an object leave
        it out, like one that was never set, for callers without the permission."""
        with s3_errors(key):
            try:
                answer = self.client.get_object_legal_hold(**self._address(key, version))
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") in _NEVER_SET:
                    return False
                raise
        return answer.get("LegalHold", {}).get("Status") == "ON"

    def delete(self, key: str, version: str | None) -> None:
        """Remove a version; S3 does not mind if there is none."""
        with s3_errors(key):
            self.client.delete_object(**self._address(key, version))

    def can_lock(self) -> bool:
        """Whether the bucket was made with Object Lock."""
        with s3_errors(""):
            try:
                answer = self.client.get_object_lock_configuration(Bucket=self._bucket)
            except ClientError as error:
                # Servers that know nothing of locks answer 400 or 501 (observation).
                if error.response.get("Error", {}).get("Code") == _UNLOCKED or status_of(error) in (
                    400,
                    404,
                    501,
                ):
                    return False
                raise
        return answer.get("ObjectLockConfiguration", {}).get("ObjectLockEnabled") == "Enabled"

    def _versions(self, prefix: str) -> list[ObjectVersion]:
        pages = self.client.get_paginator("list_object_versions").paginate(
            Bucket=self._bucket, Prefix=self._prefix + prefix
        )
        return [
            ObjectVersion(
                self._key_of(one),
                required(one, "VersionId", self._key_of(one)),
                one.get("Size", 0),
                required(one, "IsLatest", self._key_of(one)),
                kind == "DeleteMarkers",
                one.get("LastModified"),
            )
            for page in map(partial(_continued, marker="NextKeyMarker"), pages)
            for kind in ("Versions", "DeleteMarkers")
            for one in _listed(page, kind)
        ]

    def _objects(self, prefix: str) -> list[ObjectVersion]:
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix + prefix
        )
        return [
            ObjectVersion(
                self._key_of(one), None, required(one, "Size", self._key_of(one)), is_newest=True
            )
            for page in map(partial(_continued, marker="NextContinuationToken"), pages)
            for one in page.get("Contents", [])
        ]

    def _key_of(self, listed: Any) -> str:
        return str(required(listed, "Key", "")).removeprefix(self._prefix)

    def _address(self, key: str, version: str | None) -> Any:
        address = {"Bucket": self._bucket, "Key": self._prefix + key}
        return address if version is None else {**address, "VersionId": version}


@dataclass(frozen=True, slots=True)
class S3Versions(Versions):
    """See `Versions`; each verb in a worker thread, by `in_thread`."""

    requests: VersionRequests
    in_thread: Callable[..., Awaitable[Any]]

    async def of(self, prefix: str) -> list[ObjectVersion]:
        """See `Versions.of`."""
        found: list[ObjectVersion] = await self.in_thread(self.requests.of, check_prefix(prefix))
        return found

    async def lock(self, key: str, version: str | None) -> ObjectLock:
        """See `Versions.lock`."""
        found: ObjectLock = await self.in_thread(self.requests.lock, check_key(key), version)
        return found

    async def retain(self, key: str, version: str | None, mode: str, until: datetime) -> None:
        """See `Versions.retain`."""
        await self.in_thread(self.requests.retain, check_key(key), version, mode, until)

    async def hold(self, key: str, version: str | None, *, is_on: bool) -> None:
        """See `Versions.hold`."""
        await self.in_thread(self.requests.hold, check_key(key), version, is_on)

    async def is_on_hold(self, key: str, version: str | None) -> bool:
        """See `Versions.is_on_hold`."""
        return bool(await self.in_thread(self.requests.is_on_hold, check_key(key), version))

    async def delete(self, key: str, version: str | None) -> None:
        """See `Versions.delete`."""
        await self.in_thread(self.requests.delete, check_key(key), version)

    async def can_lock(self) -> bool:
        """See `Versions.can_lock`."""
        return bool(await self.in_thread(self.requests.can_lock))


def _continued(page: Any, marker: str) -> Any:
    """The page of a listing, if it says whether there is another, and where: otherwise botocore
    takes it for the last, and the rest would be missed. StorageRefused if it does not."""
    if required(page, "IsTruncated", "") and not page.get(marker):
        raise endless_listing()
    return page


def _listed(page: Any, kind: str) -> Any:
    return page.get(kind, [])
