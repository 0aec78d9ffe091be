# SPDX-License-Identifier: Apache-2.0
"""Where Krita is on each system, and its configuration."""

from pathlib import PurePosixPath, PureWindowsPath

import pytest

from bridge_server.cli.krita import disabled, enabled, places, resource_directory

HOME = PurePosixPath("/home/ada")
USER = PureWindowsPath("C:/Users/Ada")


def listed(*arguments, **options):
    """The places as (kind, resources, config), in words."""
    return [
        (place.kind, place.resources.as_posix(), place.config.as_posix())
        for place in places(*arguments, **options)
    ]


def test_on_linux_there_are_three_kinds():
    """Krita's own first; an AppImage uses the same folders."""
    assert listed("linux", {}, HOME) == [
        ("system or AppImage", "/home/ada/.local/share/krita", "/home/ada/.config/kritarc"),
        (
            "Flatpak",
            "/home/ada/.var/app/org.kde.krita/data/krita",
            "/home/ada/.var/app/org.kde.krita/config/kritarc",
        ),
        (
            "Snap",
            "/home/ada/snap/krita/current/.local/share/krita",
            "/home/ada/snap/krita/current/.config/kritarc",
        ),
    ]


def test_on_linux_the_users_folders_may_be_elsewhere():
    """As XDG says; but a Flatpak's own folders are not Krita's."""
    elsewhere = {"XDG_DATA_HOME": "/data", "XDG_CONFIG_HOME": "/etc/ada"}
    assert listed("linux", elsewhere, HOME)[0][1:] == ("/data/krita", "/etc/ada/kritarc")
    assert listed("linux", {**elsewhere, "FLATPAK_ID": "x"}, HOME) == listed("linux", {}, HOME)


def test_on_windows_the_store_has_a_place_of_its_own():
    """Named by a number that only the machine knows."""
    environment = {"APPDATA": "D:/Roaming", "LOCALAPPDATA": "D:/Local"}
    cache = "D:/Local/Packages/49800KritaProject.Krita_n3k/LocalCache"
    assert listed("win32", environment, USER, packages=["49800KritaProject.Krita_n3k"]) == [
        ("Windows", "D:/Roaming/krita", "D:/Local/kritarc"),
        ("Microsoft Store", f"{cache}/Roaming/krita", f"{cache}/Local/kritarc"),
    ]
    assert listed("win32", {}, USER) == [
        ("Windows", "C:/Users/Ada/AppData/Roaming/krita", "C:/Users/Ada/AppData/Local/kritarc")
    ]


def test_on_macos_there_is_one():
    """In the Library."""
    library = "/Users/ada/Library"
    assert listed("darwin", {"XDG_DATA_HOME": "/data"}, PurePosixPath("/Users/ada")) == [
        ("macOS", f"{library}/Application Support/krita", f"{library}/Preferences/kritarc")
    ]


@pytest.mark.parametrize(
    ("config", "folder"),
    [
        (b"", ""),
        (b"ResourceDirectory=/big/krita\n\n[python]\n", "/big/krita"),
        (b"a=1\r\nResourceDirectory=D:\\\\my\\sfiles\r\n", "D:\\my files"),
        (b"[other]\nResourceDirectory=/big/krita\n", ""),
    ],
)
def test_the_resource_folder_may_have_been_moved(config, folder):
    """In Krita's settings; the entry stands before all groups."""
    assert resource_directory(config) == folder


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b"[python]\nenable_bridge_krita=true\n"),
        (b"a=\xff\n", b"a=\xff\n\n[python]\nenable_bridge_krita=true\n"),
        (b"a=1", b"a=1\n\n[python]\nenable_bridge_krita=true\n"),
        (b"[b]\r\na=1\r\n", b"[b]\r\na=1\r\n\r\n[python]\r\nenable_bridge_krita=true\r\n"),
        (
            b"[python]\nenable_x=true\n\n[theme]\nT=1\n",
            b"[python]\nenable_bridge_krita=true\nenable_x=true\n\n[theme]\nT=1\n",
        ),
        (
            b"[python]\nenable_bridge_krita=false\nenable_y=false\n[x]\nenable_bridge_krita=false\n",
            b"[python]\nenable_bridge_krita=true\nenable_y=false\n[x]\nenable_bridge_krita=false\n",
        ),
        (b"[python][more]\na=1\n", b"[python][more]\na=1\n\n[python]\nenable_bridge_krita=true\n"),
    ],
)
def test_switching_on_changes_one_line_only(before, after):
    """Whatever else there is, in whatever encoding and with whatever ends of lines."""
    assert enabled(before) == after
    assert enabled(after) == after


@pytest.mark.parametrize(
    "config",
    [
        b"",
        b"a=\xff\n",
        b"[b]\r\na=1\r\n",
        b"[python]\nenable_x=true\n\n[theme]\nT=1\n",
        b"[a]\nb=1\n\n[python][more]\na=1\n",
        b"x=1\n\n\n[theme]\nT=1\n\n",
        b"[a]\nb=1\n[python]\n\nenable_x=true\n",
    ],
)
def test_switching_off_brings_back_what_was_there(config):
    """To the byte; where nothing is to be switched off, nothing changes."""
    assert disabled(enabled(config)) == config
    assert disabled(config) == config


def test_a_group_that_is_left_empty_goes_too():
    """As Krita sorts its groups."""
    config = b"[a]\nb=1\n\n[python]\nenable_bridge_krita=false\n\n[theme]\nT=1\n"
    assert disabled(config) == b"[a]\nb=1\n\n[theme]\nT=1\n"
    assert disabled(b"[python]\nenable_bridge_krita=true\nenable_x=true\n") == b"[python]\nenable_x=true\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"[a]\nx=1\n\n[bridge_krita]\nprompts=[]\n\n[c]\ny=2\n", b"[a]\nx=1\n\n[c]\ny=2\n"),
        (b"[a]\nx=1\n\n[bridge_krita]\nprompts=[]\n", b"[a]\nx=1\n"),
        (b"[bridge_krita]\nprompts=[]\n\n[c]\ny=2\n", b"\n[c]\ny=2\n"),
        (b"[a]\nx=1\n\n", b"[a]\nx=1\n\n"),
    ],
    ids=["between", "last", "first", "none"],
)
def test_what_was_set_in_the_docker_goes_too(before, after):
    """And nothing of what is around it."""
    assert disabled(before) == after
