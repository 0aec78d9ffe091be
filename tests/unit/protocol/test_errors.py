# SPDX-License-Identifier: Apache-2.0
"""Errors and their codes."""

import pytest

from bridge_server.protocol import errors
from bridge_server.protocol.errors import BridgeError, error_from_wire

CLASSES = [getattr(errors, name) for name in errors.__all__ if isinstance(getattr(errors, name), type)]


@pytest.mark.parametrize("cls", CLASSES)
def test_each_code_decodes_to_its_class(cls):
    """A code that travels becomes the class that it came from."""
    error = error_from_wire(cls.code, "What.", "Do.")
    assert type(error) is cls
    assert (error.wire_code, error.message, error.hint) == (cls.code, "What.", "Do.")


def test_codes_are_unique():
    """No two errors share a code."""
    assert len({cls.code for cls in CLASSES}) == len(CLASSES)


def test_an_unknown_code_decodes_to_the_base_class_and_keeps_its_code():
    """An older client survives a newer daemon's errors."""
    error = error_from_wire("out_of_paint", "No paint.")
    assert type(error) is BridgeError
    assert error.wire_code == "out_of_paint"


def test_an_error_reads_as_message_and_hint():
    """str() is what an artist sees."""
    assert str(BridgeError("It broke.", "Glue it.")) == "It broke. Glue it."
    assert str(BridgeError("It broke.")) == "It broke."
