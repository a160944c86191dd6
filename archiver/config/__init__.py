"""archive.yaml as one frozen value: every default in `values`, every rule in `loading`.

Imports `http`, `text`, `secrets` and `errors`; nothing below the command line sees a
dictionary or the environment.
"""

from archiver.config.files import state_folder
from archiver.config.loading import load_config, read_config
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
from archiver.text.measures import parse_moment

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
    "load_config",
    "parse_moment",
    "read_config",
    "state_folder",
]
