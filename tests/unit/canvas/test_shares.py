# SPDX-License-Identifier: Apache-2.0
"""Who made what is visible."""

import numpy as np
import pytest

from bridge_server.canvas.shares import Box, Layer, Portions, share_out

CANVAS = Box(0, 0, 100, 50)


def layer(x, y, width, height, *, coverage=((1.0,),), changed=0.0):
    """Something laid on the canvas."""
    return Layer(Box(x, y, width, height), np.array(coverage, np.float32), changed)


def shares(*layers, canvas=CANVAS):
    """(area, machine, both, artist), checked to sum to 1."""
    found = share_out(layers, canvas)
    assert found.machine + found.both + found.artist == pytest.approx(1)
    return found.area, found.machine, found.both, found.artist


def test_without_layers_all_is_the_artists():
    """Also without a canvas."""
    assert share_out([], CANVAS) == Portions(5000, 0, 0, 1)
    assert share_out([], None) == Portions(0, 0, 0, 1)


def test_a_layer_has_its_area():
    """As offered it is the machine's, by as much as it was changed it is of both."""
    assert shares(layer(0, 0, 50, 50)) == pytest.approx((5000, 0.5, 0, 0.5))
    assert shares(layer(0, 0, 50, 50, changed=0.2)) == pytest.approx((5000, 0.4, 0.1, 0.5))


def test_the_topmost_hides_what_is_below():
    """By as much as it covers."""
    below, above = layer(0, 0, 50, 50, changed=1.0), layer(25, 0, 50, 50)
    assert shares(below, above) == pytest.approx((5000, 0.5, 0.25, 0.25))
    assert shares(above, below) == pytest.approx((5000, 0.25, 0.5, 0.25))
    half = layer(0, 0, 100, 50, coverage=[[0.5]])
    assert shares(below, half) == pytest.approx((5000, 0.5, 0.25, 0.25))


def test_what_lies_outside_the_canvas_is_not_visible():
    """A patch may reach over the border, or lie wholly beyond."""
    assert shares(layer(-50, -50, 100, 100)) == pytest.approx((5000, 0.5, 0, 0.5))
    assert shares(layer(500, 0, 10, 10)) == pytest.approx((5000, 0, 0, 1))
    moved = Box(-10, -10, 20, 20)
    assert shares(layer(-10, -10, 10, 20), canvas=moved) == pytest.approx((400, 0.5, 0, 0.5))


def test_the_small_picture_is_stretched_over_the_place():
    """Its pixels become equal parts, whatever the grid."""
    chequered = [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    assert shares(layer(0, 0, 99, 50, coverage=chequered)) == pytest.approx((5000, 0.495, 0, 0.505))


def test_a_large_canvas_is_exact_though_its_cells_are_coarse():
    """A patch of 3 x 3 pixels on 5000 x 3001, across the borders of cells."""
    found = shares(layer(998, 1499, 3, 3), canvas=Box(0, 0, 5000, 3001))
    assert found[1] * found[0] == pytest.approx(9)
    assert found[0] == 5000 * 3001


def test_without_a_canvas_only_what_is_covered_counts():
    """Nothing is known of the rest, so nothing of it is the artist's."""
    found = shares(layer(0, 0, 10, 10), layer(1000, 1000, 10, 10, coverage=[[0.5]], changed=1.0), canvas=None)
    assert found == pytest.approx((150, 2 / 3, 1 / 3, 0))
    assert shares(layer(0, 0, 10, 10, coverage=[[0.0]]), canvas=None) == (0, 0, 0, 1)
