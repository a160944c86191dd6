"""Optional parts of S3 responses, and how to do without them (pure).

The documentation of S3 calls most members of a response optional, and servers other than Amazon's
omit some. What an archive can do without is done without; otherwise the storage is rejected and the
missing part named, since a guess is no evidence.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from archiver.errors import StorageRefused, StorageUnreachable

_BEFORE_IT = "check that `storage.s3.endpoint_url` is an S3 server, with no proxy in between"
_OF_A_LISTING = ("Name", "KeyCount", "MaxKeys", "IsTruncated", "Contents")


def required(answer: Mapping[str, Any], member: str, key: str) -> Any:
    """A required member. StorageRefused if the server omits it."""
    value = answer.get(member)
    if value is None:
        raise StorageRefused(
            f"{key or 'the bucket'}: {member} is missing from the S3 server's response",
            key=key,
            hint="it is required to keep an archive safely; use another S3 server",
        )
    return value


def tag(answer: Mapping[str, Any]) -> str:
    """The tag of an object; empty if the server has none, and then it cannot be replaced."""
    return str(answer.get("ETag") or "").strip('"')


def is_of_s3(headers: Iterable[tuple[str, str]]) -> bool:
    """Whether a 200 with these headers may be an object, and not a page of something in front of
    S3.

    Such a page is HTML, or lacks the two headers that every object has.
    """
    told = {name.lower(): value for name, value in headers}
    if any(name.startswith("x-amz-") for name in told):
        return True
    is_page = told.get("content-type", "").startswith("text/html")
    return not is_page and not told.keys().isdisjoint(("etag", "last-modified"))


def require_object(answer: Mapping[str, Any], key: str) -> None:
    """StorageUnreachable when what was answered to a get with 200 is no object."""
    if not is_of_s3(answer["ResponseMetadata"]["HTTPHeaders"].items()):
        raise StorageUnreachable(
            f"{key}: something answered in place of the S3 server", key=key, hint=_BEFORE_IT
        )


def require_listing(answer: Mapping[str, Any]) -> None:
    """StorageUnreachable when what was answered with 200 is no listing: a page of HTML, nothing.

    botocore takes either for a listing without an object.
    """
    if not any(member in answer for member in _OF_A_LISTING):
        raise StorageUnreachable(
            "the S3 server's response is not a listing",
            hint=_BEFORE_IT,
        )


def following(answer: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any] | None:
    """The request for the next page of a listing; None at its end.

    If a server does not say whether there is more, the objects after the last key are requested. A
    server that says there is more, but not how to continue, or repeats itself, would be queried
    endlessly or trusted too early.
    """
    is_truncated, token = answer.get("IsTruncated"), answer.get("NextContinuationToken")
    page = answer.get("Contents", [])
    if is_truncated is None and not token:
        return {"StartAfter": max(one["Key"] for one in page)} if page else None
    if not (is_truncated or (is_truncated is None and token)):
        return None
    if not token or token == asked.get("ContinuationToken"):
        raise endless_listing()
    return {"ContinuationToken": token}


def endless_listing() -> StorageRefused:
    """The error for a server that does not say how a listing continues, or repeats itself."""
    return StorageRefused(
        "the S3 server returned a truncated listing without a continuation token",
        hint="its listings are unreliable; use another S3 server, or a newer version",
    )
