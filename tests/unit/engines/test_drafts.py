# SPDX-License-Identifier: Apache-2.0
"""Drafts of the patchmatch engine, and the candidates made from them."""

from __future__ import annotations

import numpy as np
import pytest

from bridge_server.canvas.describe import describe
from bridge_server.canvas.patches import composite, grow
from bridge_server.engines.base import Brief
from bridge_server.engines.patchmatch import PatchMatchEngine
from bridge_server.engines.patchmatch.drafts import draft_halvings
from bridge_server.engines.patchmatch.plan import Canvas
from bridge_server.protocol.descriptor import distance
from bridge_server.protocol.errors import Unsupported

from .conftest import Listener


@pytest.fixture(scope="module")
def photo():
    """A 192 x 192 picture of soft waves of several colours with a little noise: it survives halving."""
    rng = np.random.default_rng(9)
    rows, columns = np.mgrid[0:192, 0:192]
    red = 120 + 60 * np.sin(columns / 14 + rows / 40)
    green = 110 + 50 * np.cos(rows / 11)
    blue = 90 + 40 * np.sin((rows + columns) / 23)
    return np.clip(np.dstack([red, green, blue]) + rng.normal(0, 4, (192, 192, 3)), 0, 255).astype(np.uint8)


@pytest.fixture
def hole():
    """A 192 x 192 mask with a square of 4,900 pixels."""
    mask = np.zeros((192, 192), np.uint8)
    mask[60:130, 60:130] = 255
    return mask


def canvas(picture, selected):
    """A canvas to be filled where it is selected."""
    return Canvas(picture, None, selected, ~selected, 0.0, picture.shape[1])


def box(height, width, size=256):
    """A (size, size) selection of that box in the middle."""
    selected = np.zeros((size, size), np.bool_)
    top, left = (size - height) // 2, (size - width) // 2
    selected[top : top + height, left : left + width] = True
    return selected


SMOOTH = np.repeat(np.arange(256, dtype=np.uint8)[:, None, None] * np.ones((1, 1, 3), np.uint8), 256, axis=1)
GRAVEL = np.random.default_rng(4).integers(0, 256, (256, 256, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    ("picture", "selected", "times"),
    [
        (SMOOTH, box(20, 20), 0),
        (SMOOTH, box(60, 60), 1),
        (SMOOTH, box(110, 110), 2),
        (SMOOTH, box(12, 200), 1),
        (SMOOTH, box(8, 200), 0),
        (SMOOTH, box(250, 250), 2),
        (GRAVEL, box(110, 110), 1),
        (GRAVEL, box(60, 60), 1),
    ],
)
def test_how_small_a_draft_is_made(picture, selected, times):
    """Larger holes are halved oftener, strokes keep their width, what would become mush is halved less."""
    assert draft_halvings(canvas(picture, selected)) == times


@pytest.mark.parametrize("stage", ["full", "draft", "drafted"])
def test_a_seed_decides_alone(make, photo, hole, stage):
    """In every stage a seed gives the same bytes, alone or in a list."""
    alone = make(photo, hole, seeds=(7,), stage=stage)[0]
    together = make(photo, hole, seeds=(3, 7), stage=stage)[1]
    assert alone.pixels.tobytes() == together.pixels.tobytes()


@pytest.mark.parametrize("verb", ["fill", "vary"])
def test_a_draft_foretells_its_own_candidate(make, photo, hole, verb):
    """Each seed's draft looks more like its candidate than like any other's."""
    seeds = (0, 1, 2, 3)
    drafts = [describe(each.pixels, linear=False) for each in make(photo, hole, verb, seeds, stage="draft")]
    made = [describe(each.pixels, linear=False) for each in make(photo, hole, verb, seeds, stage="drafted")]
    for own, draft in enumerate(drafts):
        others = [distance(draft, made[other]) for other in seeds if other != own]
        assert distance(draft, made[own]) < 0.2 * min(others)


def test_drafted_candidates_are_another_way_than_full_ones(make, photo, hole):
    """The record says that a candidate came from a draft, and how small that was."""
    full, drafted = (make(photo, hole, stage=stage)[0] for stage in ("full", "drafted"))
    assert "drafted" not in full.recipe
    assert drafted.recipe["drafted"] is True
    assert [way["halvings"] for way in full.recipe["ways"]] == [0]
    assert drafted.recipe["ways"][0]["halvings"] >= 1


def test_drafted_candidates_fill_as_well(make, photo, hole):
    """The waves go on: nearly as near to the truth as a full candidate."""
    errors = {}
    for stage in ("full", "drafted"):
        made = make(photo, hole, seeds=(0, 1), stage=stage)
        errors[stage] = np.mean(
            [np.abs(m.pixels[..., :3].astype(float) - photo[60:130, 60:130]).mean() for m in made]
        )
    assert errors["drafted"] < 1.3 * errors["full"] + 2


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_outside_the_selection_a_drafted_candidate_changes_nothing(make, photo, hole, dtype):
    """Soft selections and every depth: bytes outside stay, alpha is the coverage."""
    scale = {np.uint8: 1, np.uint16: 257, np.float32: 1 / 255}[dtype]
    picture = (photo * np.float64(scale)).astype(dtype)
    hole[60:64] = 90
    (one,) = make(picture, hole, stage="drafted")
    result = composite(picture, one.pixels, one.x, one.y)
    assert result[hole == 0].tobytes() == picture[hole == 0].tobytes()
    assert one.pixels.dtype == dtype


def test_what_a_full_candidate_halves_a_draft_halves_further():
    """A hole too large to be filled at its own size is drafted smaller than it is filled."""
    picture = np.repeat(np.repeat(SMOOTH, 2, axis=0), 2, axis=1)
    assert draft_halvings(canvas(picture, box(420, 420, 512))) == 3


def test_an_expand_is_drafted_side_by_side(make, photo):
    """Sides that see each other: the draft foretells the candidate there too."""
    grown, mask = grow(photo, left=50, bottom=40)
    draft, made = (make(grown, mask, stage=stage)[0] for stage in ("draft", "drafted"))
    assert distance(describe(draft.pixels, linear=False), describe(made.pixels, linear=False)) < 0.2


def test_drafts_are_not_shown(photo, hole):
    """No previews: nobody has asked to see them."""
    listener = Listener()
    list(PatchMatchEngine().generate(Brief("fill", photo, hole, (0,), stage="draft"), listener))
    assert not [each for each in listener.told if each[0] == "preview"]
    assert [each for each in listener.told if each[0] == "check"]


@pytest.mark.parametrize("stage", ["draft", "drafted"])
def test_refine_has_no_drafts(make, photo, hole, stage):
    """What the engine does not name among its drafts is refused in words."""
    assert "refine" not in PatchMatchEngine().info.drafts
    with pytest.raises(Unsupported, match="draft a refine"):
        make(photo, hole, "refine", stage=stage)
