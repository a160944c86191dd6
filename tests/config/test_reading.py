"""The files that a configuration is read from, and what it is then: a frozen value."""

import os
from pathlib import Path

import pytest

from archiver.config import state_folder
from archiver.config.loading import read_config
from archiver.errors import ConfigError
from tests.config.parts import ENVIRON, load, refused


def test_leads_may_be_ids_or_a_file_of_ids(tmp_path: Path) -> None:
    (tmp_path / "leads.txt").write_bytes(
        b"\xef\xbb\xbf# our leads\r\n789\r\n\r\n 790  # Anna\r\n789\r\n"
    )
    assert load("scope: {leads: leads.txt}", base=tmp_path).scope.leads == (789, 790)
    assert load("scope: {leads: 789}").scope.leads == (789,)
    assert load("scope: {leads: [790, 789]}").scope.leads == (790, 789)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"789\nseven\n", "leads.txt, line 2: must be an id"),
        (b"789\n\xff\n", "leads.txt, line 2: is not UTF-8"),
        (b"# none\n", "contains no lead ids"),
        (None, "leads.txt does not exist"),
    ],
)
def test_a_file_of_leads_is_checked_line_by_line(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / "leads.txt").write_bytes(content)
    error = refused("scope: {leads: leads.txt}", ENVIRON, tmp_path)
    assert "scope.leads" in str(error)
    assert message in str(error)


def test_a_file_is_read_from_its_own_folder(tmp_path: Path) -> None:
    path = tmp_path / "night.yaml"
    path.write_text("storage: {url: here}", encoding="utf-8")
    assert read_config(path, ENVIRON).storage.url == str(tmp_path / "here")


def test_a_file_that_is_no_text_is_refused_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "night.yaml"
    with pytest.raises(ConfigError, match=r"night\.yaml does not exist"):
        read_config(path, ENVIRON)
    path.write_bytes(b"liner:\n  url: \xff")
    with pytest.raises(ConfigError, match=r"night\.yaml, line 2: is not UTF-8"):
        read_config(path, ENVIRON)
    with pytest.raises(ConfigError, match="cannot read"):
        read_config(tmp_path, ENVIRON)


def test_every_part_of_the_configuration_is_frozen() -> None:
    config = load("")
    parts = [getattr(config, name) for name in config.__struct_fields__]
    for part in (config, *parts):
        with pytest.raises(AttributeError, match="immutable"):
            setattr(part, part.__struct_fields__[0], None)


def test_catalogs_lie_in_the_state_folder_of_the_user() -> None:
    assert state_folder({"HOME": "/home/anna"}, None) == Path("/home/anna/.local/state/archiver")
    assert state_folder({"XDG_STATE_HOME": "/var/s", "HOME": "/h"}, None) == Path("/var/s/archiver")
    assert state_folder({"XDG_STATE_HOME": "s", "HOME": "/h"}, None) == Path(
        "/h/.local/state/archiver"
    )
    with pytest.raises(ConfigError, match="HOME"):
        state_folder({}, None)


def test_loading_reads_no_environment_but_the_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINER_API_KEY", "from-the-process")
    assert os.environ["LINER_API_KEY"] not in load("").api.api_key.reveal()
