# SPDX-License-Identifier: Apache-2.0
"""Puts the plugins into the wheel, for ``bridge-server install``; an editable install builds them later."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PluginsHook(BuildHookInterface[Any]):
    """Runs plugins/build.py; what it makes lies in bridge_server/plugins of the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before the wheel is put together."""
        if version == "editable":
            return
        self._made = tempfile.TemporaryDirectory()
        build = Path(self.root, "plugins", "build.py")
        subprocess.run([sys.executable, str(build), "--out", self._made.name], check=True)
        for archive in Path(self._made.name).iterdir():
            build_data["force_include"][str(archive)] = f"bridge_server/plugins/{archive.name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Called when the wheel is there."""
        del build_data, artifact_path
        if version != "editable":
            self._made.cleanup()
