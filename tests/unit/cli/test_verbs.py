# SPDX-License-Identifier: Apache-2.0
"""What is read and checked before, and told after; the whole commands are in ``tests/e2e/test_cli.py``."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bridge_server.cli.arguments import Asked
from bridge_server.cli.verbs import Outcome, Written, prepare
from bridge_server.protocol.errors import BadRequest, Unsupported


@pytest.fixture
def asked(tmp_path):
    """A fill of a small picture."""
    Image.new("RGB", (6, 4), "red").save(tmp_path / "a.png")
    Image.new("L", (6, 4), 128).save(tmp_path / "m.png")
    return Asked("fill", tmp_path / "a.png", tmp_path / "b.png", tmp_path / "m.png", count=2)


def test_files_are_read_and_outputs_named(asked, tmp_path):
    """Everything that can go wrong with files has gone wrong by then."""
    prepared = prepare(asked)
    assert (prepared.picture.width, prepared.picture.height) == (6, 4)
    assert np.array_equal(prepared.mask, np.full((4, 6), 128, np.uint8))
    assert prepared.outputs == [tmp_path / "b-1.png", tmp_path / "b-2.png"]


def test_every_numbered_output_is_checked(asked, tmp_path):
    """The second of two may be the one that can't be written."""
    (tmp_path / "b-2.png").mkdir()
    with pytest.raises(BadRequest, match=r"b-2\.png is a folder"):
        prepare(asked)


def test_an_expand_is_checked_at_its_new_size(tmp_path):
    """A JPEG can't have that many columns, which is said without allocating them."""
    Image.new("RGB", (6, 4)).save(tmp_path / "a.png")
    with pytest.raises(Unsupported, match="65500"):
        prepare(Asked("expand", tmp_path / "a.png", tmp_path / "b.jpg", sides=(10**8, 0, 0, 0)))


def test_the_record_is_in_the_candidates_order():
    """Candidates come as they are done; scripts get them in order."""
    outcome = Outcome("fill", "e", "j", ["w"])
    outcome.written = [Written(1, "b-2", 8, "c2", 0.5), Written(0, "b-1", 7, "c1", 0.12345)]
    outcome.seconds = 1.00049
    assert outcome.record() == {
        "verb": "fill",
        "engine": "e",
        "job": "j",
        "files": ["b-1", "b-2"],
        "seeds": [7, 8],
        "candidates": ["c1", "c2"],
        "candidate_seconds": [0.123, 0.5],
        "seconds": 1.0,
        "warnings": ["w"],
    }


def test_a_missing_mask_is_no_mask():
    """Only refine and expand go without one, and the parser sees to that."""
    assert Asked("refine", Path("a"), Path("b")).mask is None
