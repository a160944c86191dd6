"""The JSON Schema of archive.yaml takes what the configuration takes, and marks the rest."""

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from archiver.cli.init_cmd import sample, schema_text
from archiver.config.loading import KNOWN
from tests.config.test_sample import EVERYTHING, LISTS

TOP = Path(__file__).parent.parent.parent
SCHEMA: dict[str, Any] = json.loads(schema_text())


def written(text: str) -> Any:
    """The document as an editor reads it: dates are texts."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, list):
            return [plain(item) for item in value]
        return value.isoformat() if isinstance(value, date | datetime) else value

    return plain(yaml.safe_load(text))


def problems(text: str) -> list[str]:
    found = Draft202012Validator(SCHEMA).iter_errors(written(text))
    return [".".join(map(str, one.absolute_path)) or one.message for one in found]


def test_the_committed_schema_is_the_one_that_the_types_make() -> None:
    """Write it again with: archiver schema > archive.schema.json."""
    assert (TOP / "archive.schema.json").read_text(encoding="utf-8") == schema_text()


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(
    "text",
    [
        sample(),
        EVERYTHING,
        (TOP / "docker" / "archive.yaml").read_text("utf-8"),
        (TOP / "docker" / "desk.yaml").read_text("utf-8"),
        "download: {workers: '${WORKERS}'}",
    ],
    ids=["sample", "everything", "container", "desk", "variable"],
)
def test_it_takes_what_the_configuration_takes(text: str) -> None:
    assert problems(text) == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("download: {workers: many}", "download.workers"),
        ("liner: {timeout: soon}", "liner.timeout"),
        ("window: {recheck: [1d, never]}", "window.recheck"),
        ("storage: {s3: {object_lock: {mode: STRICT}}}", "storage.s3.object_lock.mode"),
        ("desk: {language: fr}", "desk.language"),
        ("scope: {orders: some}", "scope.orders"),
        ("retention: {keep: 3}", "retention.keep"),
    ],
)
def test_it_points_at_what_the_configuration_refuses(text: str, place: str) -> None:
    assert problems(text) == [place]


def test_an_unknown_key_is_marked() -> None:
    (said,) = problems("donwload: {workers: 3}")
    assert "donwload" in said


def test_every_key_is_described_as_in_the_sample() -> None:
    def leaves(part: dict[str, Any], name: str) -> list[str]:
        found = []
        for key, member in part["properties"].items():
            full = f"{name}.{key}".removeprefix(".")
            found += leaves(member, full) if "properties" in member else [full]
            assert "properties" in member or member["description"], full
        return found

    expected = {
        f"{section}.{key}".removeprefix(".")
        for section, keys in KNOWN.items()
        for key in keys
        if f"{section}.{key}".removeprefix(".") not in KNOWN.keys() - LISTS
        if section not in LISTS and section.rpartition(".")[0] not in LISTS
    }
    assert set(leaves(SCHEMA, "")) == expected
