"""Text -> configuration, as the tests of this folder ask for it."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from archiver.config import Config
from archiver.config.loading import load_config
from archiver.errors import ConfigError

CANARY = "canary-7f3a/9=Q"

ENVIRON = {"LINER_URL": "https://liner.test", "LINER_API_KEY": CANARY, "HOME": "/home/anna"}

BASE = Path("/srv/archiver")


def load(text: str, environ: Mapping[str, str] = ENVIRON, base: Path = BASE) -> Config:
    return load_config(text, environ, base=base)


def refused(text: str, environ: Mapping[str, str] = ENVIRON, base: Path = BASE) -> ConfigError:
    """The error that the text gets; its message is one line and shows no secret."""
    with pytest.raises(ConfigError) as caught:
        load(text, environ, base)
    said = f"{caught.value} {caught.value.hint}"
    assert "\n" not in said
    assert CANARY not in said
    assert CANARY not in repr(caught.value)
    assert caught.value.hint
    return caught.value
