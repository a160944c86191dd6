"""Configuration -> the right storage, wrapped in the right order."""

import os
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from archiver.config import StorageConfig
from archiver.config.values import S3_SCHEME
from archiver.errors import StorageRefused
from archiver.extras import extra
from archiver.storage.base import Storage
from archiver.storage.local.disk import disk_errors, sync_folder
from archiver.storage.local.folder import LocalStorage
from archiver.storage.local.syncing import Syncing
from archiver.storage.retrying import Retrying
from archiver.tasks.retry import RetryPolicy

# About a minute in all: a server that restarts is waited for, one that is gone ends the run.
POLICY = RetryPolicy(attempts=6, first_wait=0.5, greatest_wait=20.0)


def open_storage(
    config: StorageConfig,
    *,
    create: bool = False,
    syncing: Callable[[str], Syncing] = Syncing,
    retry: RetryPolicy = POLICY,
    known: Any = None,
) -> Storage:
    """The configured storage; no request is made yet.

    With `create`, a missing folder is created durably; without it, StorageRefused is raised.
    `syncing` makes writes durable, `retry` is the retry policy, `known` is what another process
    says of it (`Storage.known`).
    """
    if not config.is_local:
        return Retrying(_open_s3(config, known=known), retry)
    root = Path(config.url)
    if create:
        with disk_errors(config.url):
            _make_folder(root)
    if not root.is_dir():
        raise StorageRefused(
            f"the folder {root} does not exist",
            hint="check `storage.url`, and that its disk is mounted; `archiver run` creates the "
            "folder",
        )
    return Retrying(LocalStorage(root, syncing), retry)


def open_in_parts(config: StorageConfig) -> Storage | None:
    """The same storage, sending every object as it sends large ones; None for a folder."""
    if config.is_local:
        return None
    return Retrying(_open_s3(config, whole_up_to=0), POLICY)


def import_s3() -> None:
    """Import what a storage on S3 needs before it is opened. Without the extra, opening says so."""
    with suppress(ImportError):
        import_module("archiver.storage.s3.bucket")
        import_module("archiver.storage.s3.client")


def _open_s3(config: StorageConfig, whole_up_to: int | None = None, known: Any = None) -> Storage:
    # Late, because boto3 alone costs 0.3 s at the start of every command, and is an extra.
    with extra("s3"):
        from archiver.storage.s3.bucket import WHOLE_UP_TO, S3Storage

        bucket, _, prefix = config.url.removeprefix(S3_SCHEME).partition("/")
        limit = WHOLE_UP_TO if whole_up_to is None else whole_up_to
        return S3Storage(bucket, prefix, config.s3, whole_up_to=limit, known=known)


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(os.fspath(folder.parent))
