# SPDX-License-Identifier: Apache-2.0
"""The tables of messages."""

import dataclasses

import pytest

from bridge_server.protocol.messages import EVENTS, OPS, VERBS, Expand, Fill, Refine, Request, Vary
from bridge_server.protocol.work import WORK


def test_every_request_is_in_the_table_under_its_op():
    """A request that was forgotten in OPS could be sent and never be understood."""

    def below(cls):
        return {c for sub in cls.__subclasses__() for c in {sub} | below(sub)}

    requests = {cls for cls in below(Request) if cls.__module__ == Request.__module__}
    assert {cls.op: cls for cls in requests} == {op: cls for op, (cls, _) in OPS.items()}
    assert set(VERBS) <= set(OPS)


@pytest.mark.parametrize("cls", [Fill, Vary, Refine])
def test_expand_has_every_lever_of_the_other_verbs(cls):
    """Expand repeats Fill's fields with the same defaults, since it has no mask to share."""

    def levers(kind):
        return {f.name: (f.type, f.default) for f in dataclasses.fields(kind) if f.name != "strength"}

    sides = {"left", "right", "top", "bottom"}
    assert {n for n in levers(cls) if n not in ("mask", "amount")} == set(levers(Expand)) - sides
    shared = levers(Expand).items() & levers(cls).items()
    assert len(shared) == len(levers(Expand)) - len(sides)


@pytest.mark.parametrize(
    "cls", {cls for pair in OPS.values() for cls in pair} | {*EVENTS.values(), *WORK.values()}
)
def test_messages_are_frozen_dataclasses(cls):
    """A message that was sent can't be changed under whoever holds it."""
    assert dataclasses.is_dataclass(cls)
    assert cls.__dataclass_params__.frozen
