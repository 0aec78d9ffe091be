# SPDX-License-Identifier: Apache-2.0
"""Which files are weights, and the fingerprint of a model."""

import hashlib

import pytest

from bridge_server.models.weights import fingerprint, picked, sha256_of


@pytest.mark.parametrize(
    ("names", "half", "expected"),
    [
        (["model.safetensors", "model.fp16.safetensors"], True, (["model.fp16.safetensors"], "fp16")),
        (["model.safetensors", "model.fp16.safetensors"], False, (["model.safetensors"], "")),
        (["model.fp16.safetensors"], False, (["model.fp16.safetensors"], "fp16")),
        (
            ["model-00001-of-00002.fp16.safetensors"],
            True,
            (["model-00001-of-00002.fp16.safetensors"], "fp16"),
        ),
        (
            ["model.fp16-00001-of-00002.safetensors"],
            True,
            (["model.fp16-00001-of-00002.safetensors"], "fp16"),
        ),
        (["diffusion_pytorch_model.non_ema.safetensors", "model.bin", "x.safetensors"], True, ([], "")),
        ([], True, ([], "")),
    ],
)
def test_one_variant_is_picked(names, half, expected):
    """The names that diffusers and transformers give, and no others."""
    assert picked(names, half=half) == expected


def test_the_fingerprint_is_what_the_card_says_it_is(tmp_path):
    """So that anyone can compute it: sorted lines of name and hash. The order does not matter, names do."""
    (tmp_path / "a").write_bytes(b"1")
    digest = sha256_of(tmp_path / "a")
    assert digest == hashlib.sha256(b"1").hexdigest()
    expected = hashlib.sha256(f"a:{digest}\nb:{digest}".encode()).hexdigest()
    assert fingerprint({"b": digest, "a": digest}) == expected
    assert fingerprint({"a": digest, "c": digest}) != expected


def test_hashing_tells_how_far_it_is(tmp_path):
    """In bytes that add up to the file."""
    (tmp_path / "a").write_bytes(bytes(5_000_000))
    steps = []
    sha256_of(tmp_path / "a", steps.append)
    assert sum(steps) == 5_000_000
    assert len(steps) > 1
