"""The border where errors of botocore become ours.

Messages are our own words: botocore's may quote whole addresses, query and all.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from botocore import exceptions as boto
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError

from archiver.errors import (
    KeyMissing,
    ObjectRefused,
    StorageError,
    StorageForbidden,
    StorageFull,
    StorageRefused,
    StorageUnreachable,
)
from archiver.storage.s3.answers import endless_listing

_RIGHTS: Final = (
    "the key needs s3:GetObject, s3:PutObject, s3:DeleteObject, s3:ListBucket and "
    "s3:AbortMultipartUpload on the bucket"
)
_CREDENTIALS: Final = "check the AWS credentials (environment, shared file or role)"
_HINTS: Final = {
    "AccessDenied": _RIGHTS,
    "AllAccessDisabled": _RIGHTS,
    "AuthorizationHeaderMalformed": "set `storage.s3.region` to the bucket's region",
    "ExpiredToken": _CREDENTIALS,
    "IllegalLocationConstraintException": "set `storage.s3.region` to the bucket's region",
    "InvalidAccessKeyId": _CREDENTIALS,
    "InvalidBucketName": "check `storage.url`",
    "InvalidToken": _CREDENTIALS,
    "NoSuchBucket": "create the bucket, or check `storage.url` and `storage.s3.endpoint_url`",
    "PermanentRedirect": "set `storage.s3.region` to the bucket's region",
    "RequestTimeTooSkewed": "set the clock of this machine",
    "SignatureDoesNotMatch": _CREDENTIALS,
}
_FULL: Final = {"QuotaExceeded", "EntityTooLarge.Quota", "XMinioStorageFull", "InsufficientStorage"}
_OF_ONE_OBJECT: Final = {
    "EntityTooLarge": "the S3 server does not accept objects of that size",
    "KeyTooLongError": "choose a shorter prefix in `storage.url`",
}
_OTHER_BYTES: Final = {
    "BadDigest",
    "InvalidDigest",
    "XAmzContentChecksumMismatch",
    "XAmzContentSHA256Mismatch",
}
_EXPIRED: Final = {
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidToken",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "TokenRefreshRequired",
}
# Errors that pass although their status is not 5xx. A conflict of two conditional writes is one:
# the next attempt meets the winner's object.
_PASSING: Final = {
    "ConditionalRequestConflict",
    "OperationAborted",
    "RequestTimeout",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequests",
}
_NO_CREDENTIALS: Final = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.TokenRetrievalError,
    boto.SSOError,
)
_NO_ANSWER: Final = (
    boto.ConnectionError,
    boto.HTTPClientError,
    boto.IncompleteReadError,
    boto.ResponseStreamingError,
    HTTPError,
    TimeoutError,
    ConnectionError,
)


class CredentialsExpired(StorageForbidden):
    """The credentials, or the moment of the request, are out of date: once more, with new ones."""


@contextmanager
def s3_errors(key: str, *, unmet: type[StorageError] = StorageError) -> Iterator[None]:
    """Turn every error of botocore, urllib3 and the socket in the block into one of ours.

    `unmet` is the error for a condition of the request that does not hold.
    """
    try:
        yield
    except boto.ClientError as error:
        raise _answered(error, key, unmet) from error
    except boto.SSLError as error:
        raise StorageRefused(
            "the certificate of the S3 server is not valid",
            key=key,
            hint="check `storage.s3.endpoint_url`, or set AWS_CA_BUNDLE",
        ) from error
    except boto.ProfileNotFound as error:
        raise StorageForbidden(
            f"there is no AWS profile {error.kwargs['profile']}",
            key=key,
            hint="check `profile` and `credentials_file`, and AWS_PROFILE in the environment",
        ) from error
    except _NO_CREDENTIALS as error:
        raise StorageForbidden("no S3 credentials found", key=key, hint=_CREDENTIALS) from error
    except _NO_ANSWER as error:
        raise unanswered(type(error).__name__, key) from error
    except boto.PaginationError as error:
        raise endless_listing() from error
    except boto.BotoCoreError as error:
        raise StorageRefused(
            f"the S3 configuration is invalid ({type(error).__name__})",
            key=key,
            hint="check `storage.url` and `storage.s3`",
        ) from error
    except LookupError as error:  # botocore itself looks for it, without asking
        raise StorageRefused(
            f"{key or 'the bucket'}: {error} is missing from the S3 server's response",
            key=key,
            hint="it is required to keep an archive safely; use another S3 server",
        ) from error
    except (ResponseParserError, ValueError) as error:
        raise StorageUnreachable(
            f"invalid response from the S3 server ({type(error).__name__})",
            key=key,
            hint="check that `storage.s3.endpoint_url` is an S3 server, with no proxy in between",
        ) from error


def unmet_words(key: str) -> str:
    """What is said of a write whose condition does not hold."""
    return f"{key}: precondition failed: it exists, or was changed"


def unanswered(what: str, key: str) -> StorageUnreachable:
    """The error for an answer that did not come, or not to its end."""
    return StorageUnreachable(
        f"the S3 server does not respond ({what})",
        key=key,
        hint="check `storage.s3.endpoint_url` and the network",
    )


def status_of(error: boto.ClientError) -> int:
    """The HTTP status of an answer; 0 where botocore knows none."""
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def _answered(error: boto.ClientError, key: str, unmet: type[StorageError]) -> StorageError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = status_of(error)
    what = f"{key or 'the bucket'}: S3 returned {code or 'an error'} (status {status})"
    kind: type[StorageError] = StorageError
    hint = _HINTS.get(code, "")
    if status == 412:
        kind, what = unmet, unmet_words(key)
    elif code in _FULL or status == 507:
        kind, hint = StorageFull, "free some disk space, or increase the quota"
    elif code in _PASSING or status >= 500 or status in (408, 429):
        kind = StorageUnreachable
    elif code in _OTHER_BYTES:
        what = f"{key}: the bytes received differ from those sent"
    elif code in _OF_ONE_OBJECT:
        kind, hint = ObjectRefused, _OF_ONE_OBJECT[code]
    elif code in _EXPIRED:
        kind = CredentialsExpired
    elif status in (401, 403) or hint in (_RIGHTS, _CREDENTIALS):
        kind, hint = StorageForbidden, hint or _RIGHTS
    elif hint or status in (301, 307):
        kind, hint = StorageRefused, hint or _RIGHTS
    elif status == 404 and code != "NoSuchUpload":
        kind, what = KeyMissing, f"{key} does not exist"
    return kind(what, key=key, hint=hint, retry_after=_retry_after(error))


def _retry_after(error: boto.ClientError) -> float | None:
    asked = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("retry-after", "")
    return float(asked) if asked.isascii() and asked.isdigit() else None
