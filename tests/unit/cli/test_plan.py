# SPDX-License-Identifier: Apache-2.0
"""From what was asked to the request that is sent."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bridge_server.cli.arguments import Asked
from bridge_server.cli.pictures import Picture
from bridge_server.cli.plan import check_guides, engine_named, outline, region_of, remarks, request_for
from bridge_server.protocol.checks import check_job
from bridge_server.protocol.errors import BadRequest, NotFound
from bridge_server.protocol.messages import Expand, Fill, Refine, Vary
from bridge_server.protocol.records import Context, Placement
from samples import ENGINE

FILL = Asked("fill", Path("a.png"), Path("b.png"), Path("m.png"))
EXPAND = Asked("expand", Path("a.png"), Path("b.png"), sides=(4, 0, 0, 0))
CONTEXT = Context(ratio=0.5, min_margin=2, min_side=8)


@pytest.fixture
def picture():
    """A picture of 40 x 30 different colours."""
    return Picture(np.arange(30 * 40 * 3, dtype=np.uint16).reshape(30, 40, 3) % 251)


@pytest.fixture
def mask():
    """Four by four pixels are selected at (20, 10)."""
    selected = np.zeros((30, 40), np.uint8)
    selected[10:14, 20:24] = 200
    return selected


def test_only_the_surroundings_of_the_selection_travel(picture, mask):
    """A small selection in a picture sends a small region: its pixels, its part of the mask, its place."""
    region = region_of(FILL, picture, mask, CONTEXT)
    assert region == Placement(18, 8, 8, 8)
    request = request_for(FILL, picture, mask, region, "j0b")
    check_job(request, max_pixels=64)
    assert type(request) is Fill
    sent = np.frombuffer(request.picture.data, np.uint16).reshape(8, 8, 4)
    assert np.array_equal(sent[..., :3], picture.array[8:16, 18:26])
    assert np.array_equal(np.frombuffer(request.mask.data, np.uint8).reshape(8, 8), mask[8:16, 18:26])


@pytest.mark.parametrize("taste", [None, True, False])
def test_whether_taste_chooses_is_asked_as_typed(picture, mask, taste):
    """Not saying anything is not the same as no."""
    region = region_of(FILL, picture, mask, CONTEXT)
    assert request_for(replace(FILL, taste=taste), picture, mask, region, "j0b").taste is taste


def test_without_a_mask_everything_is_selected(picture):
    """A refine of the whole picture sends it whole, fully selected."""
    asked = replace(FILL, verb="refine", mask=None, strength=0.25)
    region = region_of(asked, picture, None, CONTEXT)
    assert region == Placement(0, 0, 40, 30)
    request = request_for(asked, picture, None, region, "j0b")
    assert isinstance(request, Refine)
    assert request.strength == 0.25
    assert set(request.mask.data) == {255}


def test_an_expand_sends_the_part_behind_the_side(picture):
    """What lies far from the growing side stays at home."""
    region = region_of(EXPAND, picture, None, CONTEXT)
    assert (region.x, region.height) == (0, 30)
    assert region.width < 40
    request = request_for(EXPAND, picture, None, region, "j0b")
    check_job(request, max_pixels=10_000)
    assert isinstance(request, Expand)
    assert (request.left, request.right, request.top, request.bottom) == (4, 0, 0, 0)


def test_what_was_not_given_keeps_the_verbs_default(picture, mask):
    """Strength and amount differ from verb to verb; the request's own defaults decide."""
    region = Placement(0, 0, 40, 30)
    assert request_for(FILL, picture, mask, region, "j").strength == Fill.strength
    vary = request_for(replace(FILL, verb="vary"), picture, mask, region, "j")
    assert isinstance(vary, Vary)
    assert vary.amount == Vary.amount
    far = request_for(replace(FILL, verb="vary", amount=0.0), picture, mask, region, "j")
    assert isinstance(far, Vary)
    assert far.amount == 0.0


def test_everything_that_was_asked_is_sent(picture, mask):
    """Words, seed, count, engine and parameters; the job ends with the command."""
    asked = replace(
        FILL, prompt="p", negative_prompt="n", seed=0, count=3, engine="e", strength=0.5, parameters={"a": 1}
    )
    request = request_for(asked, picture, mask, Placement(0, 0, 40, 30), "j0b")
    assert (request.prompt, request.negative_prompt, request.seed, request.count) == ("p", "n", 0, 3)
    assert (request.engine, request.strength, request.parameters) == ("e", 0.5, {"a": 1})
    assert (request.if_gone, request.job) == ("cancel", "j0b")


def test_linear_pictures_say_so(picture, mask):
    """The engine must know how values relate to light."""
    request = request_for(FILL, replace(picture, colorspace="linear"), mask, Placement(0, 0, 40, 30), "j")
    assert request.picture.colorspace == "linear"


def test_the_first_engine_is_the_default():
    """An empty name takes it; a known one is found; an unknown one is refused with what there is."""
    other = replace(ENGINE, name="other")
    assert engine_named("", [ENGINE, other]) is ENGINE
    assert engine_named("other", [ENGINE, other]) is other
    with pytest.raises(NotFound, match="patchmatch, other"):
        engine_named("dali", [ENGINE, other])


READER = replace(ENGINE, verbs={"fill": ["prompt", "negative_prompt", "strength"], "refine": ["strength"]})
COPIER = replace(ENGINE, verbs={"fill": [], "expand": [], "vary": ["amount"], "refine": ["strength"]})


@pytest.mark.parametrize(
    ("words", "engine", "remarked"),
    [
        ({}, COPIER, 0),
        ({"prompt": "x"}, COPIER, 1),
        ({"negative_prompt": "x"}, COPIER, 1),
        ({"prompt": "x", "negative_prompt": "y"}, READER, 0),
        ({"prompt": "x", "verb": "refine"}, READER, 1),
    ],
)
def test_words_that_nobody_reads_are_remarked_on(words, engine, remarked):
    """Never silently ignored, never complained about in vain."""
    assert len(remarks(replace(FILL, **words), engine)) == remarked


@pytest.mark.parametrize(
    ("verb", "strength", "engine", "remarked"),
    [
        ("fill", 0.5, COPIER, 1),
        ("expand", 0.5, COPIER, 1),
        ("vary", 0.5, COPIER, 1),
        ("fill", None, COPIER, 0),
        ("refine", 0.5, COPIER, 0),
        ("fill", 0.5, READER, 0),
    ],
)
def test_a_strength_that_nobody_heeds_is_remarked_on(verb, strength, engine, remarked):
    """Each verb has its own settings, and what is none of them is said."""
    said = remarks(replace(FILL, verb=verb, strength=strength), engine)
    assert len(said) == remarked
    assert all("--strength changes nothing" in each and verb in each for each in said)


def test_words_and_strength_are_two_remarks():
    """One does not hide the other."""
    assert len(remarks(replace(FILL, prompt="x", strength=0.5), COPIER)) == 2


def test_an_outline_has_the_results_size_and_no_weight(picture):
    """An absurd expand is checked without allocating it."""
    vast = outline(replace(EXPAND, sides=(10**9, 0, 10**9, 0)), picture)
    assert (vast.width, vast.height, vast.array.dtype) == (10**9 + 40, 10**9 + 30, np.uint16)


def guided(asked, **files):
    """What was asked, led by these pictures."""
    guides = tuple((kind, Path(f"{kind}.png"), 0.5) for kind in files)
    return replace(asked, guides=guides), list(files.values())


def test_a_guide_travels_as_far_as_it_lies_over_the_region(picture, mask):
    """A style whole."""
    asked, guides = guided(FILL, scribble=picture, style=Picture(np.zeros((2, 3, 4), np.uint8)))
    check_guides(asked, picture, guides)
    region = region_of(asked, picture, mask, CONTEXT)
    request = request_for(asked, picture, mask, region, "j0b", guides)
    check_job(request, max_pixels=64)
    scribble, style = request.guides
    assert (scribble.kind, scribble.weight, scribble.picture) == ("scribble", 0.5, request.picture)
    assert (style.picture.width, style.picture.height, style.picture.format) == (3, 2, "rgba8")


def test_a_guide_of_an_expand_lies_over_the_result(picture):
    """Over what is new as well."""
    grown = Picture(np.zeros((30, 44), np.uint8)[..., None])
    asked, guides = guided(EXPAND, depth=grown)
    check_guides(asked, picture, guides)
    region = region_of(asked, picture, None, CONTEXT)
    (guide,) = request_for(asked, picture, None, region, "j0b", guides).guides
    assert (guide.picture.width, guide.picture.height) == (region.width + 4, region.height)


def test_a_guide_of_another_size_is_refused_by_its_name(picture):
    """It would be stretched otherwise."""
    asked, guides = guided(FILL, depth=Picture(np.zeros((30, 44, 1), np.uint8)))
    with pytest.raises(BadRequest, match=r"depth\.png is 44 x 30 pixels, the result 40 x 30"):
        check_guides(asked, picture, guides)
