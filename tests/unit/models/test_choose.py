# SPDX-License-Identifier: Apache-2.0
"""Which files of a repository are worth having."""

import pytest

from bridge_server.models.choose import chosen, settings_of
from bridge_server.protocol.errors import NotFound, Unsupported


def test_the_files_are_chosen_by_their_names():
    """Shards with the list of them; of two sizes the smaller; pickles alone are refused."""
    shards = [f"transformer/diffusion_pytorch_model-0000{n}-of-00002.safetensors" for n in (1, 2)]
    index = "transformer/diffusion_pytorch_model.safetensors.index.json"
    base = ["model_index.json", "transformer/config.json", *shards, index]
    assert chosen([*base, "big.safetensors", "a.png"]) == sorted(base)
    with pytest.raises(Unsupported, match="pickle"):
        chosen(["model_index.json", "unet/config.json", "unet/diffusion_pytorch_model.bin"])
    with pytest.raises(Unsupported, match="pickle"):
        chosen(["model.ckpt", "README.md"])
    with pytest.raises(Unsupported, match=r"\.safetensors"):
        chosen(["a.safetensors", "b.ckpt"], file="b.ckpt")


def test_a_list_of_shards_goes_with_its_variant():
    """The one of the 16-bit files, not that of the others."""
    halves = [f"t/model.fp16-0000{n}-of-00002.safetensors" for n in (1, 2)]
    wholes = [f"t/model-0000{n}-of-00002.safetensors" for n in (1, 2)]
    lists = ["t/model.safetensors.index.fp16.json", "t/model.safetensors.index.json"]
    names = ["model_index.json", "t/config.json", *halves, *wholes, *lists]
    assert chosen(names) == sorted(["model_index.json", "t/config.json", *halves, lists[0]])


def test_a_preset_says_what_it_wants():
    """Never a pickle or a program, even so; what is gone is said."""
    assert chosen(["a/x.safetensors", "a/x.bin", "a/x.py", "b"], ["a/*"]) == ["a/x.safetensors"]
    with pytest.raises(NotFound, match="no longer has c"):
        chosen(["b"], ["c"])


def test_settings_are_what_a_single_file_lacks():
    """No weights, no lists of weights, no safety checker, no readme."""
    names = [
        "model_index.json",
        "unet/config.json",
        "unet/model.safetensors.index.json",
        "tokenizer/vocab.json",
    ]
    more = ["safety_checker/config.json", "unet/x.safetensors", "config.json", "README.md", "a/setup.py"]
    assert settings_of([*names, *more]) == ["model_index.json", "tokenizer/vocab.json", "unet/config.json"]
