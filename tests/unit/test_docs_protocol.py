# SPDX-License-Identifier: Apache-2.0
"""docs/protocol.md against the code: every example decodes, every table is complete."""

import dataclasses
import json
import re
from inspect import get_annotations
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgpack
import msgspec
import pytest

from bridge_server.protocol import checks, errors
from bridge_server.protocol.checks import (
    check_change,
    check_job,
    check_modify,
    check_more,
    check_project_name,
)
from bridge_server.protocol.codec import event_from_frame, failure_from_frame, from_plain, to_plain
from bridge_server.protocol.descriptor import AXES
from bridge_server.protocol.discovery import RuntimeFile
from bridge_server.protocol.history import HistoryEntry
from bridge_server.protocol.messages import MAX_COUNT, MAX_SEED, PROTOCOL_VERSION, Expand, Fill, Hello
from bridge_server.protocol.pixels import BYTES_PER_PIXEL, Pixels, check_pixels
from bridge_server.protocol.projects import ProjectInfo
from bridge_server.protocol.records import (
    CandidateInfo,
    Context,
    EngineInfo,
    Guide,
    GuideInfo,
    Placement,
    Setting,
    Steering,
)
from bridge_server.protocol.report import Measures, Rate, Share, Spread
from bridge_server.protocol.request import Change
from bridge_server.protocol.tables import EVENTS, OPS
from bridge_server.protocol.taste import Lesson, TasteAxis, TasteSettings
from bridge_server.protocol.versions import DecisionInfo, Head, Less, Modify, More, VersionInfo
from bridge_server.server.connection import HELLO_LIMIT
from bridge_server.server.frames import decode_request
from bridge_server.sessions import library, tree
from bridge_server.sessions.lessons import DATA_FORMAT

TEXT = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()
SECTIONS = dict(re.findall(r"^##? ([^\n]+)\n(.*?)(?=^##? |\Z)", TEXT, re.MULTILINE | re.DOTALL))
TYPES = {Any: "any", int: "int", float: "float", str: "string", bytes: "bytes", bool: "bool"}
SHARED = {
    cls.__name__: cls
    for cls in (
        Pixels, Placement, CandidateInfo, EngineInfo, Context, Setting, Guide, GuideInfo, Steering,
        ProjectInfo, VersionInfo, DecisionInfo, Head,
        HistoryEntry, TasteSettings, TasteAxis, Lesson, Rate, Spread, Measures, Share,
    )
}  # fmt: skip
ERRORS = {getattr(errors, name) for name in errors.__all__ if isinstance(getattr(errors, name), type)}


def examples(section):
    """The frames shown in a section."""
    blocks = re.findall(r"^```\n(.*?)^```$", SECTIONS[section], re.MULTILINE | re.DOTALL)
    noted = [re.sub(r"<bytes (\d+)>", r'{"<bytes>": \1}', block) for block in blocks]
    return [
        json.loads(block, object_hook=lambda map_: b"\xff" * map_["<bytes>"] if "<bytes>" in map_ else map_)
        for block in noted
    ]


def tables(text):
    """The field tables of a text: name -> (type, default)."""
    found = []
    for table in re.findall(r"^\| field \| type \|.*\n\| ---.*\n((?:\|.*\n)*)", text, re.MULTILINE):
        rows = [[cell.strip() for cell in row.strip("|").split(" | ")] for row in table.splitlines()]
        found.append({row[0].strip("`"): (row[1], row[2].strip("`")) for row in rows})
    return found


def type_name(hint):
    """A type as the page writes it."""
    if get_origin(hint) is Union:
        return f"{type_name(get_args(hint)[0])} or nil"
    if get_origin(hint) is list:
        return f"[{type_name(get_args(hint)[0])}]"
    return "map" if get_origin(hint) is dict else TYPES.get(hint) or hint.__name__


def default_of(field):
    """A default as the page writes it."""
    if field.default_factory is not dataclasses.MISSING:
        return json.dumps(field.default_factory())
    if field.default is dataclasses.MISSING:
        return "required"
    return "nil" if field.default is None else json.dumps(field.default)


def declared(cls):
    """The table of the fields that a class declares itself."""
    hints, own = get_type_hints(cls), get_annotations(cls)
    return {
        f.name: (type_name(hints[f.name]), default_of(f)) for f in dataclasses.fields(cls) if f.name in own
    }


def keys(plain):
    """All keys of a map, and of the maps in it."""
    if isinstance(plain, dict):
        return {key: keys(value) for key, value in plain.items()}
    return [keys(item) for item in plain] if isinstance(plain, list) else None


def is_within(shown, known):
    """Whether an example has no key that its message lacks."""
    if isinstance(shown, dict):
        return all(key in known and is_within(value, known[key]) for key, value in shown.items())
    if isinstance(shown, list):
        return all(is_within(one, other) for one, other in zip(shown, known, strict=True))
    return True


def check_payloads(value):
    """Every pixel payload in a message is well-formed."""
    if isinstance(value, Pixels):
        check_pixels(value, max_pixels=10_000)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            check_payloads(getattr(value, field.name))
    elif isinstance(value, list):
        for item in value:
            check_payloads(item)


def check_ranges(request):
    """The daemon would not refuse the request."""
    if isinstance(request, Hello):
        check_project_name(request.project)
    if isinstance(request, (Fill, Expand)):
        check_job(request, max_pixels=10_000)
    if isinstance(request, (More, Less)):
        check_more(request)
    if isinstance(request, Change):
        check_change(request)
    if isinstance(request, Modify):
        check_modify(request, max_pixels=10_000)


@pytest.mark.parametrize("op", OPS)
def test_each_op_has_a_request_and_a_reply_that_decode(op):
    """With both codecs, to the same messages; the reply answers the request; no field is made up."""
    asked, answered = examples(op)
    request_id, request = decode_request(msgpack.packb(asked))
    assert type(request) is OPS[op][0]
    assert from_plain(OPS[op][0], asked["params"]) == request
    assert (answered["kind"], answered["id"]) == ("reply", request_id)
    result = from_plain(OPS[op][1], answered["result"])
    packed = msgpack.packb(answered["result"])
    assert msgspec.msgpack.decode(packed, type=OPS[op][1]) == result
    for message, plain in ((request, asked["params"]), (result, answered["result"])):
        assert is_within(keys(plain), keys(to_plain(message)))
        check_payloads(message)
    check_ranges(request)


@pytest.mark.parametrize("topic", EVENTS)
def test_each_event_has_an_example_that_decodes(topic):
    """With both codecs, to the same message, with every field."""
    (frame,) = examples(topic)
    event = event_from_frame(msgpack.unpackb(msgpack.packb(frame)))
    assert (frame["kind"], event.topic) == ("event", topic)
    assert msgspec.msgpack.decode(msgpack.packb(frame["body"]), type=EVENTS[topic]) == event.body
    assert keys(frame["body"]) == keys(to_plain(event.body))
    check_payloads(event.body)


def test_the_failure_example_is_what_the_daemon_says():
    """To a fill whose seed is text."""
    (frame,) = examples("Failures")
    (fill, _) = examples("fill")
    fill["params"]["seed"] = "x"
    _, error = decode_request(msgpack.packb(fill))
    shown = failure_from_frame(frame)
    assert (type(shown), str(shown)) == (type(error), str(error))


@pytest.mark.parametrize("op", OPS)
def test_each_ops_tables_are_those_of_its_classes(op):
    """Every field with its type and default, of the parameters and of a result that is not told elsewhere."""
    request, result = OPS[op]
    shown = tables(SECTIONS[op])
    expected = [declared(request)] if declared(request) else []
    if re.search(rf"The result is an? {result.__name__}:", SECTIONS[op]) and declared(result):
        expected.append(declared(result))
    assert shown == expected


def test_every_result_is_described_once():
    """Under one op with a table, or as a shared map, or as an event."""
    described = set(re.findall(r"The result is an? (\w+):", TEXT)) | set(SHARED)
    described |= {cls.__name__ for cls in EVENTS.values()} | {cls.__name__ for cls, _ in OPS.values()}
    assert {result.__name__ for _, result in OPS.values()} <= described


@pytest.mark.parametrize("topic", EVENTS)
def test_each_events_table_is_that_of_its_class(topic):
    """Every field with its type and default, of a body that is not told elsewhere."""
    cls, section = EVENTS[topic], SECTIONS[topic]
    elsewhere = set(SHARED) | set(re.findall(r"The result is an? (\w+):", TEXT))
    if re.search(rf"The body is an? {cls.__name__}\b", section):
        assert cls.__name__ in elsewhere
        assert tables(section) == []
    else:
        assert tables(section) == [declared(cls)]


@pytest.mark.parametrize("name", SHARED)
def test_shared_maps_are_described(name):
    """Every field with its type and default."""
    assert tables(SECTIONS[name])[0] == declared(SHARED[name])


def test_every_map_in_a_message_is_described():
    """What a field names as its type has a section, or a table under one op."""
    named = set(re.findall(r"^\| `\w+` \| \[?([A-Z]\w+)", TEXT, re.MULTILINE))
    assert named <= set(SHARED) | set(re.findall(r"The result is an? (\w+):", TEXT))
    assert "VersionInfo" in named


def test_every_axis_is_described():
    """With its words and the typical difference that distances are told in."""
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \| ([\d.]+) \|", SECTIONS["Axes"], re.MULTILINE)
    shown = [(name, more, less, float(scale)) for name, more, less, scale in rows]
    assert shown == [(axis.name, axis.more, axis.less, axis.scale) for axis in AXES]


def test_every_link_within_the_page_leads_to_a_heading():
    """A heading's anchor is its words in lower case."""
    anchors = {re.sub(r"[^\w -]", "", name).lower().replace(" ", "-") for name in SECTIONS}
    links = re.findall(r"\]\(#([^)]+)\)", TEXT)
    assert links
    assert set(links) <= anchors


def test_the_runtime_file_is_described():
    """What a client reads to find the daemon."""
    assert tables(SECTIONS["Finding the daemon"]) == [declared(RuntimeFile)]


def test_every_error_code_is_documented():
    """And none that there is not."""
    codes = re.findall(r"^\| `(\w+)` \|", SECTIONS["Failures"], re.MULTILINE)
    assert sorted(codes) == sorted(cls.code for cls in ERRORS)


def test_every_pixel_format_is_documented():
    """With the bytes of a pixel."""
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \|", SECTIONS["Pixels"], re.MULTILINE)
    assert {name: int(size) for name, size in rows} == BYTES_PER_PIXEL


def test_the_numbers_in_the_text_are_the_codes():
    """Limits that a client has to know."""
    assert f"this page describes {PROTOCOL_VERSION}" in TEXT
    assert f"may have {HELLO_LIMIT // 1024} KiB" in TEXT
    assert f"1 to {MAX_COUNT} candidates" in TEXT
    assert f"2^63 - {2**63 - MAX_SEED}" in TEXT
    flat = " ".join(TEXT.split())
    assert f"1 to {checks._MAX_PROJECT_NAME} printable characters" in flat
    assert f"up to {checks._MAX_NAME} characters" in flat
    assert f"1 to {tree._MOST} " in SECTIONS["tree"]
    assert f"1 to {library._MOST} " in SECTIONS["history"]
    assert f"`{DATA_FORMAT}`" in SECTIONS["save_taste"]
    for name, default in declared(Context).items():
        assert f"`{name}`" in SECTIONS["Context"]
        assert default[1] != "required"
