# SPDX-License-Identifier: Apache-2.0
"""Where Krita keeps its plugins, and how its configuration says which of them run. Pure: no I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

__all__ = ["PLUGIN", "Place", "disabled", "enabled", "places", "resource_directory"]

#: The plugin's name in Krita: of its package, of the two files beside it, of its setting.
PLUGIN = "bridge_krita"

_SETTING = f"enable_{PLUGIN}".encode()
_SETTINGS = b"[bridge_krita]"
_GROUP = b"[python]"


@dataclass(frozen=True)
class Place:
    """One Krita of this user: what it came as, its resource folder, its ``kritarc`` if that is known."""

    kind: str
    resources: PurePath
    config: PurePath | None


def places(
    platform: str, environment: Mapping[str, str], home: PurePath, packages: Sequence[str] = ()
) -> list[Place]:
    """Where Krita may be; the first is where it looks when it is installed in the usual way.

    Args:
        platform: as in ``sys.platform``.
        environment: XDG_DATA_HOME, XDG_CONFIG_HOME, APPDATA and LOCALAPPDATA are honoured; those of a
            Flatpak that this runs in are not.
        home: the user's home folder.
        packages: the folders in ``%LOCALAPPDATA%\\Packages`` that are Krita's.
    """
    if platform == "win32":
        return _on_windows(environment, home, packages)
    if platform == "darwin":
        library = home / "Library"
        return [
            Place("macOS", library / "Application Support" / "krita", library / "Preferences" / "kritarc")
        ]
    inside = bool(environment.get("FLATPAK_ID"))
    data = "" if inside else environment.get("XDG_DATA_HOME")
    config = "" if inside else environment.get("XDG_CONFIG_HOME")
    flatpak = home / ".var" / "app" / "org.kde.krita"
    snap = home / "snap" / "krita" / "current"
    return [
        Place(
            "system or AppImage",
            (type(home)(data) if data else home / ".local" / "share") / "krita",
            (type(home)(config) if config else home / ".config") / "kritarc",
        ),
        Place("Flatpak", flatpak / "data" / "krita", flatpak / "config" / "kritarc"),
        Place("Snap", snap / ".local" / "share" / "krita", snap / ".config" / "kritarc"),
    ]


def _on_windows(environment: Mapping[str, str], home: PurePath, packages: Sequence[str]) -> list[Place]:
    roaming, local = environment.get("APPDATA"), environment.get("LOCALAPPDATA")
    data = type(home)(roaming) if roaming else home / "AppData" / "Roaming"
    config = type(home)(local) if local else home / "AppData" / "Local"
    found = [Place("Windows", data / "krita", config / "kritarc")]
    for name in packages:  # what a program from the Store sees of AppData
        cache = config / "Packages" / name / "LocalCache"
        found.append(Place("Microsoft Store", cache / "Roaming" / "krita", cache / "Local" / "kritarc"))
    return found


# ---- kritarc: groups of KEY=VALUE lines, of which every byte but our line's stays as it is ---------------


def resource_directory(config: bytes) -> str:
    """The resource folder that a ``kritarc`` names; empty if it names none, and the usual one is in use."""
    for line in config.splitlines():
        if line.lstrip().startswith(b"["):
            break
        key, _, value = line.partition(b"=")
        if key.strip() == b"ResourceDirectory":
            text = value.strip().decode("utf-8", "surrogateescape")
            return re.sub(r"\\(.)", lambda found: {"s": " "}.get(found[1], found[1]), text)
    return ""


def enabled(config: bytes) -> bytes:
    """A ``kritarc`` with the plugin switched on."""
    lines = config.splitlines(keepends=True)
    end = b"\r\n" if b"\r\n" in config else b"\n"
    setting = _SETTING + b"=true" + end
    ours = _our_lines(lines)
    if ours:
        for index in ours:
            if lines[index].partition(b"=")[2].strip() != b"true":
                lines[index] = setting
        return b"".join(lines)
    if lines and not lines[-1].endswith(end):
        lines[-1] += end
    headers = [index for index, line in enumerate(lines) if line.strip() == _GROUP]
    if headers:
        lines.insert(headers[0] + 1, setting)
    else:
        lines += [end] if lines else []
        lines += [_GROUP + end, setting]
    return b"".join(lines)


def disabled(config: bytes) -> bytes:
    """A ``kritarc`` that knows neither the plugin nor what was set in it, nor an empty group where it was."""
    lines = _without_settings(config.splitlines(keepends=True))
    for index in reversed(_our_lines(lines)):
        del lines[index]
        header = index - 1
        following = next((line.strip() for line in lines[index:] if line.strip()), b"[")
        if lines[header].strip() == _GROUP and following.startswith(b"["):
            before = header - 1 if header and not lines[header - 1].strip() else header
            del lines[before:index]
    return b"".join(lines)


def _without_settings(lines: list[bytes]) -> list[bytes]:
    """Without the group in which the plugin keeps its settings."""
    kept: list[bytes] = []
    inside = False
    for line in lines:
        if line.lstrip().startswith(b"["):
            inside = line.strip() == _SETTINGS
            if inside and kept and not kept[-1].strip():
                kept.pop()
        if not inside:
            kept.append(line)
        elif not line.strip():
            kept.append(line)  # it parts what is before from what comes after
    while len(kept) < len(lines) and kept and not kept[-1].strip():
        kept.pop()
    return kept


def _our_lines(lines: Sequence[bytes]) -> list[int]:
    """The numbers of the lines that switch the plugin on or off."""
    found: list[int] = []
    group = b""
    for index, line in enumerate(lines):
        if line.lstrip().startswith(b"["):
            group = line.strip()
        elif group == _GROUP and line.partition(b"=")[0].strip() == _SETTING:
            found.append(index)
    return found
