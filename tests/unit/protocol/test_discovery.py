# SPDX-License-Identifier: Apache-2.0
"""Where the data folder lies."""

from pathlib import PurePosixPath, PureWindowsPath

import pytest

from bridge_server.protocol.discovery import data_dir

HOME = PurePosixPath("/home/ada")
WINDOWS_HOME = PureWindowsPath(r"C:\Users\ada")


@pytest.mark.parametrize(
    ("platform", "environment", "home", "expected"),
    [
        ("linux", {}, HOME, "/home/ada/.local/share/bridge-server"),
        ("linux", {"XDG_DATA_HOME": "/data"}, HOME, "/data/bridge-server"),
        ("linux", {"XDG_DATA_HOME": ""}, HOME, "/home/ada/.local/share/bridge-server"),
        (
            "linux",
            {"XDG_DATA_HOME": "/home/ada/.var/app/org.kde.krita/data", "FLATPAK_ID": "org.kde.krita"},
            HOME,
            "/home/ada/.local/share/bridge-server",
        ),
        ("darwin", {"XDG_DATA_HOME": "/data"}, HOME, "/home/ada/Library/Application Support/bridge-server"),
        ("win32", {}, WINDOWS_HOME, r"C:\Users\ada\AppData\Local\bridge-server"),
        ("win32", {"LOCALAPPDATA": r"D:\Local"}, WINDOWS_HOME, r"D:\Local\bridge-server"),
        ("linux", {"BRIDGE_DATA_DIR": "/b", "FLATPAK_ID": "x", "XDG_DATA_HOME": "/d"}, HOME, "/b"),
        ("win32", {"BRIDGE_DATA_DIR": r"E:\b", "LOCALAPPDATA": r"D:\Local"}, WINDOWS_HOME, r"E:\b"),
    ],
)
def test_the_data_folder_of_each_platform(platform, environment, home, expected):
    """Each platform's custom is kept, BRIDGE_DATA_DIR wins, and a Flatpak looks outside its sandbox."""
    assert str(data_dir(platform, environment, home)) == expected
