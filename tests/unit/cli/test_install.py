# SPDX-License-Identifier: Apache-2.0
"""Plugins go to their hosts and come back out."""

import json
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from bridge_server.cli import install as module
from bridge_server.cli.install import plugin_archive, put_in
from bridge_server.cli.krita import Place
from bridge_server.cli.main import main
from bridge_server.cli.parsing import UsageError
from bridge_server.protocol.errors import BridgeError, NotFound
from plugins.build import build_archive
from standin import standin

KRITARC = b"ResourceX=1\n\n[python]\nenable_other=true\n\n[theme]\nTheme=\xc3\x9f\n"


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """A plugin to install."""
    folder = tmp_path_factory.mktemp("repository")
    return build_archive("krita", folder / "dist", standin(folder / "source"))


@pytest.fixture
def home(tmp_path, monkeypatch, archive):
    """A user's home on Linux, and the plugin at hand."""

    @contextmanager
    def packaged(host):
        yield archive

    monkeypatch.setattr(module, "plugin_archive", packaged)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "BRIDGE_DATA_DIR", "FLATPAK_ID"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def started(home, resources=".local/share/krita", config=".config/kritarc", content=KRITARC):
    """What a Krita leaves that was started once; its resource folder and its configuration."""
    (home / resources / "pykrita/other").mkdir(parents=True)
    (home / resources / "pykrita/other/__init__.py").touch()
    (home / config).parent.mkdir(parents=True)
    (home / config).write_bytes(content)
    return home / resources, home / config


def contents(folder):
    """Every file and folder in it -> the bytes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def said(capsys, *arguments):
    """The JSON that the command prints."""
    assert main(["install", "krita", "--json", *arguments]) == 0
    return json.loads(capsys.readouterr().out)


def test_it_goes_where_krita_looks_and_is_switched_on(home, capsys):
    """The package, the two files, one line of the configuration; the plugin can start a daemon."""
    resources, config = started(home)
    assert main(["install", "krita"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("Installed Co-create ")
    assert f"{resources} (system or AppImage)" in out
    assert "restart" in out
    assert err == ""
    assert (resources / "pykrita/bridge_krita/bridge/client/client.py").exists()
    assert (resources / "pykrita/bridge_krita.desktop").exists()
    assert (resources / "actions/bridge_krita.action").exists()
    assert config.read_bytes() == KRITARC.replace(b"[python]\n", b"[python]\nenable_bridge_krita=true\n")
    launcher = home / ".local/share/bridge-server/launcher.json"
    assert json.loads(launcher.read_bytes()) == {"command": [sys.executable, "-m", "bridge_server"]}
    assert launcher.stat().st_mode & 0o777 == 0o600


def test_uninstall_brings_back_what_was_there(home, capsys):
    """To the byte, other plugins and settings too; the daemon's folder is not Krita's business."""
    resources, config = started(home)
    before = contents(home)
    main(["install", "krita"])
    assert main(["install", "krita", "--uninstall"]) == 0
    assert f"Removed Co-create from {resources}" in capsys.readouterr().out
    after = {name: content for name, content in contents(home).items() if "bridge-server" not in name}
    assert after == before
    assert config.read_bytes() == KRITARC
    assert main(["install", "krita", "--uninstall"]) == 0
    assert "nothing to remove" in capsys.readouterr().out


def test_every_krita_gets_it(home, capsys):
    """Of the system, Flatpak and Snap; each has its own configuration."""
    started(home)
    flatpak = started(home, ".var/app/org.kde.krita/data/krita", ".var/app/org.kde.krita/config/kritarc")
    snap = started(home, "snap/krita/current/.local/share/krita", "snap/krita/current/.config/kritarc")
    places = said(capsys)["places"]
    assert [place["kind"] for place in places] == ["system or AppImage", "Flatpak", "Snap"]
    for resources, config in (flatpak, snap):
        assert (resources / "pykrita/bridge_krita/__init__.py").exists()
        assert b"enable_bridge_krita=true" in config.read_bytes()
    assert main(["install", "krita"]) == 0
    out, err = capsys.readouterr()
    assert out.count("Replaced Co-create") == 3
    assert "AppImage" in err  # some Snaps have no Python
    assert "bridge-server serve" in err  # a Flatpak can't start programs of the machine


def test_without_any_krita_it_goes_where_one_will_look(home, capsys):
    """And says so; uninstalling leaves nothing behind."""
    assert main(["install", "krita"]) == 0
    assert "No Krita was ever started here" in capsys.readouterr().err
    assert (home / ".config/kritarc").read_bytes() == b"[python]\nenable_bridge_krita=true\n"
    main(["install", "krita", "--uninstall"])
    assert not (home / ".config/kritarc").exists()
    assert not (home / ".local/share/krita").exists()


def test_a_moved_resource_folder_is_honoured(home, capsys):
    """Krita keeps its name in its configuration."""
    moved = home / "big disk"
    moved.mkdir()
    _, config = started(home, content=b"ResourceDirectory=" + str(moved).encode() + b"\n")
    (place,) = said(capsys)["places"]
    assert (place["resources"], place["config"]) == (str(moved), str(config))
    assert (moved / "pykrita/bridge_krita.desktop").exists()


def test_a_folder_can_be_named(home, capsys):
    """Of a portable Krita, say: where its configuration is, nobody knows; the known ones keep theirs."""
    resources, config = started(home)
    (place,) = said(capsys, "--into", str(home / "portable"))["places"]
    assert place["config"] == ""
    assert (home / "portable/actions/bridge_krita.action").exists()
    assert config.read_bytes() == KRITARC
    main(["install", "krita", "--into", str(home / "portable")])
    assert "Python Plugin Manager" in capsys.readouterr().err
    assert said(capsys, "--into", str(resources))["places"][0]["config"] == str(config)


def test_a_dry_run_changes_nothing(home, capsys):
    """But says what would be."""
    started(home)
    before = contents(home)
    assert main(["install", "krita", "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Would install Co-create")
    assert "pykrita/bridge_krita.desktop" in out
    assert contents(home) == before
    said(capsys)
    before = contents(home)
    assert len(said(capsys, "--uninstall", "--dry-run")["places"][0]["changed"]) == 4
    assert contents(home) == before


def test_an_older_copy_is_replaced_whole(home, capsys):
    """None of its files stays, nor what a killed install left; a link into a checkout is only a link."""
    resources, _ = started(home)
    pykrita = resources / "pykrita"
    (pykrita / "bridge_krita/gone").mkdir(parents=True)
    (pykrita / ".bridge_krita-left/bridge_krita").mkdir(parents=True)
    assert said(capsys)["places"][0]["before"]
    assert not (pykrita / "bridge_krita/gone").exists()
    assert {path.name for path in pykrita.iterdir()} == {"other", "bridge_krita", "bridge_krita.desktop"}
    checkout = home / "checkout"
    (pykrita / "bridge_krita").rename(checkout)
    (pykrita / "bridge_krita").symlink_to(checkout)
    said(capsys)
    assert not (pykrita / "bridge_krita").is_symlink()
    assert (checkout / "__init__.py").exists()


def test_if_it_fails_the_older_copy_stays(home, archive, monkeypatch):
    """At the last moment, too; the message says what to do."""
    resources, config = started(home)
    place = Place("system", resources, config)
    put_in(place, archive)
    (resources / "pykrita/bridge_krita/mine").touch()
    rename = Path.rename

    def refuse(self, target):
        if self.parent.name.startswith(".bridge_krita-") and self.name != "old":
            raise PermissionError(13, "Permission denied", str(self))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(UsageError, match="Permission denied"):
        put_in(place, archive)
    assert (resources / "pykrita/bridge_krita/mine").exists()
    assert not list((resources / "pykrita").glob(".bridge*"))


def test_a_linked_configuration_stays_a_link(home, capsys):
    """Some keep theirs elsewhere; its mode stays as well."""
    _, config = started(home)
    kept = home / "kept"
    config.rename(kept)
    kept.chmod(0o600)
    config.symlink_to(kept)
    said(capsys)
    assert config.is_symlink()
    assert b"enable_bridge_krita=true" in kept.read_bytes()
    assert kept.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("step", "options", "setting"),
    [("_swap", (), b"enable_bridge_krita=true\n"), ("_remove", ("--uninstall",), b"")],
)
def test_what_krita_writes_meanwhile_is_kept(home, monkeypatch, step, options, setting):
    """The configuration is changed as it is at the end, not as it was before the files were changed."""
    _, config = started(home)
    if options:
        assert main(["install", "krita"]) == 0
    does = getattr(module, step)

    def meanwhile(*paths):
        does(*paths)
        config.write_bytes(KRITARC + b"Later=1\n")

    monkeypatch.setattr(module, step, meanwhile)
    assert main(["install", "krita", *options]) == 0
    assert config.read_bytes() == KRITARC.replace(b"[python]\n", b"[python]\n" + setting) + b"Later=1\n"


def test_a_configuration_is_written_whole_or_not_at_all(home, capsys, monkeypatch):
    """A full disk leaves it as it was, and nothing beside it; it is on the disk before it takes its place."""
    _, config = started(home)
    steps = []

    def fail(_fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "fsync", fail)
    assert main(["install", "krita"]) == 2
    assert "No space left" in capsys.readouterr().err
    assert list(config.parent.iterdir()) == [config]
    assert config.read_bytes() == KRITARC
    replace = Path.replace
    monkeypatch.setattr(module.os, "fsync", lambda _fd: steps.append("synced"))
    monkeypatch.setattr(Path, "replace", lambda *paths: steps.append(paths[1].name) or replace(*paths))
    said(capsys)
    assert steps.index("kritarc") > steps.index("synced")
    assert list(config.parent.iterdir()) == [config]


def test_no_other_data_folder_can_be_named(home, capsys):
    """A launcher left there would never be read: the plugin looks in the user's own, or BRIDGE_DATA_DIR's."""
    started(home)
    assert main(["install", "krita", "--data-dir", str(home / "else")]) == 2
    assert "--data-dir" in capsys.readouterr().err
    assert not (home / "else").exists()
    assert not (home / ".local/share/krita/pykrita/bridge_krita").exists()


def test_the_data_folder_of_the_environment_gets_the_launcher(home, capsys, monkeypatch):
    """As the plugin will look there."""
    started(home)
    monkeypatch.setenv("BRIDGE_DATA_DIR", str(home / "else"))
    assert said(capsys)["launcher"] == str(home / "else/launcher.json")
    assert (home / "else/launcher.json").exists()


def test_what_is_in_the_way_is_named(home, capsys):
    """Exit code 2, as for any file that can't be written."""
    (home / ".local/share").mkdir(parents=True)
    (home / ".local/share/krita").touch()
    assert main(["install", "krita"]) == 2
    assert "can't be changed" in capsys.readouterr().err


def test_a_checkout_builds_what_a_wheel_carries(tmp_path, archive, monkeypatch):
    """The wheel's archive is taken as it is; a source that can't be built is named; neither is said, too."""
    package = tmp_path / "bridge_server"
    monkeypatch.setattr(module, "__file__", str(package / "cli/install.py"))
    with pytest.raises(NotFound, match="came without"), plugin_archive("krita"):
        pass
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins/build.py").write_text("import sys; sys.exit('broken source')")
    with pytest.raises(BridgeError) as refused, plugin_archive("krita"):
        pass
    assert refused.value.hint == "broken source"
    script = "import shutil, sys; print(shutil.copy({!r}, sys.argv[3]))"
    (tmp_path / "plugins/build.py").write_text(script.format(str(archive)))
    with plugin_archive("krita") as built:
        assert built.read_bytes() == archive.read_bytes()
    assert not built.exists()
    (package / "plugins").mkdir(parents=True)
    (package / "plugins/bridge_krita.zip").write_bytes(b"packaged")
    with plugin_archive("krita") as packaged:
        assert packaged.read_bytes() == b"packaged"
