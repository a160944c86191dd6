"""What every command is given: a voice, the environment, and the configuration on demand."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from archiver.config import Config, NoticesConfig, read_config
from archiver.console import Console
from archiver.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Context:
    """The surroundings of one command."""

    console: Console
    environ: Mapping[str, str]
    config_path: Path

    def load_config(self, *, needs_key: bool = True) -> Config:
        """The configuration, its key registered with the console. Raises ConfigError.

        A command that never talks to the API does without `needs_key`: the key is not even read.
        """
        if not self.config_path.exists():
            raise ConfigError(
                f"there is no {self.config_path}",
                hint="`archiver init` writes one; -c names another file",
            )
        config = read_config(self.config_path, self.environ, needs_key=needs_key)
        self.console.protect(config.liner.api_key.reveal(), *_parts(config.notices))
        return config


def _parts(notices: NoticesConfig) -> list[str]:
    """The addresses that notices go to, whole and without their origin: that is the secret."""
    addresses = [each.reveal() for each in (notices.webhook, notices.heartbeat) if each is not None]
    return addresses + [urlsplit(each).path.strip("/") for each in addresses]
