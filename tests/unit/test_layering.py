# SPDX-License-Identifier: Apache-2.0
"""Who may import whom, read from the source: the table of the design."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "bridge_server"
MODULES = sorted(ROOT.rglob("*.py"))

#: The daemon's other libraries, by the name that is imported.
STORE, WIRE = {"sqlite3"}, {"msgspec"}

#: part -> (parts of bridge_server, libraries) it may import besides itself and the standard library.
#: A longer name goes before a shorter one.
ALLOWED = {
    "protocol": (set(), set()),
    "client": ({"protocol"}, {"websockets", "msgpack"}),
    "canvas": (set(), {"numpy"}),
    "taste": ({"protocol"}, {"numpy"}),
    "engines": ({"protocol", "canvas"}, {"numpy", "patchmatch"}),
    "engines/diffusers": ({"protocol", "canvas", "engines", "models"}, {"numpy"}),
    "engines/diffusers/denoising": (
        {"protocol", "canvas", "engines", "models"},
        {"numpy", "torch", "diffusers", "transformers", "safetensors", "compel", "cv2", "PIL"},
    ),
    "models": ({"protocol"}, WIRE | {"filelock"}),
    "workers": ({"protocol"}, WIRE),
    "workers/child": ({"protocol", "canvas", "engines", "workers/frames", "workers/line"}, {"numpy"}),
    "workers/clerk": (
        {"protocol", "canvas", "taste", "sessions", "workers/frames", "workers/line"},
        {"numpy"},
    ),
    "sessions": ({"protocol"}, WIRE),
    "provenance": ({"protocol"}, set()),
    "jobs": ({"protocol", "workers/fleet", "workers/supervisor", "sessions"}, set()),
    "server": ({"protocol", "jobs", "sessions", "provenance", "workers/fleet", ""}, WIRE | {"websockets"}),
    "config": ({"protocol"}, WIRE),
    "app": (
        {
            "protocol",
            "jobs",
            "sessions",
            "provenance",
            "server",
            "models/extra",
            "workers/fleet",
            "workers/supervisor",
            "config",
            "",
        },
        WIRE | {"filelock"},
    ),
    "cli/models": ({"cli", "client", "protocol", "models"}, set()),
    "cli": ({"client", "protocol", "canvas", ""}, {"numpy", "PIL", "rich", "pyvips", "filelock"}),
    "__main__": ({"cli"}, set()),
    "": (set(), set()),
}

#: What may be imported inside a function only, so that it costs nothing until it is needed.
LAZILY = {
    "engines": {"engines/diffusers"},
    "cli": {"app", "config", "cli/models"},
    "cli/models": {"config"},
    "engines/diffusers": {"engines/diffusers/denoising"},
    "models": {"huggingface_hub", "diffusers"},
}


def name_of(path):
    """``jobs/queue`` for bridge_server/jobs/queue.py, ``jobs`` for its package, empty for bridge_server."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return "/".join(parts[:-1] if parts[-1] == "__init__" else parts)


def part_of(name, parts):
    """The longest of ``parts`` that a module belongs to."""
    return max((p for p in parts if name == p or name.startswith(f"{p}/") or not p), key=len, default=None)


def imports_of(path):
    """(what, inside a function?) of each import: ``.jobs/queue`` for our own, ``numpy`` for others."""
    found = set()

    def visit(node, *, inside):
        if isinstance(node, ast.Import):
            found.update((our_name(alias.name), inside) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.update((each, inside) for each in froms(path, node))
        inside = inside or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        for child in ast.iter_child_nodes(node):
            visit(child, inside=inside)

    visit(ast.parse(path.read_text()), inside=False)
    return found


def our_name(dotted):
    """A dotted name as this test writes it."""
    top, _, rest = dotted.partition(".")
    return "." + rest.replace(".", "/") if top == "bridge_server" else top


def froms(path, node):
    """The modules that ``from x import y`` reads."""
    if not node.level:
        base = our_name(node.module)
        if not base.startswith("."):
            return [base]
    else:
        folder = path.relative_to(ROOT).parent
        for _ in range(node.level - 1):
            folder = folder.parent
        base = "." + "/".join([*folder.parts, *(node.module or "").split(".")]).strip("/")
    modules = [f"{base}/{alias.name}".replace("./", ".") for alias in node.names]
    existing = {"." + name_of(module) for module in MODULES}
    return [module if module in existing else base for module in modules]


def offences(path):
    """The imports of a module that the table does not allow."""
    name = name_of(path)
    part = part_of(name, ALLOWED)
    own, libraries = ALLOWED[part]
    for what, inside in sorted(imports_of(path)):
        if not what.startswith("."):
            fine = what in sys.stdlib_module_names or what in libraries
        elif part_of(what[1:], own - {""}) is not None or (what == "." and "" in own):
            fine = True
        else:
            fine = part and part_of(what[1:], ALLOWED) == part
        lazily = part_of(what.lstrip("."), LAZILY.get(part, ())) or what in LAZILY.get(part, ())
        if (lazily and not inside) or not (fine or lazily):
            yield f"{name} imports {what.lstrip('.') or 'bridge_server'}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_imports_only_what_its_part_may(path):
    """The layers keep torch out of the daemon, the daemon out of plugins, and hosts' Pythons small."""
    assert list(offences(path)) == []


def test_every_part_of_the_table_that_exists_is_found():
    """A folder that the table forgets would be held to nothing."""
    tops = {name_of(path).partition("/")[0] for path in MODULES}
    assert tops <= {part.partition("/")[0] for part in ALLOWED}


@pytest.mark.parametrize(
    ("where", "source", "expected"),
    [
        ("protocol/x.py", "import msgspec", ["protocol/x imports msgspec"]),
        ("protocol/x.py", "from ..client import y", ["protocol/x imports client"]),
        ("client/x.py", "def f():\n import numpy", ["client/x imports numpy"]),
        ("client/x.py", "from bridge_server.jobs import queue", ["client/x imports jobs/queue"]),
        ("workers/x.py", "from ..engines.base import Engine", ["workers/x imports engines/base"]),
        ("workers/child.py", "from ..engines.base import Engine", []),
        (
            "workers/child.py",
            "from .supervisor import Supervisor",
            ["workers/child imports workers/supervisor"],
        ),
        ("jobs/x.py", "from ..workers import process", ["jobs/x imports workers/process"]),
        ("jobs/x.py", "from ..workers.child import serve", ["jobs/x imports workers/child"]),
        ("canvas/x.py", "import patchmatch\nimport numpy.linalg", ["canvas/x imports patchmatch"]),
        ("cli/x.py", "from ..app import serve", ["cli/x imports app"]),
        ("cli/x.py", "def f():\n from ..app import serve", []),
        ("server/x.py", "import torch\nfrom .. import __version__", ["server/x imports torch"]),
        ("engines/diffusers/x.py", "import torch", ["engines/diffusers/x imports torch"]),
        ("engines/diffusers/x.py", "def f():\n import torch", ["engines/diffusers/x imports torch"]),
        (
            "engines/diffusers/engine.py",
            "from .denoising import sitting",
            ["engines/diffusers/engine imports engines/diffusers/denoising/sitting"],
        ),
        ("engines/diffusers/engine.py", "def f():\n from .denoising import sitting", []),
        ("engines/diffusers/denoising/x.py", "import torch", []),
        ("models/x.py", "import diffusers", ["models/x imports diffusers"]),
        ("cli/models/x.py", "from ...config import load_config", ["cli/models/x imports config"]),
        ("cli/models/x.py", "def f():\n from ...config import load_config", []),
        ("cli/x.py", "from ..models import shelf", ["cli/x imports models/shelf"]),
        ("engines/patchmatch/x.py", "def f():\n import torch", ["engines/patchmatch/x imports torch"]),
    ],
)
def test_the_reader_of_imports_finds_offences(where, source, expected, monkeypatch, tmp_path):
    """Relative or absolute, of a module or a name, on top or in a function."""
    path = tmp_path / where
    path.parent.mkdir(parents=True)
    path.write_text(source)
    for module in MODULES:
        copy = tmp_path / module.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
    monkeypatch.setitem(globals(), "MODULES", [tmp_path / m.relative_to(ROOT) for m in MODULES])
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    assert list(offences(path)) == expected
