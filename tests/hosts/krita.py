# SPDX-License-Identifier: Apache-2.0
"""Krita: the starter is a plugin, and code runs on the UI thread, also while a dialog is open."""

import shutil

from hosts.host import INSIDE, Host
from hosts.room import until

DESKTOP = """[Desktop Entry]
Type=Service
ServiceTypes=Krita/PythonPlugin
X-KDE-Library={name}
X-Python-2-Compatible=false
X-Krita-Manual=Manual.html
Name={name}
Comment=For tests
"""

READY = """
from krita import *
try:
    from PyQt5.QtCore import *
    from PyQt5.QtGui import *
    from PyQt5.QtWidgets import *
except ImportError:
    from PyQt6.QtCore import *
    from PyQt6.QtGui import *
    from PyQt6.QtWidgets import *
app = Krita.instance()
def window():
    return app.activeWindow()
def close_all():
    "Close every document without a question, and without a selection: with one, Krita 5.2.9 may crash here."
    for document in app.documents():
        document.setSelection(None)
        document.waitForDone()
        document.setModified(False)
        document.close()
"""
NEW = """
document = app.createDocument(width, height, name, model, depth, profile, 72.0)
view = window().addView(document)
"""
ERRORS = """
shown = [w for w in QApplication.topLevelWidgets() if w.isVisible()]
shown = [w for w in shown if type(w).__name__ == "ExceptHookDialog"]
said = [w.findChild(QTextBrowser).toPlainText() for w in shown]
for w in shown:
    w.close()
said
"""
CHOOSE = """
chooser = next(w for w in QApplication.topLevelWidgets() if isinstance(w, QFileDialog) and w.isVisible())
chooser.findChild(QLineEdit, "fileNameEdit").setText(path)
QTimer.singleShot(0, chooser.accept)
"""


class KritaHost(Host):
    """The real Krita with its window."""

    name = "krita"
    plugins = ()

    def __init__(self, room, screen, plugins=(), settings=""):
        """Args are of ``Host``, and:

        plugins: folders of further plugins, each with ``NAME.desktop`` beside it.
        settings: more lines for kritarc.
        """
        super().__init__(room, screen)
        self.plugins, self.settings = tuple(plugins), settings

    @property
    def resources(self):
        """Krita's resource folder."""
        return self.room.home / ".local/share/krita"

    def prepare(self):
        """Put the starter and the plugins in the resource folder and enable them."""
        pykrita = self.resources / "pykrita"
        starter = pykrita / "bridge_driver"
        if not starter.exists():
            starter.mkdir(parents=True)
            shutil.copy(INSIDE / "driver.py", starter)
            shutil.copy(INSIDE / "krita_starter.py", starter / "__init__.py")
            (pykrita / "bridge_driver.desktop").write_text(DESKTOP.format(name="bridge_driver"))
        for plugin in self.plugins:
            shutil.copytree(plugin, pykrita / plugin.name, dirs_exist_ok=True)
            shutil.copy(plugin.with_suffix(".desktop"), pykrita)
        names = ["bridge_driver", *(plugin.name for plugin in self.plugins)]
        enabled = "\n".join(f"enable_{name}=true" for name in names)
        config = self.room.home / ".config"
        config.mkdir(exist_ok=True)
        if not (config / "kritarc").exists():  # a second start keeps what the first one wrote
            (config / "kritarc").write_text(f"[python]\n{enabled}\n{self.settings}\n")

    def command(self):
        """No splash."""
        return ["krita", "--nosplash"]

    def ready(self):
        """Wait for the window and make it large."""
        self.do(READY)
        self.screen.window("Krita")
        self.do("window().qwindow().showMaximized()")
        self.until("window().qwindow().isMaximized()")

    def until(self, expression, timeout=60):
        """Wait until Python inside is true; between the looks Krita's own event loop turns.

        ``QApplication.processEvents`` is no match for that: a new document, for one, has no active node
        before the event loop itself was reached.
        """
        until(lambda: self.do(expression), expression, timeout)

    def new_document(self, width=256, height=256, *, model="RGBA", depth="U8", profile="", name="test"):
        """A document in a view of its own, in front; inside, ``document`` and ``view`` name them."""
        self.do(NEW, width=width, height=height, model=model, depth=depth, profile=profile, name=name)
        self.until("app.activeDocument() == document and document.activeNode() is not None")

    def close_all(self):
        """Close every document without a question."""
        self.do("close_all()")
        self.until("not app.documents()")

    def script_errors(self):
        """What Krita says in its "Script error" windows, which an exception in a slot opens; closes them."""
        return self.do(ERRORS)

    def import_plugin(self, path):
        """Import a plugin's zip as the user does, by the menu's dialog, and say yes to enabling it."""
        menu = self.begin("app.action('plugin_importer_file').trigger()")
        self.screen.window("Import Plugin")
        self.do(CHOOSE, path=str(path))
        self.screen.window("Activate Plugins?")
        self.do("QApplication.activeModalWidget().button(QMessageBox.StandardButton.Yes).click()")
        self.answer(menu)

    def leave(self):
        """By the menu's action."""
        self.do("close_all(); QTimer.singleShot(0, app.action('file_quit').trigger)")
