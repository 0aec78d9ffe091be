# SPDX-License-Identifier: Apache-2.0
"""The head of a safetensors file, and everything that is none."""

import json

import pytest

from bridge_server.models.header import read_header
from bridge_server.protocol.errors import BadRequest
from modelfiles import safetensors

WHOLE = safetensors({"a": (2, 3), "b": (4,), "c": ()}, notes={"format": "pt"})


def raw(head, data=b""):
    """A file with this head."""
    text = head if isinstance(head, bytes) else json.dumps(head).encode()
    return len(text).to_bytes(8, "little") + text + data


def test_shapes_and_notes_are_read(tmp_path):
    """No weights are."""
    (tmp_path / "x.safetensors").write_bytes(WHOLE)
    header = read_header(tmp_path / "x.safetensors")
    assert header.shapes == {"a": (2, 3), "b": (4,), "c": ()}
    assert header.notes == {"format": "pt"}


def test_it_reads_what_the_library_writes(tmp_path):
    """Also in kinds of numbers that are rare."""
    library = pytest.importorskip("safetensors.numpy", reason="part of bridge-server[diffusers]")
    import numpy as np  # noqa: PLC0415

    tensors = {"a": np.zeros((2, 3), np.float16), "b": np.zeros((4,), np.int64), "e": np.zeros((0, 4), bool)}
    library.save_file(tensors, tmp_path / "x.safetensors")
    assert read_header(tmp_path / "x.safetensors").shapes == {"a": (2, 3), "b": (4,), "e": (0, 4)}


@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 50, len(WHOLE) - 1])
def test_cut_off_anywhere_it_is_noticed(tmp_path, length):
    """From nothing at all to the last byte."""
    (tmp_path / "x.safetensors").write_bytes(WHOLE[:length])
    with pytest.raises(BadRequest, match=r"cut off|no safetensors"):
        read_header(tmp_path / "x.safetensors")


@pytest.mark.parametrize(
    "content",
    [
        WHOLE + b"x",
        b"hello, this is text and no model at all",
        raw(b"{" * 100_000),
        raw(b"\xff\xfe"),
        raw([1]),
        raw({"a": 3}),
        raw({"a": {"dtype": "F16", "shape": [1], "data_offsets": [0]}}, b"ab"),
        raw({"a": {"dtype": "F17", "shape": [1], "data_offsets": [0, 2]}}, b"ab"),
        raw({"a": {"dtype": "F16", "shape": [2], "data_offsets": [0, 2]}}, b"ab"),
        raw({"a": {"dtype": "F16", "shape": [-1], "data_offsets": [2, 0]}}, b"ab"),
        raw({"a": {"dtype": "U8", "shape": [1], "data_offsets": [1, 2]}}, b"ab"),
        raw({n: {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]} for n in "ab"}, b"ab"),
    ],
)
def test_nonsense_is_refused(tmp_path, content):
    """Too long, text, damaged, wrong sizes, holes and overlaps."""
    (tmp_path / "x.safetensors").write_bytes(content)
    with pytest.raises(BadRequest, match="no safetensors"):
        read_header(tmp_path / "x.safetensors")


def test_a_head_whose_length_looks_like_a_pickle_is_read(tmp_path):
    """The first byte of a length may be 80, and the second 2; a zip's PK may be one too."""
    for length in (0x280, int.from_bytes(b"PK\0", "little")):
        head = json.dumps({"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}).encode()
        (tmp_path / "x.safetensors").write_bytes(raw(head + b" " * (length - len(head)), b"x"))
        assert read_header(tmp_path / "x.safetensors").shapes == {"a": (1,)}


def test_what_can_t_be_read_is_said(tmp_path):
    """Not with a traceback."""
    with pytest.raises(BadRequest, match="can't be read"):
        read_header(tmp_path / "none.safetensors")
