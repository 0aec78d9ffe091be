# SPDX-License-Identifier: Apache-2.0
"""Every request finds its handler."""

import asyncio

from bridge_server.protocol.messages import Hello
from bridge_server.protocol.tables import OPS
from bridge_server.protocol.versions import GetTree, Undo
from bridge_server.server.handlers import ROUTES
from serving import house


def test_every_op_has_a_handler():
    """But hello, which the connection answers itself."""
    assert set(ROUTES) == {request for request, _ in OPS.values()} - {Hello}


def test_a_change_is_checked_before_it_reaches_its_handler(tmp_path):
    """Whatever it is; nothing is written."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client:
            assert "params.key" in (await client.answer(Undo(key="no spaces")))["message"]
            assert "params.document" in (await client.answer(Undo("a\nb")))["message"]
            assert (await client.answer(GetTree())).versions == []
            assert it.stage.memory.library.projects().projects == []

    asyncio.run(scenario())


def test_a_project_that_is_being_deleted_takes_nothing_new_in(tmp_path):
    """Changes and jobs are refused meanwhile; another project and reading are not affected."""

    async def scenario():
        async with house(tmp_path) as it, it.client() as client, it.client(project="other") as other:
            it.desk.closing.add("default")
            assert (await client.answer(Undo()))["code"] == "too_busy"
            assert (await client.answer(GetTree())).versions == []
            assert not isinstance(await other.answer(Undo()), dict)

    asyncio.run(scenario())
