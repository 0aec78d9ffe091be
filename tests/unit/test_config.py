# SPDX-License-Identifier: Apache-2.0
"""The settings."""

import os
from pathlib import Path

import pytest

from bridge_server.config import Config, Diffusers, default_data_dir, load_config
from bridge_server.protocol.errors import BadRequest


def test_without_anything_the_defaults_hold(tmp_path):
    """Loopback, a free port, no idle exit."""
    config = load_config({"data_dir": tmp_path, "port": None})
    assert config == Config(data_dir=tmp_path)
    assert (config.host, config.port, config.idle_exit) == ("127.0.0.1", 0, 0)


def test_the_command_line_wins_over_the_file_and_the_file_over_the_defaults(tmp_path):
    """config.toml in the data folder is read without being named."""
    (tmp_path / "config.toml").write_text("port = 7000\nidle_exit = 60\nlog_level = 'debug'\n")
    config = load_config({"data_dir": tmp_path, "port": 7001, "host": None})
    assert (config.port, config.idle_exit, config.log_level, config.max_queued) == (7001, 60.0, "debug", 64)


def test_the_section_of_diffusers_is_read(tmp_path):
    """What it does not say keeps its default."""
    (tmp_path / "config.toml").write_text(
        "model_idle_exit = 60\n[diffusers]\ndevice = 'cuda:1'\ncompile = true\n"
    )
    config = load_config({"data_dir": tmp_path})
    assert config.diffusers == Diffusers(device="cuda:1", compile=True)
    assert (config.model_idle_exit, Config(data_dir=tmp_path).diffusers) == (60.0, Diffusers())


def test_a_named_file_is_read_instead(tmp_path):
    """And may say where the data folder is, relative to the working directory as everywhere."""
    (tmp_path / "config.toml").write_text("port = 1")
    named = tmp_path / "mine.toml"
    named.write_text("data_dir = 'elsewhere'")
    config = load_config({}, named)
    assert config.data_dir == Path.cwd() / "elsewhere"
    assert config.port == 0


def test_the_default_folder_is_the_users(monkeypatch, tmp_path):
    """BRIDGE_DATA_DIR moves it."""
    monkeypatch.setenv("BRIDGE_DATA_DIR", str(tmp_path / "data"))
    assert default_data_dir() == load_config({}).data_dir == tmp_path / "data"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("port = 70000", r"Expected `int` <= 65535 - at `\$.port`"),
        ("port = '80'", r"Expected `int`, got `str` - at `\$.port`"),
        ("idle_exit = -1", r"Expected `float` >= 0.0 - at `\$.idle_exit`"),
        ("max_message = 10", r"at `\$.max_message`"),
        ("max_pixels = 0", r"at `\$.max_pixels`"),
        ("max_queued = 0", r"at `\$.max_queued`"),
        ("workers = 257", r"at `\$.workers`"),
        ("worker_idle_exit = 0", r"at `\$.worker_idle_exit`"),
        ("log_level = 'loud'", r"at `\$.log_level`"),
        ("model_idle_exit = 0", r"at `\$.model_idle_exit`"),
        ("[diffusers]\ndtype = 'int4'", r"Invalid enum value 'int4' - at `\$.diffusers.dtype`"),
        ("[diffusers]\nmax_batch = -1", r"at `\$.diffusers.max_batch`"),
        ("[diffusers]\nvram_reserve = -0.5", r"at `\$.diffusers.vram_reserve`"),
        ("[diffusers]\ncolour = 'red'", r"unknown field `colour` - at `\$.diffusers`"),
        ("colour = 'red'", "unknown field `colour`"),
        ("data_dir = 5", "data_dir"),
        ("port =", "not valid TOML"),
    ],
)
def test_a_bad_value_names_itself_and_where_it_stands(tmp_path, text, words):
    """Nothing is taken silently."""
    file = tmp_path / "settings.toml"
    file.write_text(text)
    with pytest.raises(BadRequest, match=words) as caught:
        load_config({}, file)
    assert str(file) in str(caught.value)


def test_a_bad_value_of_the_command_line_names_itself(tmp_path):
    """The same words as for the file."""
    with pytest.raises(BadRequest, match=r"at `\$.port`"):
        load_config({"data_dir": tmp_path, "port": -1})


def test_a_file_that_is_not_there_or_no_text_is_told(tmp_path):
    """By its name."""
    with pytest.raises(BadRequest, match=r"nowhere\.toml can't be read: No such file"):
        load_config({}, tmp_path / "nowhere.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadRequest, match=r"binary\.toml is not valid TOML"):
        load_config({}, tmp_path / "binary.toml")


def test_the_config_can_not_be_changed(tmp_path):
    """It is built once and passed down."""
    with pytest.raises(AttributeError):
        load_config({"data_dir": tmp_path}).port = 1


def test_by_default_there_is_a_worker_for_each_core_up_to_eight(tmp_path, monkeypatch):
    """Unless a number is given."""
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert load_config({"data_dir": tmp_path}).worker_count == 3
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert load_config({"data_dir": tmp_path}).worker_count == 8
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert load_config({"data_dir": tmp_path}).worker_count == 1
    assert load_config({"data_dir": tmp_path, "workers": 20}).worker_count == 20
