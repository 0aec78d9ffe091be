# SPDX-License-Identifier: GPL-3.0-or-later
"""What the actions in the menu do beyond one call of the studio."""

from __future__ import annotations

from plugins.shared.studio import Studio
from plugins.shared.texts import _

__all__ = ["cancel_all", "step"]


def step(studio: Studio, by: int) -> None:
    """Show the next or the previous candidate of the strip; without a chosen one, the first or the last."""
    ids = [cell.candidate.id for cell in studio.cells() if cell.candidate is not None]
    if not ids:
        studio.tell(_("There is no candidate yet."), bad=True)
        return
    chosen = studio.selected.id if studio.selected is not None else ""
    place = (ids.index(chosen) + by) % len(ids) if chosen in ids else (0 if by > 0 else len(ids) - 1)
    studio.select(ids[place])


def cancel_all(studio: Studio) -> None:
    """Cancel all jobs of the document in front."""
    look = studio.look
    for job in list(studio.queue()):
        if look is not None and job.document == look.document and not job.finished:
            studio.cancel(job.id)
