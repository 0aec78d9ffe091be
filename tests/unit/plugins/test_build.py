# SPDX-License-Identifier: Apache-2.0
"""The plugin that is built stands alone."""

import ast
import gettext
import runpy
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath
from types import ModuleType

import pytest

from plugins.build import BuildError, build_archive, build_folder, compiled_catalogue, rewritten
from standin import GERMAN, REPOSITORY, standin

#: What Krita's Python has besides the standard library.
KRITA = {"krita", "PyQt5", "PyQt6"}

#: SOCKS proxies, which the client never uses; and another Python.
OPTIONAL = {
    "vendor/websockets/sync/client.py": {"python_socks"},
    "vendor/msgpack/fallback.py": {"__pypy__"},
}

#: Run without site-packages: only the folder that is given is on the path besides the standard library.
ALONE = """
import sys, types
package = types.ModuleType("bridge_krita")  # its own __init__ needs Krita
package.__path__ = [sys.argv[1]]
sys.modules["bridge_krita"] = package
from bridge_krita.bridge.client import BridgeClient
from bridge_krita.bridge.protocol.codec import to_plain
from bridge_krita.bridge.client.packing import pack
names = [name for name in sys.modules if name.partition(".")[0] in ("websockets", "msgpack", "bridge_server")]
assert not names, names
from bridge_krita.vendor import msgpack
assert msgpack.Packer.__module__ == "bridge_krita.vendor.msgpack.fallback"
client = BridgeClient(lambda: None, name="alone")
client.close()
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A small repository."""
    return standin(tmp_path_factory.mktemp("repository"))


@pytest.fixture(scope="module")
def built(source, tmp_path_factory):
    """The package that was built from it."""
    return build_folder("krita", tmp_path_factory.mktemp("built"), source)


def only(text, inside="x.py"):
    """What becomes of one source."""
    return rewritten(text.encode(), PurePosixPath(inside), "krita").decode()


@pytest.mark.parametrize(
    ("text", "inside", "wanted"),
    [
        ("from bridge_server.client import find_daemon", "x.py", "from .bridge.client import find_daemon"),
        ("from bridge_server import __version__", "a/x.py", "from ..bridge import __version__"),
        ("from plugins.shared.model import Look", "x.py", "from .shared.model import Look"),
        ("from plugins.shared import texts", "a/__init__.py", "from ..shared import texts"),
        ("from plugins.krita.qt import QWidget", "a/x.py", "from ..qt import QWidget"),
        ("import msgpack  # why", "bridge/client/x.py", "from ...vendor import msgpack  # why"),
        ("import msgpack as m", "x.py", "from .vendor import msgpack as m"),
        ("import bridge_server.client as c", "x.py", "from .bridge import client as c"),
        ("import os; import msgpack", "x.py", "import os; from .vendor import msgpack"),
        (
            "from websockets.sync.client import a, b",
            "x.py",
            "from .vendor.websockets.sync.client import a, b",
        ),
        ("if a:\n\tdef f():\n\t\tfrom msgpack import (\n  x)", "x.py", None),
        ("from .qt import a\nimport json, os\nfrom msgpacker import b", "x.py", None),
        ("s = '''\nimport msgpack\n'''  # from bridge_server.client import y", "x.py", None),
        ("é = 1; import msgpack\r\nß = 2\r\n", "x.py", "é = 1; from .vendor import msgpack\r\nß = 2\r\n"),
    ],
)
def test_names_of_the_repository_become_relative(text, inside, wanted):
    """Wherever the statement stands; all else, strings and comments too, stays as it is."""
    expected = text if wanted is None else wanted
    assert only(text, inside) == expected.replace("\t\tfrom msgpack", "\t\tfrom .vendor.msgpack")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "import os\nfrom bridge_server.canvas import x",
            "x.py, line 2: imports bridge_server.canvas, which",
        ),
        ("from bridge_server import app", "does not carry"),
        ("from plugins.gimp.host import x", "does not carry"),
        ("from plugins import build", "does not carry"),
        ("import bridge_server.client", "use 'from'"),
        ("import bridge_server.client as bridge_server", None),
        ("import plugins.shared", "use 'from'"),
        ("import os, msgpack", "several modules"),
        ("from \\\n  msgpack import x", "unusual"),
        ("from ..shared import x", "leaves the package"),
        ("def f(:", "x.py"),
    ],
)
def test_what_can_not_work_in_a_plugin_is_refused(text, message):
    """By file and line."""
    if message is None:
        assert only(text) == "from .bridge import client as bridge_server"
        return
    with pytest.raises(BuildError, match=message):
        only(text)


def test_every_import_is_relative_or_of_the_host(built):
    """In the syntax of Python 3.9, nothing that Krita's own may lack or another plugin may have brought."""
    for path in built.rglob("*.py"):
        inside = path.relative_to(built).as_posix()
        allowed = sys.stdlib_module_names | KRITA | OPTIONAL.get(inside, set())
        for node in ast.walk(ast.parse(path.read_bytes(), feature_version=(3, 9))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            else:
                continue
            assert {name.partition(".")[0] for name in names} <= allowed, f"{inside}, line {node.lineno}"


def test_the_client_needs_the_package_only(built):
    """Not a single module comes from elsewhere but the standard library."""
    subprocess.run([sys.executable, "-I", "-S", "-B", "-c", ALONE, built], check=True)


def test_the_sources_differ_by_their_imports_only(built, source):
    """The package is what was tested; texts that look like imports stay."""
    assert (built / "shared/words.py").read_text() == (source / "plugins/shared/words.py").read_text()
    kept = [path for path in (built / "vendor").rglob("*") if path.is_file() and path.name != "__init__.py"]
    assert len(kept) > 20
    for path in kept:
        assert path.read_bytes() == (REPOSITORY / "plugins" / path.relative_to(built)).read_bytes()


def test_the_archive_is_as_kritas_importer_wants_it(source, built, tmp_path):
    """An entry for the folder, the two files beside it and nowhere else, and the folder's own files."""
    path = build_archive("krita", tmp_path / "dist", source)
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        assert archive.testzip() is None
    assert path.name == "bridge_krita.zip"
    assert names[0] == "bridge_krita/"
    assert [name for name in names if name.endswith((".desktop", ".action"))] == [
        "bridge_krita.action",
        "bridge_krita.desktop",
    ]
    folder = {f"bridge_krita/{p.relative_to(built).as_posix()}" for p in built.rglob("*") if p.is_file()}
    assert set(names[1:]) - {"bridge_krita.action", "bridge_krita.desktop"} == folder
    wanted = ["icons/fill.svg", "Manual.html", "LICENSES/GPL-3.0-or-later.txt", "LICENSES/Apache-2.0.txt"]
    wanted += ["vendor/websockets/LICENSE", "vendor/msgpack/COPYING", "locale/de/LC_MESSAGES/cocreate.mo"]
    assert {f"bridge_krita/{name}" for name in wanted} <= folder
    assert not [name for name in names if "__pycache__" in name or name.endswith(".po")]


def test_the_same_sources_give_the_same_bytes(source, tmp_path):
    """Also later, elsewhere, and in whatever order the system lists the files."""
    first = build_archive("krita", tmp_path / "a", source).read_bytes()
    again = standin(tmp_path / "elsewhere")
    assert build_archive("krita", tmp_path / "b", again).read_bytes() == first


def test_a_missing_source_is_named(tmp_path):
    """And so is what a source imports wrongly."""
    root = standin(tmp_path / "repository")
    (root / "plugins/krita/host.py").write_text("from bridge_server.app import serve\n")
    with pytest.raises(BuildError, match=r"host\.py, line 1"):
        build_folder("krita", tmp_path / "a", root)
    (root / "plugins/krita/bridge_krita.desktop").unlink()
    with pytest.raises(BuildError, match=r"bridge_krita\.desktop: No such file"):
        build_archive("krita", tmp_path / "b", root)
    assert not (tmp_path / "b").exists()


def test_catalogues_are_compiled(built):
    """Plurals, contexts and several lines; what is fuzzy, empty or obsolete stays English."""
    said = gettext.translation("cocreate", built / "locale", ["de"])
    assert said.gettext("Fill") == "Füllen"
    assert said.pgettext("a noun", "Fill") == "Füllung"
    assert said.gettext("two lines\n") == "zwei Zeilen\n"
    assert said.ngettext("{count} candidate", "{count} candidates", 3) == "{count} Vorschläge"
    assert said.ngettext("{count} candidate", "{count} candidates", 1) == "{count} Vorschlag"
    assert [said.gettext(text) for text in ("Vary", "Refine", "Gone")] == ["Vary", "Refine", "Gone"]


def test_a_broken_catalogue_is_refused():
    """With the line's number."""
    with pytest.raises(BuildError, match=r"de\.po, line 2: 'msgstr Oops'"):
        compiled_catalogue('msgid "Fill"\nmsgstr Oops\n' + GERMAN, "de.po")


def test_the_command_says_what_it_made(tmp_path):
    """One path a plugin; a plugin that is unknown is refused."""
    command = [sys.executable, str(REPOSITORY / "plugins/build.py")]
    refused = subprocess.run(
        [*command, "photoshop"], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (refused.returncode, list(tmp_path.iterdir())) == (2, [])
    assert "no plugin for photoshop" in refused.stderr


def test_the_real_plugin_can_be_built(tmp_path):
    """From this repository, by the command, and its imports are as they should be."""
    command = [sys.executable, str(REPOSITORY / "plugins/build.py"), "krita", "--out", str(tmp_path)]
    made = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    with zipfile.ZipFile(made) as archive:
        archive.extractall(tmp_path / "out")
    package = tmp_path / "out/bridge_krita"
    test_every_import_is_relative_or_of_the_host(package)
    test_the_client_needs_the_package_only(package)
    assert Path(made) == tmp_path / "bridge_krita.zip"


def test_a_wheel_carries_the_archive(source, monkeypatch):
    """Built for it and removed afterwards; an editable install, which builds it later, has none."""
    parts = ("hatchling", "builders", "hooks", "plugin", "interface")
    for count in range(1, len(parts) + 1):
        stub = ModuleType(".".join(parts[:count]))
        monkeypatch.setitem(sys.modules, stub.__name__, stub)
    stub.BuildHookInterface = type("Generic", (), {"__class_getitem__": classmethod(lambda cls, _: cls)})
    shutil.copy(REPOSITORY / "plugins/build.py", source / "plugins")
    hook = runpy.run_path(str(REPOSITORY / "hatch_build.py"))["PluginsHook"]()
    hook.root = str(source)
    data = {"force_include": {}}
    hook.initialize("editable", data)
    assert data["force_include"] == {}
    hook.initialize("standard", data)
    ((path, inside),) = data["force_include"].items()
    assert inside == "bridge_server/plugins/bridge_krita.zip"
    assert zipfile.is_zipfile(path)
    hook.finalize("standard", data, "the.whl")
    assert not Path(path).exists()
