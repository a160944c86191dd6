"""archive.yaml -> Config: the keys, their values, and how they depend on each other."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, cast

from msgspec import Struct

from archiver.config.addresses import (
    parse_api_url,
    parse_base_url,
    parse_network,
)
from archiver.config.document import Section, Source, parse_document
from archiver.config.files import read_ids, read_secret, read_text
from archiver.config.places import Place, dask, evidence, overlap, replica, storage
from archiver.config.reporting import inspect, metrics, notices
from archiver.config.retention import retention
from archiver.config.scalars import (
    allowed_origin,
    api_key,
    length,
    one_of,
    or_auto,
    rate,
    some_bytes,
    timeout,
    whole,
    word,
    yes_or_no,
    zone_name,
)
from archiver.config.values import (
    CatalogConfig,
    Config,
    DaskConfig,
    DeskConfig,
    DownloadConfig,
    EvidenceConfig,
    HttpConfig,
    InspectConfig,
    LinerConfig,
    MetricsConfig,
    NoticesConfig,
    ObjectLockConfig,
    ReplicaConfig,
    RetentionConfig,
    RetentionRule,
    S3Config,
    ScopeConfig,
    StorageConfig,
    VerifyConfig,
    WindowConfig,
)
from archiver.errors import ConfigError
from archiver.http import proxies
from archiver.secrets import Secret
from archiver.text.measures import parse_duration, parse_id, parse_moment, parse_share

_API_KEY: Final = "${LINER_API_KEY}"
_KEY_HINT: Final = "export LINER_API_KEY, or set liner.api_key_file to the file of a mounted secret"
_LINER: Final = LinerConfig(url="", api_key=Secret(""))
_FIELD: Final = word(r"[A-Za-z][A-Za-z0-9-]{0,63}", "the name of a header such as X-Remote-User")


def _names(kind: type[Struct]) -> tuple[str, ...]:
    return kind.__struct_fields__


KNOWN: Final[Mapping[str, tuple[str, ...]]] = {
    "": _names(Config),
    "liner": (*_names(LinerConfig), "api_key_file"),
    "scope": _names(ScopeConfig),
    "window": _names(WindowConfig),
    "download": _names(DownloadConfig),
    "dask": _names(DaskConfig),
    "http": _names(HttpConfig),
    "storage": _names(StorageConfig),
    "storage.s3": _names(S3Config),
    "storage.s3.object_lock": _names(ObjectLockConfig),
    "catalog": _names(CatalogConfig),
    "retention": _names(RetentionConfig),
    "retention.rules": _names(RetentionRule),
    "inspect": _names(InspectConfig),
    "evidence": _names(EvidenceConfig),
    "evidence.witnesses": _names(StorageConfig),
    "evidence.witnesses.s3": tuple(n for n in _names(S3Config) if n != "object_lock"),
    "replica": _names(ReplicaConfig),
    "replica.s3": _names(S3Config),
    "replica.s3.object_lock": _names(ObjectLockConfig),
    "verify": _names(VerifyConfig),
    "metrics": _names(MetricsConfig),
    "notices": (*_names(NoticesConfig), "webhook_file", "apprise_file", "heartbeat_file"),
    "desk": _names(DeskConfig),
}
"""Every section by its full name, and the keys that it knows."""


def read_config(
    path: Path,
    environ: Mapping[str, str],
    *,
    needs_key: bool = True,
    sends_notices: bool | None = None,
    fetches_only: bool = False,
) -> Config:
    """The configuration in a file; ConfigError, with all its errors, when it cannot be used."""
    text = read_text(path, path.name)
    base = path.absolute().parent
    return load_config(
        text,
        environ,
        base=base,
        name=path.name,
        needs_key=needs_key,
        sends_notices=sends_notices,
        fetches_only=fetches_only,
    )


def load_config(
    text: str,
    environ: Mapping[str, str],
    *,
    base: Path,
    name: str = "archive.yaml",
    needs_key: bool = True,
    sends_notices: bool | None = None,
    fetches_only: bool = False,
) -> Config:
    """The configuration in `text`, checked as a whole.

    Relative paths are relative to `base`. Raises ConfigError with all that is wrong: each error
    names the line and the key, and none shows a value of the environment or of a secret file.

    Without `needs_key`, for commands that never talk to the API, there is no `liner`: neither the
    key nor the host need be known. The addresses of notices are not read either, unless the
    command sends some. With `fetches_only`, for workers that recordings are sent to, the key is
    empty where it is not given, and notices are none of theirs.
    """
    source = Source(name, environ, errors=[])
    top = parse_document(source, text, KNOWN)
    place = Place(base, environ.get("HOME"))
    tells = (needs_key and not fetches_only) if sends_notices is None else sends_notices
    if not needs_key:
        _check_liner(top.section("liner"), environ)
    config = Config(
        liner=_liner(top.section("liner"), environ, place, fetches_only) if needs_key else None,
        scope=_scope(top.section("scope"), place),
        window=_window(top.section("window")),
        download=_download(top.section("download"), place),
        dask=dask(top.section("dask"), place),
        http=_http(top.section("http"), environ, needs_key=needs_key),
        storage=storage(top.section("storage"), place),
        catalog=CatalogConfig(path=top.section("catalog").value("path", place.path, None)),
        retention=retention(top.section("retention"), place),
        inspect=inspect(top.section("inspect")),
        evidence=evidence(top.section("evidence"), place),
        replica=replica(top.section("replica"), place),
        verify=_verify(top.section("verify")),
        metrics=metrics(top.section("metrics"), place.path),
        notices=notices(top.section("notices"), place.path) if tells else NoticesConfig(),
        desk=_desk(top.section("desk"), place),
    )
    _keep_apart(top, config)
    source.raise_errors()
    return config


def _liner(
    section: Section, environ: Mapping[str, str], place: Place, fetches_only: bool
) -> LinerConfig:
    requests_per_second, seconds = _pace_of_requests(section)
    return LinerConfig(
        url=_api_url(section, environ),
        api_key=_api_key(section, environ, place, may_lack=fetches_only),
        requests_per_second=requests_per_second,
        timeout=seconds,
    )


def _check_liner(section: Section, environ: Mapping[str, str]) -> None:
    """Report errors in the section for commands that make no API requests and need no key."""
    if not section.lacks_variable("url") if section.has("url") else "LINER_URL" in environ:
        _api_url(section, environ)
    _pace_of_requests(section)


def _pace_of_requests(section: Section) -> tuple[float, float]:
    return (
        section.value("requests_per_second", rate, _LINER.requests_per_second),
        section.value("timeout", timeout, _LINER.timeout),
    )


def _api_url(section: Section, environ: Mapping[str, str]) -> str:
    url = section.value("url", parse_api_url, "", private=True)
    if url:
        return url
    if not environ.get("LINER_URL"):
        hint = "set it to the host of your Liner API, or export LINER_URL"
        section.refuse("url", "is missing", hint)
        return ""
    try:
        return parse_api_url(environ["LINER_URL"])
    except ValueError as error:
        hint = "correct the environment variable"
        section.report("url", ConfigError(f"LINER_URL {error}", hint=hint))
        return ""


def _api_key(
    section: Section, environ: Mapping[str, str], place: Place, *, may_lack: bool
) -> Secret:
    """The key from the file of a mounted secret, from archive.yaml, or from LINER_API_KEY.

    `api_key` with its default still written out counts as not given, so that a complete sample
    with `api_key_file` filled in works.
    """
    given = section.has("api_key") and section.written("api_key") != _API_KEY
    if section.has("api_key_file"):
        if given:
            section.refuse(
                "api_key_file", "and liner.api_key cannot both be set", "remove one of them"
            )
        return section.value("api_key_file", lambda text: _secret_in(place.path(text)), Secret(""))
    if given:
        return section.value("api_key", api_key, Secret(""), private=True)
    if "LINER_API_KEY" not in environ:
        if may_lack:
            return Secret("")
        section.refuse("api_key", "is missing: LINER_API_KEY is not set", _KEY_HINT)
        return Secret("")
    try:
        return api_key(environ["LINER_API_KEY"])
    except ValueError as error:
        section.report("api_key", ConfigError(f"LINER_API_KEY {error}", hint=_KEY_HINT))
        return Secret("")


def _secret_in(path: Path) -> Secret:
    text = read_secret(path, "liner.api_key_file")
    try:
        return api_key(text)
    except ValueError as error:
        raise ConfigError(
            f"liner.api_key_file: the key in {path} {error}", hint=_KEY_HINT
        ) from None


def _scope(section: Section, place: Place) -> ScopeConfig:
    return ScopeConfig(
        orders=None if section.written("orders") == "all" else _some(section, "orders"),
        leads=_leads(section, place),
        users=_some(section, "users") or (),
        statuses=_some(section, "statuses") or (),
    )


def _some(section: Section, key: str) -> tuple[int, ...] | None:
    """Ids, each once; None where the file names none. An empty list would archive nothing."""
    if not section.has(key):
        return None
    ids = tuple(dict.fromkeys(section.values(key, parse_id, ())))
    if not ids:
        section.refuse(key, "is an empty list", f"remove {section.full(key)}, or list ids")
    return ids


def _leads(section: Section, place: Place) -> tuple[int, ...] | None:
    written = section.written("leads")
    if written is None or re.fullmatch(r"-?[0-9]+", written):
        return _some(section, "leads")
    return section.value("leads", lambda text: read_ids(place.path(text), "scope.leads"), None)


def _window(section: Section) -> WindowConfig:
    zone = section.value("timezone", zone_name, WindowConfig().timezone)
    window = WindowConfig(
        since=section.value("since", lambda text: parse_moment(text, zone), None),
        settle=section.value("settle", parse_duration, WindowConfig().settle),
        recheck=tuple(sorted(section.values("recheck", length, WindowConfig().recheck))),
        lookback=section.value("lookback", length, WindowConfig().lookback),
        timezone=zone,
    )
    if len(set(window.recheck)) < len(window.recheck):
        section.refuse("recheck", "contains the same time twice", "remove the duplicate")
    if window.recheck and window.lookback < window.recheck[-1]:
        _refuse_short_lookback(section)
    return window


def _refuse_short_lookback(section: Section) -> None:
    """A call would no longer be listed when its last recheck is due; names the key that is set."""
    hint = "increase window.lookback, ideally to one day more than the last recheck"
    if section.has("lookback"):
        message = "is shorter than the last window.recheck"
        section.refuse("lookback", message, hint, beside=["recheck"])
    else:
        section.refuse("recheck", "exceeds window.lookback", hint)


def _download(section: Section, place: Place) -> DownloadConfig:
    default = DownloadConfig()
    return DownloadConfig(
        workers=section.value("workers", whole(1, 512), default.workers),
        processes=section.value("processes", or_auto(whole(1, 64)), default.processes),
        max_bytes=section.value("max_bytes", some_bytes, default.max_bytes),
        spool=section.value("spool", place.path, default.spool.absolute()),
        spool_memory=section.value("spool_memory", some_bytes, default.spool_memory),
        allow_origins=section.values(
            "allow_origins", allowed_origin, default.allow_origins, private=True
        ),
    )


def _http(section: Section, environ: Mapping[str, str], *, needs_key: bool) -> HttpConfig:
    def parse(text: str) -> proxies.Proxies:
        return proxies.configured(text, environ)

    if section.has("proxy"):
        return HttpConfig(section.value("proxy", parse, proxies.DIRECT, private=True))
    if not needs_key:
        return HttpConfig()
    try:
        return HttpConfig(proxies.of_environment(environ))
    except ValueError as error:
        hint = "correct the environment variable, or set http.proxy (`none` for none)"
        section.report("proxy", ConfigError(str(error), hint=hint))
        return HttpConfig()


def _verify(section: Section) -> VerifyConfig:
    return VerifyConfig(
        every=section.value("every", length, None),
        sample=section.value("sample", parse_share, None),
    )


def _desk(section: Section, place: Place) -> DeskConfig:
    default = DeskConfig()
    channel: str = section.value(
        "agent_channel", one_of(("left", "right")), str(default.agent_channel)
    )
    replay = section.value("redact_replay", one_of(("silence", "tone")), None)
    desk = DeskConfig(
        users=section.value("users", place.path, place.path(str(default.users))),
        proxy_header=section.value("proxy_header", _FIELD, None),
        proxy_addresses=section.values("proxy_addresses", parse_network, ()),
        public_url=section.value("public_url", parse_base_url, None, private=True),
        data=section.value("data", place.path, None),
        scorecard=section.value("scorecard", place.path, None),
        language=cast(
            Literal["en", "ru"] | None, section.value("language", one_of(("en", "ru")), None)
        ),
        keep_log=section.value("keep_log", length, default.keep_log),
        exports=section.value("exports", place.path, None),
        keep_exports=section.value("keep_exports", length, default.keep_exports),
        approve_redactions=section.value(
            "approve_redactions", yes_or_no, default.approve_redactions
        ),
        redact_replay=cast(Literal["silence", "tone"] | None, replay),
        agent_channel=cast(Literal["left", "right"], channel),
        api_token_file=section.value("api_token_file", place.path, None),
    )
    if desk.proxy_header is not None and not desk.proxy_addresses:
        section.refuse(
            "proxy_header",
            "requires desk.proxy_addresses",
            "set the addresses of the proxy: anyone else could forge the header",
            beside=["proxy_addresses"],
        )
    return desk


def _keep_apart(top: Section, config: Config) -> None:
    """Refuse paths inside the archive, which contains evidence only, and a replica that is it."""
    second = config.replica.storage
    if second is not None and overlap(config.storage, second):
        message = "is the archive itself (storage.url), or one is inside the other"
        hint = "choose another location, on another machine or in another account"
        top.section("replica").refuse("url", message, hint)
    if not config.storage.is_local or top.section("storage").is_refused("url"):
        return
    root = os.path.normpath(config.storage.url)
    for section, key, path in (
        ("catalog", "path", config.catalog.path),
        ("download", "spool", config.download.spool),
        ("metrics", "textfile", config.metrics.textfile),
        ("desk", "data", config.desk.data),
        ("desk", "users", config.desk.users),
        ("evidence", "sign", config.evidence.sign),
        ("evidence", "passphrase_file", config.evidence.passphrase_file),
    ):
        if path is not None and Path(os.path.normpath(path)).is_relative_to(root):
            top.section(section).refuse(
                key, "is inside the archive (storage.url)", "choose a folder outside the archive"
            )
