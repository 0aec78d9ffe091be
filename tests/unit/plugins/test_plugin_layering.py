# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may import whom in the plugins, read from their source."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3] / "plugins"
MODULES = sorted([*(ROOT / "shared").rglob("*.py"), *(ROOT / "krita").rglob("*.py")])

#: The files that may name a library of the host, or the client.
SEAMS = {
    "bridge_server.client": {"shared/link.py"},
    # documents first, then what Krita makes itself; no widget knows Krita
    "krita": {
        *("krita/host.py", "krita/colour.py", "krita/names.py"),
        *(
            "krita/__init__.py",
            "krita/application.py",
            "krita/docker.py",
            "krita/extension.py",
            "krita/windows.py",
        ),
    },
    "PyQt5": {"krita/qt.py"},
    "PyQt6": {"krita/qt.py"},
}


def imported(path):
    """Absolute names that a module imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_what_it_may(path):
    """The daemon never, another plugin never; client, host and toolkit through their seams alone."""
    here = path.relative_to(ROOT).as_posix()
    for name in imported(path):
        top = name.partition(".")[0]
        seam = next((key for key in SEAMS if name == key or name.startswith(f"{key}.")), None)
        if seam:
            assert here in SEAMS[seam], f"{here} imports {name}"
            continue
        allowed = (
            name.startswith(("bridge_server.protocol", "plugins.shared")) or top in sys.stdlib_module_names
        )
        assert allowed, f"{here} imports {name}"
