"""The API, its key and other secrets: from where they may come, and that they stay unsaid."""

import re
import subprocess
from pathlib import Path

import pytest

from archiver.config import NoticesConfig
from archiver.config.loading import load_config, read_config
from archiver.errors import ConfigError
from archiver.secrets import Secret
from tests.config.parts import BASE, CANARY, ENVIRON, load, refused


def test_the_environment_is_put_in_after_parsing() -> None:
    environ = {**ENVIRON, "FOLDER": "a: {b, #c", "N": "8", "KEY": "[x]"}
    text = (
        "storage: {url: '/data/${FOLDER}'}\ndownload: {workers: '${N}'}\nliner: {api_key: '${KEY}'}"
    )
    config = load(text, environ)
    assert config.storage.url == "/data/a: {b, #c"
    assert config.download.workers == 8
    assert config.api.api_key == Secret("[x]")


def test_a_missing_variable_is_named() -> None:
    error = refused("storage:\n  url: /data/${NO_SUCH}")
    assert "line 2: storage.url needs the environment variable NO_SUCH" in str(error)
    assert "${" in str(refused("storage: {url: '${bad-name}'}"))


def test_an_error_shows_what_is_written_and_not_what_the_environment_holds() -> None:
    error = refused("download: {workers: '${LINER_API_KEY}'}")
    assert "not '${LINER_API_KEY}'" in str(error)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Liner.Example.com/", "https://liner.example.com"),
        ("https://liner.test:443", "https://liner.test"),
        ("https://liner.test:8443", "https://liner.test:8443"),
        ("http://localhost:80", "http://localhost"),
        ("http://127.5.5.5:99", "http://127.5.5.5:99"),
        ("http://[::1]:8123", "http://[::1]:8123"),
    ],
)
def test_the_api_is_an_origin(url: str, origin: str) -> None:
    assert load(f"liner: {{url: '{url}'}}").api.url == origin


@pytest.mark.parametrize(
    "url",
    [
        "http://liner.test",
        "http://10.0.0.1",
        "http://127.1",
        "http://localhost.evil.test",
        "https://liner.test/v2",
        "https://liner.test?x",
        "https://liner.test/#x",
        f"https://user:{CANARY.replace('/', '%2F')}@liner.test",
        "https://",
        "https://liner.test:0",
        "https://liner.test:99999",
        "https://liner.test:",
        "https://lin er.test",
        "https://линер.test",
        "https:/liner.test",
        "https://evil.test\\@liner.test",
        "ftp://liner.test",
        "liner.test",
    ],
)
def test_any_other_address_of_the_api_is_refused(url: str) -> None:
    assert "liner.url must" in str(refused(f"liner: {{url: '{url}'}}"))
    error = refused("", {**ENVIRON, "LINER_URL": url})
    assert str(error).startswith("LINER_URL must")


def test_url_and_key_must_come_from_somewhere() -> None:
    assert "liner.url is missing" in str(refused("", {"LINER_API_KEY": CANARY}))
    error = refused("", {"LINER_URL": "https://liner.test"})
    assert "LINER_API_KEY is not set" in str(error)
    assert "liner.api_key_file" in error.hint
    wrong = {**ENVIRON, "LINER_API_KEY": f"{CANARY} "}
    assert str(refused("", wrong)).startswith("LINER_API_KEY contains a space")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "liner: {api_key: '${NIGHTLY_KEY}', url: '${NIGHTLY_URL}'}",
        "liner: {api_key_file: /run/secrets/not-mounted-here}",
    ],
)
def test_a_command_that_never_asks_the_api_needs_no_key_and_no_url(text: str) -> None:
    assert "liner" in str(refused(text, {"HOME": "/home/anna"}))
    config = load_config(text, {"HOME": "/home/anna"}, base=BASE, needs_key=False)
    assert config.liner is None
    with pytest.raises(RuntimeError, match="without the API"):
        _ = config.api


def test_a_key_that_is_not_needed_is_not_even_read_and_all_else_is(tmp_path: Path) -> None:
    path = tmp_path / "night.yaml"
    path.write_text("liner: {timeout: 1m}\nstorage: {url: here}", encoding="utf-8")
    config = read_config(path, ENVIRON, needs_key=False)
    assert config.liner is None
    assert config.storage.url == str(tmp_path / "here")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("liner: {url: liner.test}", "liner.url must begin with https://"),
        ("liner: {api_kee: x}", "unknown key liner.api_kee"),
        ("storage: {url: '/data/${FOLDER}'}", "needs the environment variable FOLDER"),
    ],
)
def test_a_wrong_file_is_refused_whether_a_key_is_needed_or_not(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        load_config(text, {}, base=BASE, needs_key=False)


def test_the_key_may_lie_in_a_mounted_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{CANARY}\n")
    (tmp_path / "key").chmod(0o600)
    without = {"LINER_URL": "https://liner.test"}
    for text in (
        "liner: {api_key_file: key}",
        "liner: {api_key_file: key, api_key: '${LINER_API_KEY}'}",
    ):
        assert load(text, without, tmp_path).api.api_key.reveal() == CANARY
    both = refused("liner: {api_key_file: key, api_key: x}", without, tmp_path)
    assert "api_key_file and liner.api_key cannot both be set" in str(both)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "does not exist"),
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"canary-7f3a/9=Q\nsecond", "contains a space"),
        (b"canary-7f3a/9=Q\xff", "plain ASCII"),
        (b"k" * 70_000, "larger than"),
    ],
)
def test_a_file_that_holds_no_key_is_refused(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / "key").write_bytes(content)
        (tmp_path / "key").chmod(0o600)
    error = refused("liner: {api_key_file: key}", ENVIRON, tmp_path)
    assert "liner.api_key_file" in str(error)
    assert message in str(error)


def test_a_secret_that_everybody_may_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(CANARY)
    for mode in (0o604, 0o644, 0o777):
        (tmp_path / "key").chmod(mode)
        error = refused("liner: {api_key_file: key}", ENVIRON, tmp_path)
        assert "is readable by everyone on this machine" in str(error)
        assert f"chmod 600 {tmp_path / 'key'}" in error.hint
    for mode in (0o400, 0o600, 0o440):
        (tmp_path / "key").chmod(mode)
        assert load("liner: {api_key_file: key}", ENVIRON, tmp_path).api.api_key.reveal()


def test_a_secret_on_a_read_only_mount_is_taken_as_containers_are_given_it(tmp_path: Path) -> None:
    mounted = tmp_path / "secrets"
    mounted.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(mounted)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        (mounted / "key").write_text(CANARY)
        (mounted / "key").chmod(0o444)
        refused("liner: {api_key_file: secrets/key}", ENVIRON, tmp_path)
        subprocess.run(["mount", "-o", "remount,ro", str(mounted)], check=True)
        config = load("liner: {api_key_file: secrets/key}", ENVIRON, tmp_path)
        assert config.api.api_key.reveal() == CANARY
    finally:
        subprocess.run(["umount", str(mounted)], check=True)


def test_addresses_of_notices_may_lie_in_files_and_are_never_shown(tmp_path: Path) -> None:
    for name in ("hook", "beat"):
        (tmp_path / name).write_text(f"https://hooks.example.com/{CANARY}\n")
        (tmp_path / name).chmod(0o600)
    text = "notices: {webhook_file: hook, heartbeat_file: beat}"
    notices = load(text, ENVIRON, tmp_path).notices
    assert notices.webhook == notices.heartbeat == Secret(f"https://hooks.example.com/{CANARY}")
    assert CANARY not in repr(notices)
    (tmp_path / "hook").write_text(f"http://hooks.example.com/{CANARY}")
    assert "must begin with https://" in str(refused(text, ENVIRON, tmp_path))
    (tmp_path / "hook").unlink()
    assert "does not exist" in str(refused(text, ENVIRON, tmp_path))
    others = load_config(text, {}, base=tmp_path, needs_key=False)
    assert others.notices == NoticesConfig()


def test_a_secret_prints_as_redacted_wherever_it_is() -> None:
    config = load("")
    assert CANARY not in f"{config!r} {config} {config.api.api_key}"
    assert repr(config.api.api_key) == "[redacted]"
    assert config.api.api_key == Secret(CANARY)
    assert config.api.api_key != Secret("other")
    assert config.api.api_key != CANARY


def test_addresses_of_apprise_may_lie_in_a_file_and_are_never_shown(tmp_path: Path) -> None:
    one, other = f"slack://{CANARY}/b/c", f"mailto://u:{CANARY}@example.com"
    (tmp_path / "addresses").write_text(f"# ours\n{one}\n\n{other}\n")
    (tmp_path / "addresses").chmod(0o600)
    notices = load("notices: {apprise_file: addresses}", ENVIRON, tmp_path).notices
    assert notices.apprise == (Secret(one), Secret(other))
    assert CANARY not in repr(notices)
    (tmp_path / "addresses").write_text(f"{one}\n{CANARY}\n")
    with pytest.raises(ConfigError) as caught:
        load("notices: {apprise_file: addresses}", ENVIRON, tmp_path)
    assert "an address in" in str(caught.value)
    assert CANARY not in f"{caught.value} {caught.value.hint}"
    with pytest.raises(ConfigError, match=r"notices\.apprise must be an Apprise address") as caught:
        load(f"notices: {{apprise: ['{CANARY} {CANARY}']}}", ENVIRON, tmp_path)
    assert CANARY not in str(caught.value)
