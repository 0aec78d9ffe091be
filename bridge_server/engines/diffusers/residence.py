# SPDX-License-Identifier: Apache-2.0
# pyright: basic
"""Which model is in memory: loaded when it is first needed, kept for the next request."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Generator
from typing import Any

from ...models.card import Card
from ...models.extra import INSTALL
from ...models.shelf import Shelf
from ...protocol.errors import EngineFailed, NotFound
from .options import Options

__all__ = ["Residence"]

log = logging.getLogger(__name__)


class Residence:
    """Holds the shelf and the model used last."""

    def __init__(self, shelf: Shelf, options: Options) -> None:
        self.shelf, self.options = shelf, options
        self._model: Any = None  # a Model of .denoising, whose type would bring torch

    def model(self, card: Card) -> Any:
        """The model of a card, ready to work; another one leaves the memory first.

        Raises:
            NotFound: its files are gone.
            EngineFailed: torch or diffusers can't be used, or the files can't be read.
        """
        if self._model is not None and self._model.card == card:
            return self._model
        self.clear()
        with _said_in_words(card):
            from .denoising.loading import load_model  # noqa: PLC0415 - torch comes into the process here

            self._model = load_model(card, self.options)
        return self._model

    def clear(self) -> None:
        """Forget the model and free its memory."""
        if self._model is not None:
            device = self._model.device
            self._model = None
            device.release()


@contextlib.contextmanager
def _said_in_words(card: Card) -> Generator[None]:
    """What loading can raise, as something that the artist can read."""
    hint = f"See 'bridge-server models check {card.id}'."
    try:
        yield
    except ImportError as error:
        raise EngineFailed(
            f"torch or diffusers can't be used: {error}.",
            f"Install them: {INSTALL}.",
        ) from error
    except FileNotFoundError as error:
        raise NotFound(f"A file of the model {card.id} is gone: {error.filename or error}.", hint) from error
    except (OSError, ValueError, KeyError, RuntimeError, AttributeError, TypeError) as error:
        log.exception("the model %s can't be loaded", card.id)
        first = str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
        raise EngineFailed(f"The model {card.id} can't be loaded: {first}", hint) from error
    except Exception as error:  # safetensors has its own, without a base class
        if type(error).__name__ != "SafetensorError":
            raise
        raise EngineFailed(f"A weight file of {card.id} is damaged: {error}.", hint) from error
