# SPDX-License-Identifier: GPL-3.0-or-later
"""Co-create for Krita. Imported by Krita as a plugin, it registers its docker and its actions."""

from __future__ import annotations

__all__: list[str] = []


def _register() -> None:
    from krita import DockWidgetFactory, DockWidgetFactoryBase, Krita  # noqa: PLC0415  not there in tests

    from .docker import Docker  # noqa: PLC0415
    from .extension import Actions  # noqa: PLC0415

    krita = Krita.instance()
    krita.addExtension(Actions(krita))
    place = DockWidgetFactoryBase.DockPosition.DockRight
    krita.addDockWidgetFactory(DockWidgetFactory("bridge_krita", place, Docker))


if "." not in __name__:  # else it is imported from the sources, by a test
    _register()
