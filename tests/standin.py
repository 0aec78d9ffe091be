# SPDX-License-Identifier: Apache-2.0
"""A small repository with a Krita plugin, for the tests of what packs and installs plugins."""

import shutil
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]

DESKTOP = """[Desktop Entry]
Type=Service
ServiceTypes=Krita/PythonPlugin
X-KDE-Library=bridge_krita
X-Python-2-Compatible=false
X-Krita-Manual=Manual.html
Name=Co-create
Comment=Stand-in
"""
ACTION = """<?xml version="1.0" encoding="UTF-8"?>
<ActionCollection version="2" name="Scripts"><Actions category="Scripts">
<text>Co-create</text>
<Action name="bridge_fill"><text>Fill</text><activationFlags>0</activationFlags></Action>
</Actions></ActionCollection>
"""
INIT = '''# SPDX-License-Identifier: GPL-3.0-or-later
"""It says ``import msgpack`` here, and that stays."""

from krita import Extension, Krita

from plugins.shared.words import greeting

from .host import connect

__all__ = ["connect", "greeting"]


class Standin(Extension):
    """Adds one action."""

    def setup(self):
        """Nothing."""

    def createActions(self, window):
        """Called for each window."""
        window.createAction("bridge_fill", "Fill", "tools/scripts")


Krita.instance().addExtension(Standin(Krita.instance()))
'''
HOST = '''# SPDX-License-Identifier: GPL-3.0-or-later
"""Uses the client."""


def connect(find):
    """A client."""
    from bridge_server.client import BridgeClient

    return BridgeClient(find, name="stand-in")
'''
WORDS = '''# SPDX-License-Identifier: GPL-3.0-or-later
"""Shared words."""

greeting = "import websockets"
'''
GERMAN = """# a comment
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

#: docker.py:12
msgid "Fill"
msgstr "Füllen"

msgctxt "a noun"
msgid "Fill"
msgstr "Füllung"

msgid ""
"two "
"lines\\n"
msgstr "zwei "
"Zeilen\\n"

msgid "{count} candidate"
msgid_plural "{count} candidates"
msgstr[0] "{count} Vorschlag"
msgstr[1] "{count} Vorschläge"

#, fuzzy
msgid "Vary"
msgstr "Falsch"
msgid "Refine"
msgstr ""

#~ msgid "Gone"
#~ msgstr "Weg"
"""


def standin(folder):
    """Write the repository into a folder, with the real client, libraries and licences; the folder."""
    for name in ("bridge_server/client", "bridge_server/protocol", "plugins/vendor", "LICENSES"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / name, folder / name, ignore=ignore)
    shutil.copy(REPOSITORY / "bridge_server/__init__.py", folder / "bridge_server")
    files = {
        "plugins/krita/__init__.py": INIT,
        "plugins/krita/host.py": HOST,
        "plugins/krita/Manual.html": "<p>None</p>",
        "plugins/krita/icons/fill.svg": "<svg/>",
        "plugins/krita/bridge_krita.desktop": DESKTOP,
        "plugins/krita/bridge_krita.action": ACTION,
        "plugins/krita/__pycache__/old.pyc": "",
        "plugins/shared/__init__.py": "",
        "plugins/shared/words.py": WORDS,
        "plugins/shared/locale/de.po": GERMAN,
    }
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder
