# SPDX-License-Identifier: GPL-3.0-or-later
"""A conversation and a studio over stand-ins."""

import pytest

from plugins.shared.conversation import Conversation
from plugins.shared.studio import Studio
from pluginside import MemoryOnly, StandInHost, StandInLink


@pytest.fixture
def link():
    """Not connected yet."""
    return StandInLink()


@pytest.fixture
def memory():
    """Nothing is kept yet."""
    return MemoryOnly()


@pytest.fixture
def host():
    """With one document."""
    return StandInHost()


@pytest.fixture
def conversation(link, memory):
    """Connected, with one engine."""
    conversation = Conversation(link, memory)
    link.connect()
    return conversation


@pytest.fixture
def studio(conversation, host, link):
    """Of one window, with one look at the host taken."""
    studio = Studio(conversation, host)
    studio.refresh()
    link.asked.clear()
    return studio
