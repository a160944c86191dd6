"""The sections of archive.yaml that name places: `storage`, and `evidence` with its witnesses."""

import os
from pathlib import Path
from typing import Final, Literal, cast

from msgspec import Struct

from archiver.config.addresses import parse_base_url, parse_path, parse_storage_url
from archiver.config.document import Section
from archiver.config.scalars import length, one_of, whole, word, yes_or_no
from archiver.config.values import (
    S3_SCHEME,
    DaskConfig,
    EvidenceConfig,
    ObjectLockConfig,
    ReplicaConfig,
    S3Config,
    StorageConfig,
)

_SSE: Final = ("AES256", "aws:kms", "aws:kms:dsse")


class Place(Struct, frozen=True):
    """The folder that relative paths are relative to, and the home folder that `~` stands for."""

    base: Path
    home: str | None

    def path(self, text: str) -> Path:
        """The path, made absolute."""
        return parse_path(text, self.base, self.home)

    def storage(self, text: str) -> str:
        """The root of an archive, made absolute where it is a folder."""
        return parse_storage_url(text, self.base, self.home)


def storage(section: Section, place: Place) -> StorageConfig:
    """The section `storage`, or one that is written like it."""
    url = section.value("url", place.storage, place.storage(StorageConfig().url))
    s3 = _s3(section.section("s3"), place)
    found = StorageConfig(url=url, s3=s3)
    if s3 != S3Config() and found.is_local:
        message = f"applies to archives on S3 only, but {section.full('url')} is a folder"
        section.refuse("s3", message, beside=["url"])
    return found


def _s3(section: Section, place: Place) -> S3Config:
    s3 = S3Config(
        endpoint_url=section.value("endpoint_url", parse_base_url, None, private=True),
        region=section.value("region", word(r"[a-z0-9-]{1,64}", "a region"), None),
        storage_class=section.value(
            "storage_class", word(r"[A-Z0-9_]{1,64}", "a storage class such as GLACIER_IR"), None
        ),
        sse=section.value("sse", one_of(_SSE), None),
        kms_key_id=section.value("kms_key_id", word(r"[!-~]{1,2048}", "a key id or ARN"), None),
        object_lock=_object_lock(section.section("object_lock")),
        profile=section.value("profile", word(r"[!-~]{1,128}", "the name of a profile"), None),
        credentials_file=section.value("credentials_file", place.path, None),
    )
    if s3.kms_key_id is not None and (s3.sse is None or not s3.sse.startswith("aws:kms")):
        hint = "set storage.s3.sse to aws:kms"
        section.refuse("kms_key_id", "requires sse aws:kms", hint, beside=["sse"])
    return s3


def _object_lock(section: Section) -> ObjectLockConfig | None:
    mode = section.value("mode", one_of(("GOVERNANCE", "COMPLIANCE")), None)
    retain = section.value("retain", length, None)
    if mode is None and retain is None:
        return None
    if mode is None or retain is None:
        given, missing = ("retain", "mode") if mode is None else ("mode", "retain")
        message = f"requires {section.full(missing)}"
        section.refuse(given, message, "set both or neither", beside=[missing])
        return None
    return ObjectLockConfig(cast(Literal["GOVERNANCE", "COMPLIANCE"], mode), retain)


def replica(section: Section, place: Place) -> ReplicaConfig:
    """The section `replica`."""
    default = ReplicaConfig()
    given = storage(section, place) if section.has("url") else StorageConfig()
    if not section.has("url") and section.is_mapping("s3"):
        _s3(section.section("s3"), place)  # what is wrong in it is refused all the same
    return ReplicaConfig(
        url=given.url if section.has("url") else None,
        s3=given.s3,
        workers=section.value("workers", whole(1, 64), default.workers),
        prune=section.value("prune", yes_or_no, default.prune),
        after_run=section.value("after_run", yes_or_no, default.after_run),
    )


def overlap(one: StorageConfig, other: StorageConfig) -> bool:
    """Whether both are the same place, or one is inside the other, judging by their names."""
    if one.is_local != other.is_local or one.s3.endpoint_url != other.s3.endpoint_url:
        return False
    if one.is_local:
        first, second = (Path(os.path.normpath(each.url)) for each in (one, other))
    else:
        first, second = (
            Path("/") / each.url.removeprefix(S3_SCHEME).strip("/") for each in (one, other)
        )
    return first.is_relative_to(second) or second.is_relative_to(first)


def evidence(section: Section, place: Place) -> EvidenceConfig:
    """The section `evidence`."""
    found = EvidenceConfig(
        sign=section.value("sign", place.path, None),
        passphrase_file=section.value("passphrase_file", place.path, None),
        timestamp_url=section.value("timestamp_url", parse_base_url, None, private=True),
        timestamp_roots=section.value("timestamp_roots", place.path, None),
        witnesses=tuple(_witness(one, place) for one in section.sections("witnesses")),
        send_head=section.value("send_head", yes_or_no, EvidenceConfig().send_head),
    )
    if found.passphrase_file is not None and found.sign is None:
        section.refuse("passphrase_file", "requires evidence.sign", beside=["sign"])
    return found


def _witness(section: Section, place: Place) -> StorageConfig:
    if not section.has("url"):
        section.refuse("url", "is missing", "set it to a folder, or s3://bucket/prefix")
    return storage(section, place)


def dask(section: Section, place: Place) -> DaskConfig:
    """The section `dask`: where its scheduler is, and the files of mutual TLS."""
    address = word(r"[!-~]{1,300}", "an address such as tls://scheduler.example.com:8786")
    return DaskConfig(
        scheduler=section.value("scheduler", address, None),
        tls_ca=section.value("tls_ca", place.path, None),
        tls_cert=section.value("tls_cert", place.path, None),
        tls_key=section.value("tls_key", place.path, None),
    )
