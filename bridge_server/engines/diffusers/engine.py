# SPDX-License-Identifier: Apache-2.0
# pyright: basic
"""The engine itself. Light: torch comes in with the first picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ...models.card import Card
from ...protocol.errors import BridgeError, Unsupported
from ...protocol.records import EngineInfo
from ..base import Brief, Deliver, Made, Report
from .abilities import checked_settings, describe
from .residence import Residence

__all__ = ["DiffusersEngine"]

VERBS = ("fill", "vary", "refine")


class DiffusersEngine:
    """Makes pictures from words with one base model.

    Args:
        card: the model.
        residence: where models are loaded; shared by all engines of the process.
    """

    def __init__(self, card: Card, residence: Residence) -> None:
        self._card, self._residence = card, residence

    @property
    def info(self) -> EngineInfo:
        """What this model can do, with what lies on the shelf now."""
        residence = self._residence
        return describe(self._card, residence.shelf.cards(), batches=residence.options.batches)

    def generate(self, brief: Brief, report: Report) -> Iterator[Made]:
        """Make one candidate for each seed; see :class:`bridge_server.engines.base.Engine`.

        Raises:
            BadRequest, Unsupported: the request can't become a picture with this model.
            NotFound, EngineFailed: the model can't be used, or there is not enough memory.
        """
        told: list[Made | BridgeError] = []
        self.generate_together([brief], [report], lambda _, what: told.append(what))
        for what in told:
            if isinstance(what, BridgeError):
                raise what
            yield what

    def generate_together(self, briefs: Sequence[Brief], reports: Sequence[Report], deliver: Deliver) -> None:
        """See :class:`bridge_server.engines.base.BatchingEngine`."""
        cards = self._residence.shelf.cards()
        info = describe(self._card, cards)
        fit: dict[int, dict[str, Any]] = {}
        for number, brief in enumerate(briefs):
            try:
                _check(brief, info)
                fit[number] = checked_settings(brief.parameters, info, cards)
            except BridgeError as error:
                deliver(number, error)
        if not fit:
            return
        try:
            model = self._residence.model(self._card)
        except BridgeError as error:
            for number in fit:
                deliver(number, error)
            return
        from .denoising.sitting import Sitting  # noqa: PLC0415 - as does this

        sitting = Sitting(self._residence, model, cards, deliver)
        for number, settings in fit.items():
            sitting.admit(number, briefs[number], reports[number], settings)
        sitting.work()


def _check(brief: Brief, info: EngineInfo) -> None:
    if brief.verb not in VERBS:
        raise Unsupported(f"The engine {info.name} cannot {brief.verb}.", "Choose another engine.")
    if brief.stage != "full":
        raise Unsupported(f"The engine {info.name} makes no drafts.", "Ask without drafts.")
    for guide in brief.guides:
        if guide.kind not in info.guides:
            raise Unsupported(
                f"The model {info.title} has nothing for the guide {guide.kind!r}.",
                f"It heeds {', '.join(info.guides)}; see 'bridge-server models' for more.",
            )
