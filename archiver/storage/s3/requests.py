"""The requests that an archive makes of one bucket, one method each. Every one blocks.

- Create-only is `If-None-Match: *`, on the put of a small object and on the completion of an upload
  in parts; replacing is `If-Match`. boto3's managed transfer cannot do the former (boto/boto3 issue
  4366), so parts are sent one by one. Some servers ignore the conditions without a word: `probe.py`
  finds out.
- The server checks the SHA-256 of what it receives (of each part, where there are several). The
  digest of the whole is known to the server only for an object sent in one piece.
- boto3's own retries are off: a put that it repeated could meet its own object, and one place
  decides about retries (`retrying.py`).
"""

import base64
import hashlib
import io
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from operator import attrgetter
from typing import IO, TYPE_CHECKING, Any, Final, TypeAlias, cast

from botocore.exceptions import ClientError

from archiver.config import S3Config
from archiver.errors import KeyChanged, KeyExists, StorageError, StorageRefused, StorageUnreachable
from archiver.storage.base import Body, ByteRange, ObjectInfo
from archiver.storage.keys import ARCHIVE_PREFIX, TMP_PREFIX
from archiver.storage.local.disk import storage_error
from archiver.storage.s3.access import Access
from archiver.storage.s3.answers import (
    following,
    require_listing,
    require_object,
    required,
    tag,
)
from archiver.storage.s3.errors import s3_errors, status_of
from archiver.storage.s3.parts import Stretch, Window
from archiver.storage.s3.signing import Known, checksum_of
from archiver.storage.s3.versions import VersionRequests

if TYPE_CHECKING:
    from hashlib import _Hash

    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

Stream: TypeAlias = "StreamingBody | io.BytesIO"

HASH_CHUNK: Final = 1 << 20


class Bucket:
    """The keys of an archive below one prefix of a bucket. May be used by many threads at once.

    With what is `known` from another process, boto3 is imported when a request first needs it.
    """

    def __init__(
        self,
        name: str,
        prefix: str,
        config: S3Config,
        *,
        connections: int,
        known: Known | None = None,
    ) -> None:
        self._bucket = name
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._config = config
        self._bucket_is_known = False
        self.access = Access(config, connections, known)
        self.versions = VersionRequests(name, self._prefix, lambda: self._client)

    @property
    def _client(self) -> "S3Client":
        return self.access.service.client

    def put_whole(self, key: str, body: Body, replacing: str | None) -> Any:
        """Put a small object in one request."""
        parameters = self.put_parameters(key, body, replacing)
        with _source(key, body) as data, _put_errors(key, replacing):
            answer = self._client.put_object(**self._address(key), Body=data, **parameters)
        self.access.learn(self.name_of(key))
        return answer

    def put_parameters(self, key: str, body: Body, replacing: str | None) -> dict[str, Any]:
        """The parameters of a put of a whole object, besides its location and bytes."""
        return {
            "ContentLength": body.size,
            "ContentType": body.content_type,
            # Named as well as given: some servers take no lock without it (moto: observation).
            "ChecksumAlgorithm": "SHA256",
            "ChecksumSHA256": checksum_of(body.sha256),
            **_condition(replacing),
            **self._attributes(key),
        }

    def name_of(self, key: str) -> str:
        """The key in the bucket."""
        return self._prefix + key

    def begin(self, key: str, body: Body) -> str:
        """Begin an upload in parts; its id."""
        with s3_errors(key):
            answer = self._client.create_multipart_upload(
                **self._address(key),
                ContentType=body.content_type,
                ChecksumAlgorithm="SHA256",
                **self._attributes(key),
            )
            return str(required(answer, "UploadId", key))

    def put_part(
        self, key: str, upload: str, number: int, body: Body, span: Stretch, before: "_Hash"
    ) -> "tuple[CompletedPartTypeDef, _Hash]":
        """Send one part; returns it, and the digest of the body up to its end.

        `before` is that up to its beginning. It is not changed, since the request may be repeated.
        """
        with _source(key, body) as data, s3_errors(key):
            file = io.BytesIO(data) if isinstance(data, bytes) else data
            digest, whole = hashlib.sha256(), before.copy()
            part = Window(file, span)
            while chunk := part.read(HASH_CHUNK):
                digest.update(chunk)
                whole.update(chunk)
            part.seek(0)
            checksum = base64.b64encode(digest.digest()).decode()
            answer = self._client.upload_part(
                **self._address(key),
                UploadId=upload,
                PartNumber=number,
                Body=cast(IO[bytes], part),
                ContentLength=span.size,
                ChecksumSHA256=checksum,
            )
            done: CompletedPartTypeDef = {
                "PartNumber": number,
                "ETag": required(answer, "ETag", key),
                "ChecksumSHA256": checksum,
            }
            return done, whole

    def complete(
        self, key: str, upload: str, parts: "list[CompletedPartTypeDef]", replacing: str | None
    ) -> Any:
        """Make the object of all the parts."""
        with _put_errors(key, replacing):
            return self._client.complete_multipart_upload(
                **self._address(key),
                UploadId=upload,
                MultipartUpload={"Parts": parts},
                **_condition(replacing),
            )

    def abort(self, key: str, upload: str) -> None:
        """Forget an upload and its parts."""
        with s3_errors(key):
            self._client.abort_multipart_upload(**self._address(key), UploadId=upload)

    def get(self, key: str, span: ByteRange | None) -> Stream:
        """The bytes to come: none where the range starts at or past the end."""
        asked = get_parameters(span)
        with s3_errors(key):
            try:
                answer = self._client.get_object(**self._address(key), **asked)
            except ClientError as error:
                if span is not None and status_of(error) == 416:
                    return io.BytesIO()
                raise
        try:
            require_object(answer, key)
        except StorageUnreachable:
            answer["Body"].close()
            raise
        given = answer.get("ContentRange", "").removeprefix("bytes ")
        if span is not None and not given.startswith(f"{span.start}-"):
            answer["Body"].close()
            raise StorageError(f"{key}: the S3 server ignores range requests", key=key)
        self.access.learn(self.name_of(key))
        return answer["Body"]

    def stat(self, key: str) -> ObjectInfo:
        """Size and tag; StorageRefused if it is the bucket that is missing."""
        answer = self._head(key)
        return info_of(
            key,
            required(answer, "ContentLength", key),
            answer,
            age=_since(answer.get("LastModified"), answer),
        )

    def page(
        self, prefix: str, asked: dict[str, Any]
    ) -> tuple[list[ObjectInfo], dict[str, Any] | None]:
        """One page of a listing, and the request for the next; the first with nothing."""
        with s3_errors(prefix):
            answer = self._client.list_objects_v2(
                Bucket=self._bucket, Prefix=self._prefix + prefix, **asked
            )
        require_listing(answer)
        # SeaweedFS lists folder by folder: `a/x` before `a-b` (observation). No keys of an archive
        # differ in that; for others a page is sorted, and the caller checks one page against the
        # next.
        page = sorted(
            (
                ObjectInfo(self._key_of(one), required(one, "Size", self._key_of(one)), tag(one))
                for one in answer.get("Contents", [])
            ),
            key=attrgetter("key"),
        )
        return page, following(answer, asked)

    def delete(self, key: str) -> None:
        """Remove one object; KeyMissing where there is none."""
        # S3 answers a delete of nothing like any other.
        self._head(key)
        with s3_errors(key):
            self._client.delete_object(**self._address(key))

    def _head(self, key: str) -> Any:
        with s3_errors(key):
            try:
                return self._client.head_object(**self._address(key), ChecksumMode="ENABLED")
            except ClientError as error:
                if status_of(error) == 404:
                    self._require_bucket()
                raise

    def _key_of(self, listed: Any) -> str:
        """The key in the archive of an object, upload or version that a listing names."""
        return str(required(listed, "Key", "")).removeprefix(self._prefix)

    def now(self) -> datetime | None:
        """The clock of the server; None if its responses have no date."""
        with s3_errors(""):
            return _date(self._client.head_bucket(Bucket=self._bucket))

    def abort_uploads(self, unchanged_for: float) -> int:
        """Abort every upload below the prefix that was begun at least that many seconds ago and is
        not finished; how many there were."""
        aborted = 0
        with s3_errors(TMP_PREFIX):
            pages = self._client.get_paginator("list_multipart_uploads").paginate(
                Bucket=self._bucket, Prefix=self._prefix
            )
            begun = ((each, page) for page in pages for each in page.get("Uploads", []))
            for upload, answer in begun:
                if (_since(upload.get("Initiated"), answer) or 0.0) < unchanged_for:
                    continue
                with suppress(self._client.exceptions.NoSuchUpload):
                    self._client.abort_multipart_upload(
                        Bucket=self._bucket,
                        Key=required(upload, "Key", ""),
                        UploadId=required(upload, "UploadId", self._key_of(upload)),
                    )
                    aborted += 1
        return aborted

    def _require_bucket(self) -> None:
        """Check once whether the object or the bucket is missing, which a HEAD cannot tell."""
        if not self._bucket_is_known:
            try:
                self._client.head_bucket(Bucket=self._bucket)
            except ClientError as error:
                if status_of(error) == 404:
                    raise StorageRefused(
                        f"the bucket {self._bucket} does not exist",
                        hint="create the bucket, or check `storage.url` and "
                        "`storage.s3.endpoint_url`",
                    ) from error
        self._bucket_is_known = True

    def _address(self, key: str) -> dict[str, Any]:
        return {"Bucket": self._bucket, "Key": self.name_of(key)}

    def _attributes(self, key: str) -> dict[str, Any]:
        """The parameters of a new object besides its bytes.

        The archive's own objects are read by every run, so they stay in the standard class;
        temporary objects must be deletable.
        """
        config = self._config
        given: dict[str, Any] = {}
        if config.sse:
            given["ServerSideEncryption"] = config.sse
        if config.kms_key_id:
            given["SSEKMSKeyId"] = config.kms_key_id
        if config.storage_class and not key.startswith(ARCHIVE_PREFIX):
            given["StorageClass"] = config.storage_class
        if config.object_lock and not key.startswith(TMP_PREFIX):
            given["ObjectLockMode"] = config.object_lock.mode
            given["ObjectLockRetainUntilDate"] = datetime.now(UTC) + config.object_lock.retain
        return given


@contextmanager
def _source(key: str, body: Body) -> Iterator[bytes | IO[bytes]]:
    """The bytes of a body, or its open file; StorageError unless it has the promised size."""
    if isinstance(body.source, bytes):
        size = len(body.source)
    else:
        try:
            size = body.source.stat().st_size
        except OSError as error:
            raise storage_error(error, key) from error
    if size != body.size:
        raise StorageError(f"{key} should be {body.size} bytes, but {size} are there", key=key)
    if isinstance(body.source, bytes):
        yield body.source
        return
    with body.source.open("rb") as file:
        yield file


def _put_errors(key: str, replacing: str | None) -> AbstractContextManager[None]:
    return s3_errors(key, unmet=KeyExists if replacing is None else KeyChanged)


def _condition(replacing: str | None) -> dict[str, Any]:
    return {"IfNoneMatch": "*"} if replacing is None else {"IfMatch": f'"{replacing}"'}


def get_parameters(span: ByteRange | None) -> dict[str, Any]:
    """The parameters of a get, besides its location."""
    if span is None:
        return {}
    return {"Range": f"bytes={span.start}-{'' if span.stop is None else span.stop - 1}"}


def info_of(key: str, size: int, answer: Any, age: float | None = None) -> ObjectInfo:
    """The facts of an object in a response of S3."""
    version = answer.get("VersionId")
    return ObjectInfo(
        key,
        size,
        tag(answer),
        sha256=_whole_digest(answer),
        version=None if version == "null" else version,
        age=age,
    )


def _whole_digest(answer: Any) -> str | None:
    """The SHA-256 of the whole object, in hex; None where the server keeps that of parts."""
    checksum = answer.get("ChecksumSHA256", "")
    if (
        not checksum
        or "-" in checksum
        or answer.get("ChecksumType", "FULL_OBJECT") != "FULL_OBJECT"
    ):
        return None
    return base64.b64decode(checksum).hex()


def _date(answer: Any) -> datetime | None:
    """When the server gave the answer, by its own clock."""
    told = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    try:
        return parsedate_to_datetime(told).astimezone(UTC) if told else None
    except ValueError:
        return None


def _since(moment: datetime | None, answer: Any) -> float | None:
    """Seconds from that moment to the response, both by the server's clock; None without the
    moment."""
    if moment is None:
        return None
    return max(0.0, ((_date(answer) or datetime.now(UTC)) - moment).total_seconds())
