"""archive.yaml as one frozen value: every default in `values`, every rule in `loading`.

A process that is sent its configuration, like a child of a run, never imports `loading`, which
needs the YAML parser.

Imports `http`, `text`, `secrets` and `errors`; nothing below the command line sees a
dictionary or the environment.
"""

from archiver.config.files import state_folder
from archiver.config.values import (
    CatalogConfig,
    Config,
    DaskConfig,
    DeskConfig,
    DownloadConfig,
    EvidenceConfig,
    InspectConfig,
    LinerConfig,
    ListenAddress,
    MetricsConfig,
    NoticesConfig,
    ObjectLockConfig,
    RetentionConfig,
    S3Config,
    ScopeConfig,
    StorageConfig,
    VerifyConfig,
    WindowConfig,
)

__all__ = [
    "CatalogConfig",
    "Config",
    "DaskConfig",
    "DeskConfig",
    "DownloadConfig",
    "EvidenceConfig",
    "InspectConfig",
    "LinerConfig",
    "ListenAddress",
    "MetricsConfig",
    "NoticesConfig",
    "ObjectLockConfig",
    "RetentionConfig",
    "S3Config",
    "ScopeConfig",
    "StorageConfig",
    "VerifyConfig",
    "WindowConfig",
    "state_folder",
]
