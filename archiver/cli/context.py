"""What every command gets: a console, the environment, and the configuration on demand."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from archiver.console import Console
from archiver.errors import ConfigError

if TYPE_CHECKING:
    from archiver.archive.pace import Pace
    from archiver.config import Config, NoticesConfig

_SHORTEST_PATH: Final = 16


class Context(NamedTuple):
    """The environment of one command."""

    console: Console
    environ: Mapping[str, str]
    config_path: Path
    given_pace: "Pace | None" = None

    @property
    def pace(self) -> "Pace":
        """The timing of the command: that of a nightly run, unless another was given."""
        from archiver.archive.pace import REAL_PACE

        return self.given_pace or REAL_PACE

    def load_config(self, *, needs_key: bool = True) -> "Config":
        """The configuration; its key is registered with the console. Raises ConfigError.

        A command that makes no API requests does not need the key: it is not even read.
        """
        from archiver.config.loading import read_config

        if not self.config_path.exists():
            raise ConfigError(
                f"{self.config_path} does not exist",
                hint="create one with `archiver init`, or name another file with -c",
            )
        config = read_config(self.config_path, self.environ, needs_key=needs_key)
        if config.liner is not None:
            self.console.protect(config.liner.api_key.reveal())
        self.console.protect(*_secrets_of(config.notices))
        return config

    def load_watched_config(self, *, needs_key: bool) -> "Config":
        """The same for a command that sends notices; without them, and with a warning, if their
        addresses are not available here."""
        from archiver.config.loading import read_config

        if needs_key or not self.config_path.exists():
            return self.load_config(needs_key=needs_key)
        try:
            config = read_config(
                self.config_path, self.environ, needs_key=False, sends_notices=True
            )
        except ConfigError as error:
            config = self.load_config(needs_key=False)
            self.console.warn(f"no notices are sent: {error}")
        self.console.protect(*_secrets_of(config.notices))
        return config


def _secrets_of(notices: "NoticesConfig") -> list[str]:
    """The addresses of notices, and their paths if long enough to be secrets: `hook` alone would
    hide innocent words."""
    addresses = [each.reveal() for each in (notices.webhook, notices.heartbeat) if each is not None]
    paths = [urlsplit(each).path for each in addresses]
    addresses += [path for path in paths if len(path) >= _SHORTEST_PATH]
    if not notices.apprise:
        return addresses
    from archiver.monitoring.messengers import secrets_in

    return [*addresses, *(one for each in notices.apprise for one in secrets_in(each))]
