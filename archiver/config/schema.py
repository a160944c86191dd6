"""A JSON Schema of archive.yaml, for editors, generated from the types of the configuration.

It has the form of each value and its comment in the sample; how values depend on each other is
checked by `loading`. Every value may be empty or contain `${NAME}`.
"""

import re
import types
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo

from msgspec import Struct

from archiver.config.loading import KNOWN
from archiver.config.values import Config, ListenAddress
from archiver.http.proxies import Proxies
from archiver.secrets import Secret

SCHEMA_NAME: Final = "archive.schema.json"
"""The file next to archive.yaml that its first line refers to."""

Schema: TypeAlias = dict[str, Any]

_DURATION: Final[Schema] = {
    "type": ["string", "integer"],
    "pattern": r"^(0|([0-9]+(\.[0-9]+)?(ms|[smhdwy]))+)$",
    "maximum": 0,
}
_SIZE: Final[Schema] = {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)? ?([KMGTkmgt]?i?[Bb])?$"}
_TEXT: Final[Schema] = {"type": "string"}
_VARIABLE: Final[Schema] = {"type": "string", "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*\}"}

_IDS: Final[list[Schema]] = [
    {"type": "integer"},
    {"type": "array", "items": {"type": "integer"}},
]

_FORMS: Final[Mapping[Any, Schema]] = {
    str: _TEXT,
    Secret: _TEXT,
    Path: _TEXT,
    ZoneInfo: _TEXT,
    ListenAddress: _TEXT,
    Proxies: _TEXT,
    IPv4Network: _TEXT,
    IPv6Network: _TEXT,
    datetime: {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}"},
    timedelta: _DURATION,
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
}
"""How a value of a type is written."""

_WRITTEN: Final[Mapping[str, list[Schema]]] = {
    "liner.timeout": [_DURATION],
    "verify.sample": [{"type": "string", "pattern": "^1/[1-9][0-9]{0,4}$"}],
    "download.processes": [{"const": "auto"}, {"type": "integer"}],
    "download.max_bytes": [_SIZE, {"type": "integer"}],
    "download.spool_memory": [_SIZE, {"type": "integer"}],
    "scope.orders": [{"const": "all"}, *_IDS],
    "scope.leads": [*_IDS, _TEXT],
    "retention.rules.leads": [*_IDS, _TEXT],
    "retention.rules.statuses": [
        _TEXT,
        {"type": "integer"},
        {"type": "array", "items": {"type": ["string", "integer"]}},
    ],
}
"""Keys whose values are written differently from their types."""

_LINE: Final = re.compile(r"(?P<indent> *)(?P<key>[a-z0-9_]+):(?P<value>[^#]*)(# (?P<comment>.*))?")


def schema(sample: str) -> Schema:
    """The schema; `sample` is the commented archive.yaml, whose comments describe the keys."""
    top = _section(Config, "", dict(_comments(sample)))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "archive.yaml, the configuration of archiver",
        **top,
    }


def _section(kind: type, name: str, comments: Mapping[str, str]) -> Schema:
    hints = get_type_hints(kind)
    members = {}
    for key in KNOWN[name]:
        full = f"{name}.{key}".removeprefix(".")
        members[key] = _member(hints.get(key, str), full, comments)
        if full in comments:
            members[key]["description"] = comments[full]
    return {"type": ["object", "null"], "properties": members, "additionalProperties": False}


def _member(hint: Any, full: str, comments: Mapping[str, str]) -> Schema:
    kinds = [kind for kind in _alternatives(hint) if kind is not types.NoneType]
    if _is_section(kinds[0]):
        return _section(kinds[0], full, comments)
    items = _alternatives(get_args(kinds[0])[0]) if get_origin(kinds[0]) is tuple else ()
    if items and _is_section(items[0]):
        each = _section(items[0], full, comments)
        return {"anyOf": [{"type": "array", "items": each}, {"type": "null"}]}
    forms = _WRITTEN.get(full) or [form for kind in kinds for form in _forms(kind)]
    others = [] if _TEXT in forms else [_VARIABLE]
    return {"anyOf": [*forms, *others, {"type": "null"}]}


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Struct) and kind not in _FORMS


def _forms(kind: Any) -> list[Schema]:
    """How a value of this type is written; of several values, one may stand without brackets."""
    if get_origin(kind) is Literal:
        return [{"enum": list(get_args(kind))}]
    if get_origin(kind) is tuple:
        some = [form for each in _alternatives(get_args(kind)[0]) for form in _forms(each)]
        return [some[0], {"type": "array", "items": some[0]}]
    return [_FORMS[kind]]


def _alternatives(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (types.UnionType, Union) else (hint,)


def _comments(sample: str) -> Iterator[tuple[str, str]]:
    """Every key of the sample by its full name, and the comment in its line."""
    path: list[str] = []
    for line in sample.splitlines():
        match = _LINE.fullmatch(line)
        if match is not None:
            depth = len(match["indent"]) // 2
            path = [*path[:depth], match["key"]]
            if match["comment"]:
                yield ".".join(path), match["comment"]
