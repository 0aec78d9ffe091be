# SPDX-License-Identifier: Apache-2.0
"""What a request must satisfy beyond its types."""

from dataclasses import replace

import pytest

from bridge_server.protocol.checks import (
    check_change,
    check_depth,
    check_document,
    check_job,
    check_modify,
    check_more,
    check_names,
    check_pins,
    check_project_name,
)
from bridge_server.protocol.errors import BadRequest, TooLarge
from bridge_server.protocol.messages import MAX_COUNT, MAX_SEED, Expand, Fill, Vary
from bridge_server.protocol.pixels import Pixels
from bridge_server.protocol.records import Guide, Placement
from bridge_server.protocol.taste import LoadTaste, SetTaste, TasteData, TasteSettings
from bridge_server.protocol.versions import Accept, Go, Less, Mark, Modify, More, Redo, Reject, Undo

PICTURE = Pixels(2, 2, "rgb8", bytes(12))
MASK = Pixels(2, 2, "gray8", b"\x00\x00\x00\x01")
REGION = Placement(0, 0, 2, 2)
FILL = Fill(PICTURE, MASK, REGION)
EXPAND = Expand(PICTURE, REGION, left=1)
SMALL = Pixels(1, 1, "gray8", b"\x05")
WIDE = Placement(0, 0, 3, 2)


def refused(check, message):
    """A check fails with this message and says what to do."""
    with pytest.raises(BadRequest) as caught:
        check()
    assert str(caught.value).startswith(message)
    assert caught.value.hint


@pytest.mark.parametrize(
    "request_",
    [
        FILL,
        EXPAND,
        Vary(PICTURE, MASK, REGION, amount=0.0),
        replace(FILL, count=MAX_COUNT, seed=MAX_SEED, strength=0.0, priority=10, job="aZ0_-"),
        replace(FILL, region=Placement(-(2**31), 2**31, 2, 2), if_gone="cancel", prompt="x" * 20_000),
        replace(
            FILL, guides=[Guide("depth", PICTURE, 2.0, 0.0, 0.5), Guide("style", SMALL, 0.0)] * 4, live="s-1"
        ),
        Vary(PICTURE, MASK, REGION, guides=[Guide("toward", PICTURE)]),
        replace(EXPAND, guides=[Guide("scribble", SMALL)]),
        replace(FILL, document="é" * 200, unlike="aZ0_-" * 12, taste=False, drafted=True),
    ],
)
def test_what_is_in_range_passes(request_):
    """The ends of every range are allowed."""
    check_job(request_, max_pixels=6)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (replace(FILL, picture=replace(PICTURE, data=b"")), "params.picture.data has 0 bytes"),
        (replace(FILL, region=WIDE), "params.region is 3 x 2, params.picture is 2 x 2."),
        (replace(FILL, region=replace(REGION, x=2**31 + 1)), "params.region.x is 2147483649."),
        (replace(FILL, region=replace(REGION, y=-(2**31) - 1)), "params.region.y is -2147483649."),
        (replace(FILL, mask=replace(MASK, width=1)), "params.mask.data has 4 bytes; 1 x 2 gray8 needs 2."),
        (replace(FILL, mask=replace(MASK, width=1, data=b"11")), "params.mask is 1 x 2, params.picture is 2"),
        (replace(FILL, mask=PICTURE), "params.mask.format is 'rgb8'. A mask is gray8."),
        (
            replace(FILL, mask=replace(MASK, data=bytes(4))),
            "Nothing is selected: params.mask is 0 everywhere.",
        ),
        (replace(FILL, count=0), "params.count is 0. Use 1 to 16."),
        (replace(FILL, count=17), "params.count is 17."),
        (replace(FILL, strength=1.01), "params.strength is 1.01. Use 0.0 to 1.0."),
        (replace(FILL, strength=float("nan")), "params.strength is nan."),
        (replace(FILL, priority=11), "params.priority is 11."),
        (replace(FILL, seed=-1), "params.seed is -1."),
        (replace(FILL, seed=MAX_SEED + 1), "params.seed is "),
        (Vary(PICTURE, MASK, REGION, amount=-0.1), "params.amount is -0.1."),
        (replace(FILL, prompt="x" * 20_001), "The prompt is 20001 characters long. Use at most 20000."),
        (replace(FILL, negative_prompt="x" * 20_001), "The negative prompt is 20001 characters long. Use"),
        (replace(FILL, if_gone="stay"), "params.if_gone is 'stay'. Use 'finish' or 'cancel'."),
        (replace(FILL, job="a b"), "params.job is 'a b'."),
        (replace(FILL, job="x" * 65), "params.job is 'xxx"),
        (replace(FILL, job="abc\n"), "params.job is 'abc\\n'."),
        (replace(FILL, document="x" * 201), "params.document (its length) is 201. Use 0 to 200."),
        (replace(EXPAND, document="a\nb"), "params.document is 'a\\nb'."),
        (replace(FILL, unlike="x" * 65), "params.unlike is 'xxx"),
        (replace(EXPAND, unlike="c 1"), "params.unlike is 'c 1'. Use 1 to 64 letters, digits, '_' and '-'."),
        (replace(EXPAND, left=0), "An expand grows no side."),
        (replace(EXPAND, top=-1), "params.top is -1."),
        (replace(EXPAND, bottom=2**31 + 1), "params.bottom is 2147483649."),
        (replace(EXPAND, region=WIDE), "params.region is 3 x 2"),
    ],
)
def test_each_bad_field_is_named(request_, message):
    """The message begins with the field and what came; nothing else is complained about."""
    refused(lambda: check_job(request_, max_pixels=6), message)


def test_a_claim_of_gigabytes_is_refused_by_its_size_alone():
    """The limit is looked at before the data's length."""
    with pytest.raises(TooLarge, match=r"claims 30000 x 30000 pixels; the limit is 6\."):
        check_job(replace(FILL, picture=Pixels(30_000, 30_000, "rgba8", b"")), max_pixels=6)


def test_growing_beyond_the_limit_is_refused():
    """A small picture can't be blown up to one that no daemon would accept."""
    with pytest.raises(TooLarge, match=r"The grown region would be 5 x 2 pixels; the limit is 6\."):
        check_job(replace(EXPAND, left=3), max_pixels=6)


@pytest.mark.parametrize(
    "request_",
    [
        More("c"),
        Less("c"),
        More("c", MAX_COUNT, 0.0, MAX_SEED, -10, "cancel", "x" * 64),
        Less("c", 1, 0, 10, "finish", "aZ0_-"),
    ],
)
def test_more_and_less_pass_in_range(request_):
    """The ends of every range are allowed."""
    check_more(request_)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (More("c", amount=1.5), "params.amount is 1.5. Use 0.0 to 1.0."),
        (More("c", amount=float("nan")), "params.amount is nan."),
        (More("c", count=17), "params.count is 17. Use 1 to 16."),
        (Less("c", count=0), "params.count is 0."),
        (Less("c", seed=-1), "params.seed is -1."),
        (More("c", seed=MAX_SEED + 1), "params.seed is "),
        (Less("c", priority=11), "params.priority is 11. Use -10 to 10."),
        (More("c", if_gone="stay"), "params.if_gone is 'stay'."),
        (Less("c", job="a b"), "params.job is 'a b'."),
    ],
)
def test_each_bad_field_of_more_and_less_is_named(request_, message):
    """As in the request that becomes of it."""
    refused(lambda: check_more(request_), message)


PLACE = Placement(-(2**31), 2**31, 1, 2**31)
SETTINGS = TasteSettings(pins={"warmth": -1.0, "order": 1}, exploration=1.0, scope="all")


@pytest.mark.parametrize(
    "request_",
    [
        Accept("c", "cover.kra", PLACE, PLACE, "x" * 200, "aZ0_-" * 12),
        Accept("c"),
        Modify("v", PICTURE, PLACE),
        Mark("v"),
        Mark("v", name="", starred=False),
        Go("", "x" * 200),
        SetTaste(),
        SetTaste(on=True, scope="project", exploration=0.0, pins={"grain": 0.0}),
        LoadTaste(TasteData("f", SETTINGS, [])),
    ],
)
def test_changes_pass_in_range(request_):
    """The ends of every range are allowed, and what is left out."""
    check_change(request_)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (Reject([], key="a b"), "params.key is 'a b'. Use 1 to 64 letters, digits, '_' and '-'."),
        (Accept("c", key="x" * 65), "params.key is 'xxx"),
        (Go("v", key="k\n"), "params.key is 'k\\n'."),
        *[
            (cls(document="a\x7f", **more), "params.document is 'a\\x7f'.")
            for cls, more in ((Accept, {"candidate": "c"}), (Undo, {}), (Redo, {}), (Go, {"version": "v"}))
        ],
        (Accept("c", name="x" * 201), "params.name (its length) is 201. Use 0 to 200."),
        (Mark("v", name="x" * 201), "params.name (its length) is 201."),
        (Accept("c", placement=replace(PLACE, width=0)), "params.placement.width is 0."),
        (Accept("c", canvas=replace(PLACE, x=2**31 + 1)), "params.canvas.x is 2147483649."),
        (Modify("v", PICTURE, replace(PLACE, height=2**31 + 1)), "params.placement.height is 2147483649."),
        (SetTaste(scope="one"), "params.scope is 'one'. Use 'project' or 'all'."),
        (SetTaste(exploration=1.01), "params.exploration is 1.01. Use 0.0 to 1.0."),
        (SetTaste(exploration=float("nan")), "params.exploration is nan."),
        (SetTaste(pins={"warmth": 1.5}), "params.pins.warmth is 1.5. Use -1.0 to 1.0."),
        (
            LoadTaste(TasteData("f", replace(SETTINGS, scope="x"), [])),
            "params.data.settings.scope is 'x'.",
        ),
        (
            LoadTaste(TasteData("f", replace(SETTINGS, exploration=-1), [])),
            "params.data.settings.exploration is -1.",
        ),
        (
            LoadTaste(TasteData("f", replace(SETTINGS, pins={"warmth": 2}), [])),
            "params.data.settings.pins.warmth is 2.",
        ),
    ],
)
def test_each_bad_field_of_a_change_is_named(request_, message):
    """The message begins with the field and what came."""
    refused(lambda: check_change(request_), message)


def test_final_pixels_are_as_large_as_their_place():
    """Otherwise nothing says which of them lies where."""
    fits = Modify("v", PICTURE, REGION)
    check_modify(fits, max_pixels=4)
    refused(
        lambda: check_modify(replace(fits, placement=WIDE), max_pixels=4),
        "params.placement is 3 x 2, params.pixels is 2 x 2.",
    )
    refused(
        lambda: check_modify(replace(fits, pixels=replace(PICTURE, data=b"")), max_pixels=4),
        "params.pixels.data has 0 bytes",
    )
    with pytest.raises(TooLarge, match=r"params.pixels claims 2 x 2 pixels; the limit is 3\."):
        check_modify(fits, max_pixels=3)


@pytest.mark.parametrize("name", ["a", "x" * 80, "Büro 2 (neu)", "...", ".hidden", "封面"])
def test_project_names_that_pass(name):
    """Any words of any language."""
    check_project_name(name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "params.project (its length) is 0. Use 1 to 80."),
        ("x" * 81, "params.project (its length) is 81. Use 1 to 80."),
        ("a/b", "params.project is 'a/b'."),
        ("a\\b", "params.project is 'a\\\\b'."),
        ("a\nb", "params.project is 'a\\nb'."),
        ("a\u202eb", "params.project is 'a\\u202eb'."),
        (" a", "params.project is ' a'."),
        ("a ", "params.project is 'a '."),
        (".", "params.project is '.'."),
        ("..", "params.project is '..'."),
    ],
)
def test_project_names_that_would_not_do(name, message):
    """What could be taken for a path, can't be seen, or looks like another name."""
    refused(lambda: check_project_name(name), message)


def test_documents_and_names_say_which_field_is_wrong():
    """Another field can be named; what is empty or None passes."""
    check_document("")
    check_names("", None, "x" * 200)
    refused(lambda: check_document("\x00", "title"), "params.title is '\\x00'.")
    refused(lambda: check_names("ok", "x" * 201), "params.name (its length) is 201.")
    refused(lambda: check_project_name("", "into"), "params.into (its length) is 0.")


def test_a_pin_must_be_on_an_axis_that_there_is():
    """The hint lists them, from both ends of a range nothing is cut off in silence."""
    check_pins({})
    refused(lambda: check_pins({"taste": 1.0}), "params.pins names 'taste'. Use centred, colourfulness,")
    refused(lambda: check_pins({"warmth": float("nan")}), "params.pins.warmth is nan.")


def test_pixels_can_be_had_in_the_formats_of_candidates():
    """Empty is as they are kept; what has no alpha can't hold a candidate."""
    for layout in ("", "rgba8", "rgba16", "rgbaf32"):
        for colorspace in ("", "srgb", "linear"):
            check_depth(layout, colorspace)
    refused(lambda: check_depth("rgb8", ""), "params.format is 'rgb8'. Use one of rgba8, rgba16, rgbaf32,")
    refused(lambda: check_depth("", "x" * 99), f"params.colorspace is '{'x' * 80}'. Use one of srgb, linear,")


@pytest.mark.parametrize(
    ("guides", "message"),
    [
        ([Guide("depth", SMALL)] * 9, "params.guides (their number) is 9"),
        ([Guide("depth", Pixels(1, 1, "rgb8", b""))], "params.guides[0].picture.data has 0 bytes"),
        ([Guide("depth", Pixels(0, 1, "rgb8", b""))], "params.guides[0].picture is 0 x 1 pixels"),
        ([Guide("depth", SMALL), Guide("style", SMALL, 2.1)], "params.guides[1].weight is 2.1"),
        ([Guide("depth", SMALL, float("nan"))], "params.guides[0].weight is nan"),
        ([Guide("depth", SMALL, start=-0.1)], "params.guides[0].start is -0.1"),
        ([Guide("depth", SMALL, end=1.1)], "params.guides[0].end is 1.1"),
        ([Guide("depth", SMALL, start=0.5, end=0.5)], "params.guides[0] ends before it starts"),
        ([Guide("toward", PICTURE)] * 2, "params.guides has 2 'toward'"),
        ([Guide("toward", SMALL)], "The guide 'toward' is 1 x 1, params.region is 2 x 2"),
    ],
)
def test_each_bad_guide_is_named(guides, message):
    """Before anything of it is kept."""
    refused(lambda: check_job(Vary(PICTURE, MASK, REGION, guides=guides), max_pixels=6), message)


def test_only_a_vary_goes_toward_something():
    """The others have no way to go."""
    guides = [Guide("toward", PICTURE)]
    for request in (replace(FILL, guides=guides), replace(EXPAND, guides=guides)):
        refused(lambda r=request: check_job(r, max_pixels=6), f"A {request.op} has no guide 'toward'")
    refused(lambda: check_more(More("c", verb="refine", toward="d")), "Only a vary goes toward another")


def test_a_stream_is_named_as_jobs_are():
    """It may stand in a log."""
    refused(lambda: check_job(replace(FILL, live="my strokes"), max_pixels=6), "params.live is 'my strokes'")


def test_a_guide_of_gigabytes_is_refused_by_its_claim():
    """Like any other picture."""
    large = Guide("style", Pixels(9000, 9000, "rgb8", b""))
    with pytest.raises(TooLarge, match=r"params\.guides\[0\]\.picture claims 9000 x 9000"):
        check_job(replace(FILL, guides=[large]), max_pixels=6)
