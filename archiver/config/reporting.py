"""The sections of archive.yaml about reporting: `metrics`, `notices` and `inspect`."""

from collections.abc import Callable
from pathlib import Path

from archiver.config.addresses import parse_apprise_url, parse_listen, parse_notice_url
from archiver.config.document import Section
from archiver.config.files import read_secret
from archiver.config.scalars import length, whole, yes_or_no
from archiver.config.values import InspectConfig, ListenAddress, MetricsConfig, NoticesConfig
from archiver.errors import ConfigError
from archiver.secrets import Secret


def metrics(section: Section, path: Callable[[str], Path]) -> MetricsConfig:
    """The section `metrics`; `path` makes a path absolute."""
    return MetricsConfig(
        textfile=section.value("textfile", path, None),
        listen=section.value("listen", lambda text: ListenAddress(*parse_listen(text)), None),
    )


def notices(section: Section, path: Callable[[str], Path]) -> NoticesConfig:
    """The section `notices`; each address may be in a file of its own."""
    return NoticesConfig(
        webhook=_address(section, "webhook", path),
        apprise=_apprise(section, path),
        heartbeat=_address(section, "heartbeat", path),
    )


def _address(section: Section, key: str, path: Callable[[str], Path]) -> Secret | None:
    in_file = f"{key}_file"
    if not section.has(in_file):
        return section.value(key, lambda text: Secret(parse_notice_url(text)), None, private=True)
    if section.has(key):
        message = f"and {section.full(key)} cannot both be set"
        section.refuse(in_file, message, "remove one of them")
        return None

    def read(text: str) -> Secret:
        file, name = path(text), section.full(in_file)
        try:
            return Secret(parse_notice_url(read_secret(file, name)))
        except ValueError as error:
            hint = "the file must contain only the address"
            raise ConfigError(f"{name}: the address in {file} {error}", hint=hint) from None

    return section.value(in_file, read, None)


def _apprise(section: Section, path: Callable[[str], Path]) -> tuple[Secret, ...]:
    """A list of addresses, or a file with one a line; lines that begin with `#` are comments."""
    if not section.has("apprise_file"):
        return section.values(
            "apprise", lambda text: Secret(parse_apprise_url(text)), (), private=True
        )
    if section.has("apprise"):
        message = f"and {section.full('apprise')} cannot both be set"
        section.refuse("apprise_file", message, "remove one of them")
        return ()

    def read(text: str) -> tuple[Secret, ...]:
        file, name = path(text), section.full("apprise_file")
        lines = map(str.strip, read_secret(file, name).splitlines())
        try:
            return tuple(
                Secret(parse_apprise_url(one)) for one in lines if one and not one.startswith("#")
            )
        except ValueError as error:
            hint = "the file must contain one address per line"
            raise ConfigError(f"{name}: an address in {file} {error}", hint=hint) from None

    return section.value("apprise_file", read, ())


def inspect(section: Section) -> InspectConfig:
    """The section `inspect`."""
    default = InspectConfig()
    return InspectConfig(
        after_run=section.value("after_run", yes_or_no, default.after_run),
        workers=section.value("workers", whole(1, 64), default.workers),
        limit=section.value("limit", length, default.limit),
    )
