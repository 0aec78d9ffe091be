# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a plugin that stands alone from the sources: ``python plugins/build.py [krita] [--out dist]``.

The sources import each other by the repository's names. In a plugin all of it lies in one package, and those
names become relative ones, so that the plugin touches no ``sys.path`` and meets nobody else's libraries:

    NAME/             plugins/HOST
    NAME/shared       plugins/shared
    NAME/bridge       bridge_server, of which protocol and client only
    NAME/vendor       plugins/vendor, as it is
    NAME/locale       plugins/shared/locale/*.po, compiled
    NAME/LICENSES     LICENSES

Only the standard library is needed. The same sources give the same bytes on any machine.
"""

from __future__ import annotations

import argparse
import ast
import re
import struct
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

__all__ = ["HOSTS", "BuildError", "Host", "build_archive", "build_folder", "compiled_catalogue", "rewritten"]

ROOT = Path(__file__).resolve().parent.parent

#: The parts of bridge_server that a plugin carries.
CARRIED = ("client", "protocol")

#: A zip knows no earlier time.
_TIME = (1980, 1, 1, 0, 0, 0)


class BuildError(Exception):
    """The sources can't become a plugin; the message names the file and the line."""


@dataclass(frozen=True)
class Host:
    """What a host's plugin is called. The files ``NAME + beside`` lie beside its package, not in it."""

    name: str
    beside: tuple[str, ...] = ()


HOSTS = {"krita": Host("bridge_krita", (".desktop", ".action"))}


def build_folder(host: str, into: Path, root: Path = ROOT) -> Path:
    """Write the plugin's package into a folder, and beside it what belongs there.

    Args:
        host: a key of :data:`HOSTS`.
        into: where; made if need be, and nothing in it may have the package's name.
        root: the repository.

    Returns:
        The package.

    Raises:
        BuildError: a source is missing or imports what a plugin does not carry.
    """
    for path, content in _contents(host, root).items():
        target = into / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return into / HOSTS[host].name


def build_archive(host: str, into: Path, root: Path = ROOT) -> Path:
    """Write ``NAME.zip`` into a folder, as Krita's importer wants it; the rest as :func:`build_folder`."""
    name = HOSTS[host].name
    contents = _contents(host, root)
    into.mkdir(parents=True, exist_ok=True)
    path = into / f"{name}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(_entry(f"{name}/"), b"")  # the importer looks for the folder itself
        for each in sorted(contents):
            archive.writestr(_entry(each), contents[each])
    return path


def _entry(name: str) -> zipfile.ZipInfo:
    """Not compressed: what zlib makes of the same bytes differs between its versions."""
    entry = zipfile.ZipInfo(name, _TIME)
    entry.create_system = 3  # Unix, wherever this runs
    entry.external_attr = (0o40755 << 16 | 0x10) if name.endswith("/") else 0o100644 << 16
    return entry


# ---- what goes in --------------------------------------------------------------------------------------


def _contents(host: str, root: Path) -> dict[str, bytes]:
    """Path in the archive -> bytes."""
    name, beside = HOSTS[host].name, HOSTS[host].beside
    plugins = root / "plugins"
    own = {f"{name}{ending}": plugins / host / f"{name}{ending}" for ending in beside}
    found = {path: _read(source) for path, source in own.items()}
    package = {
        "": plugins / host,
        "shared": plugins / "shared",
        "bridge": root / "bridge_server",
        **{f"bridge/{part}": root / "bridge_server" / part for part in CARRIED},
        "vendor": plugins / "vendor",
        "LICENSES": root / "LICENSES",
    }
    for folder, source in package.items():
        for path in _files(source, deep=folder != "bridge"):
            inside = PurePosixPath(folder, path.relative_to(source).as_posix())
            if path not in own.values() and (folder != "bridge" or path.name == "__init__.py"):
                found[f"{name}/{inside}"] = _content(path, inside, host)
    for path in sorted((plugins / "shared" / "locale").glob("*.po")):
        compiled = compiled_catalogue(path.read_text(encoding="utf-8"), str(path))
        found[f"{name}/locale/{path.stem}/LC_MESSAGES/cocreate.mo"] = compiled
    if f"{name}/__init__.py" not in found:
        raise BuildError(f"{plugins / host / '__init__.py'} is missing.")
    found.setdefault(f"{name}/vendor/__init__.py", b"")
    return found


def _files(folder: Path, *, deep: bool) -> Iterator[Path]:
    """The files of a source folder that a plugin needs."""
    for path in sorted(folder.rglob("*") if deep else folder.glob("*")):
        hidden = any(part.startswith(".") or part == "__pycache__" for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden and path.suffix not in {".pyc", ".po", ".pot", ".so"}:
            yield path


def _content(path: Path, inside: PurePosixPath, host: str) -> bytes:
    content = _read(path)
    if inside.suffix != ".py" or inside.parts[0] == "vendor":
        return content
    return rewritten(content, inside, host)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BuildError(f"{path}: {error.strerror}.") from error


# ---- imports -------------------------------------------------------------------------------------------


def rewritten(source: bytes, inside: PurePosixPath, host: str) -> bytes:
    """A source with the repository's names made relative; nothing else of it changes.

    Args:
        source: UTF-8.
        inside: its path in the package.
        host: a key of :data:`HOSTS`.

    Raises:
        BuildError: it imports what a plugin does not carry, or in a form that can't be made relative.
    """
    lines = source.splitlines(keepends=True)
    for node in sorted(
        _imports(source, inside), key=lambda node: (node.lineno, node.col_offset), reverse=True
    ):
        line = lines[node.lineno - 1]
        begin, rest = line[: node.col_offset], line[node.col_offset :]
        lines[node.lineno - 1] = begin + _made_relative(node, rest, inside, host)
    return b"".join(lines)


def _imports(source: bytes, inside: PurePosixPath) -> Iterator[ast.Import | ast.ImportFrom]:
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise BuildError(f"{inside}: {error}") from error
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node


def _made_relative(node: ast.Import | ast.ImportFrom, text: bytes, inside: PurePosixPath, host: str) -> bytes:
    """``text`` begins with the statement."""
    dots = "." * len(inside.parts)
    if isinstance(node, ast.ImportFrom):
        if node.level > len(inside.parts):
            raise _refused(node, inside, "leaves the package")
        module = _place(node.module or "", node, inside, host) if not node.level else None
        if module is None:
            return text
        return _replaced(rb"from\s+[\w.]+", f"from {dots}{module}", text, node, inside)
    names = [alias for alias in node.names if _place(alias.name, node, inside, host) is not None]
    if not names:
        return text
    if len(node.names) > 1:
        raise _refused(node, inside, "imports several modules at once")
    parent, _, last = str(_place(names[0].name, node, inside, host)).rpartition(".")
    bound = names[0].asname or names[0].name
    if "." in bound or (names[0].asname is None and bound != last):
        raise _refused(node, inside, "binds a name that is another one in a plugin; use 'from'")
    return _replaced(rb"import\s+[\w.]+", f"from {dots}{parent} import {last}", text, node, inside)


def _replaced(
    old: bytes, new: str, text: bytes, node: ast.Import | ast.ImportFrom, inside: PurePosixPath
) -> bytes:
    found = re.match(old, text)
    if found is None:
        raise _refused(node, inside, "is written in an unusual way")
    return new.encode() + text[found.end() :]


def _place(module: str, node: ast.Import | ast.ImportFrom, inside: PurePosixPath, host: str) -> str | None:
    """Where in the package a module of the repository lies; None for others, which stay as they are."""
    top, _, rest = module.partition(".")
    if top in {"websockets", "msgpack"}:
        return f"vendor.{module}"
    if top not in {"bridge_server", "plugins"}:
        return None
    names = [rest] if rest else [alias.name for alias in node.names]
    if top == "bridge_server":
        if all(name.partition(".")[0] in {*CARRIED, "__version__"} for name in names):
            return f"bridge.{rest}" if rest else "bridge"
    elif rest.partition(".")[0] == "shared" or (not rest and names == ["shared"]):
        return rest
    elif rest.startswith(f"{host}."):
        return rest.partition(".")[2]
    raise _refused(node, inside, f"imports {module}, which a plugin does not carry")


def _refused(node: ast.Import | ast.ImportFrom, inside: PurePosixPath, why: str) -> BuildError:
    return BuildError(f"{inside}, line {node.lineno}: {why}.")


# ---- translations --------------------------------------------------------------------------------------


def compiled_catalogue(text: str, name: str = "catalogue") -> bytes:
    """A gettext catalogue (``.po``) in the form that :mod:`gettext` reads (``.mo``).

    What is not translated, fuzzy or obsolete is left out, so that the English text is shown.

    Raises:
        BuildError: a line makes no sense; ``name`` says of what.
    """
    messages = {key: value for key, value in _messages(text, name) if all(value.split("\0"))}
    pairs = sorted((key.encode(), value.encode()) for key, value in messages.items())
    begin = 7 * 4 + 16 * len(pairs)
    tables, strings = b"", b""
    for column in (0, 1):
        for pair in pairs:
            tables += struct.pack("<II", len(pair[column]), begin + len(strings))
            strings += pair[column] + b"\0"
    header = struct.pack("<7I", 0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, begin)
    return header + tables + strings


def _messages(text: str, name: str) -> Iterator[tuple[str, str]]:
    """Key and translation of each entry, forms of the plural parted by NUL, as in a ``.mo``."""
    parts: dict[str, str] = {}
    fuzzy, field = False, ""
    for number, line in enumerate([*text.splitlines(), ""], 1):
        found = re.fullmatch(r'(?:(msgctxt|msgid|msgid_plural|msgstr(?:\[\d+\])?)\s+)?(".*")', line.strip())
        starts = found is None or found[1] in {"msgctxt", "msgid"}
        if starts and any(key.startswith("msgstr") for key in parts):
            if not fuzzy:
                yield _message(parts)
            parts, fuzzy = {}, False
        if found is not None and (found[1] or field):
            field = found[1] or field
            parts[field] = parts.get(field, "") + str(ast.literal_eval(found[2]))
        elif line.startswith("#,"):
            fuzzy = "fuzzy" in line
        elif line.strip() and not line.startswith("#"):
            raise BuildError(f"{name}, line {number}: {line.strip()!r} makes no sense.")


def _message(parts: dict[str, str]) -> tuple[str, str]:
    key = parts["msgid"]
    if "msgid_plural" in parts:
        key += "\0" + parts["msgid_plural"]
    if "msgctxt" in parts:
        key = parts["msgctxt"] + "\4" + key
    forms = sorted(each for each in parts if each.startswith("msgstr"))
    return key, "\0".join(parts[each] for each in forms)


# ---- the command ---------------------------------------------------------------------------------------


def main() -> int:
    """Build what is asked for and print where it is."""
    parser = argparse.ArgumentParser(description="Make plugins that stand alone.")
    parser.add_argument("hosts", nargs="*", metavar="HOST", help=f"which (default: {', '.join(HOSTS)})")
    parser.add_argument("--out", type=Path, default=Path("dist"), metavar="DIR", help="where (default: dist)")
    given = parser.parse_args()
    unknown = [host for host in given.hosts if host not in HOSTS]
    if unknown:
        parser.error(f"there is no plugin for {unknown[0]}")
    try:
        for host in given.hosts or HOSTS:
            sys.stdout.write(f"{build_archive(host, given.out)}\n")
    except BuildError as error:
        sys.stderr.write(f"build.py: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
