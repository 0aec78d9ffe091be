# SPDX-License-Identifier: Apache-2.0
"""The tables of messages."""

import dataclasses
import importlib
import pkgutil
from typing import ForwardRef, get_args

import pytest

import samples
from bridge_server import protocol
from bridge_server.protocol import descriptor
from bridge_server.protocol.messages import VERBS, Expand, Fill, Refine, Vary
from bridge_server.protocol.pixels import Pixels
from bridge_server.protocol.records import Context
from bridge_server.protocol.request import Change, Request, Submit
from bridge_server.protocol.tables import EVENTS, OPS
from bridge_server.protocol.work import WORK

MODULES = [
    importlib.import_module(f"{protocol.__name__}.{module.name}")
    for module in pkgutil.iter_modules(protocol.__path__)
]


def below(cls):
    """The dataclasses of the protocol that are derived from a class."""
    found = {
        value
        for module in MODULES
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, cls)
    }
    return {one for one in found if dataclasses.is_dataclass(one)}


def test_every_request_is_in_the_table_under_its_op():
    """A request that was forgotten in OPS could be sent and never be understood."""
    assert len(below(Request)) == len(OPS)
    assert {cls.op: cls for cls in below(Request)} == {op: cls for op, (cls, _) in OPS.items()}
    assert set(VERBS) <= set(OPS)


def test_a_request_is_declared_with_the_answer_that_the_table_has():
    """The type that a caller gets is the one that the answer is decoded to."""
    for request, result in OPS.values():
        ((answer,),) = (get_args(base) for base in request.__orig_bases__)
        assert (
            answer.__forward_arg__ if isinstance(answer, ForwardRef) else answer.__name__
        ) == result.__name__


@pytest.mark.parametrize("cls", sorted(below(Change), key=lambda cls: cls.op))
def test_every_change_has_a_key(cls):
    """Empty unless the client gives one, and the last field."""
    key = dataclasses.fields(cls)[-1]
    assert (key.name, key.default) == ("key", "")


@pytest.mark.parametrize("cls", sorted(below(Submit), key=lambda cls: cls.op))
def test_every_request_for_a_job_has_its_id(cls):
    """Empty unless the client gives one."""
    (job,) = (f for f in dataclasses.fields(cls) if f.name == "job")
    assert job.default == ""
    assert OPS[cls.op][1].__name__ == "Submitted"


def test_each_axis_is_named_once_and_has_words():
    """An artist pins an axis by its name and reads its words."""
    names = [axis.name for axis in descriptor.AXES]
    assert len(set(names)) == len(names)
    assert all(axis.more and axis.less and axis.more != axis.less for axis in descriptor.AXES)
    assert all(axis.scale > 0 for axis in descriptor.AXES)


def test_the_distance_counts_typical_differences():
    """0 for the same, 1 for one typical difference on every axis, and only axes that both have."""
    zero = {axis.name: 0.0 for axis in descriptor.AXES}
    one = {axis.name: axis.scale for axis in descriptor.AXES}
    assert descriptor.distance(zero, zero) == 0
    assert descriptor.distance(zero, one) == descriptor.distance(one, zero) == pytest.approx(1)
    assert descriptor.distance({"warmth": 0.0, "old": 9.0}, one) == pytest.approx(1)
    assert descriptor.distance({}, one) == 0


def left_at_default(value, path):
    """The fields in a message that have their default."""
    if isinstance(value, (list, dict)):
        items = enumerate(value) if isinstance(value, list) else value.items()
        return [found for key, item in items for found in left_at_default(item, f"{path}[{key}]")]
    if not dataclasses.is_dataclass(value) or isinstance(value, (Pixels, Context)):
        return []
    found = []
    for f in dataclasses.fields(value):
        here, default = getattr(value, f.name), f.default
        if f.default_factory is not dataclasses.MISSING:
            default = f.default_factory()
        if default is not dataclasses.MISSING and here == default:
            found.append(f"{path}.{f.name}")
        found += left_at_default(here, f"{path}.{f.name}")
    return found


@pytest.mark.parametrize("table", ["REQUESTS", "RESULTS", "EVENTS", "WORK"])
def test_the_samples_leave_nothing_out(table):
    """One of each message, with no field at its default, or a test of the wire would look past it."""
    shown = getattr(samples, table)
    known = {
        "REQUESTS": {op: request for op, (request, _) in OPS.items()},
        "RESULTS": {op: result for op, (_, result) in OPS.items()},
        "EVENTS": EVENTS,
        "WORK": WORK,
    }
    assert {name: type(value) for name, value in shown.items()} == known[table]
    assert [where for name, value in shown.items() for where in left_at_default(value, name)] == []


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
