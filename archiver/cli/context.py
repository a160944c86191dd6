"""What every command is given: a voice, the environment, and the configuration on demand."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from archiver.config import Config, read_config
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
        self.console.protect(config.liner.api_key.reveal())
        return config
