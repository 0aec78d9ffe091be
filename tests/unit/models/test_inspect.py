# SPDX-License-Identifier: Apache-2.0
"""What a file or folder is."""

import json

import pytest

from bridge_server.models.inspect import Hints, inspect
from bridge_server.protocol.errors import BadRequest, NotFound, Unsupported
from modelfiles import CONTROL, IP_ADAPTER, KOHYA, SD15_CHECKPOINT, WEIGHTS, pipeline, safetensors, write

FLUX = {"in_channels": 64, "guidance_embeds": True}
SDXL = {"in_channels": 4, "cross_attention_dim": 2048, "sample_size": 128}


def found(tmp_path, files, hints=None, name="model"):
    """What is found in these files."""
    return inspect(write(tmp_path / name, files), hints)


def told(tmp_path, shapes, hints=None, name="file"):
    """What is found in a file of these tensors."""
    path = tmp_path / f"{name}.safetensors"
    path.write_bytes(safetensors(shapes))
    return inspect(path, hints)


@pytest.mark.parametrize(
    ("kind", "core", "family", "inpaints", "side"),
    [
        ("StableDiffusionPipeline", None, "sd15", False, 512),
        ("StableDiffusionInpaintPipeline", {"in_channels": 9, "cross_attention_dim": 768}, "sd15", True, 512),
        ("StableDiffusionPipeline", {"cross_attention_dim": 1024, "sample_size": 96}, "sd2", False, 768),
        ("StableDiffusionXLPipeline", SDXL, "sdxl", False, 1024),
        ("StableDiffusionXLPipeline", SDXL | {"sample_size": 64}, "sdxl", False, 512),
        ("StableDiffusionXLInpaintPipeline", SDXL | {"in_channels": 9}, "sdxl", True, 1024),
        ("StableDiffusion3Pipeline", {"in_channels": 16, "sample_size": 128}, "sd3", False, 1024),
        ("FluxPipeline", FLUX, "flux", False, 1024),
        ("FluxFillPipeline", FLUX | {"in_channels": 384}, "flux", True, 1024),
        ("ZImagePipeline", {}, "ZImage", False, 1024),
        ("QwenImagePipeline", {}, "QwenImage", False, 1024),
    ],
)
def test_a_pipeline_tells_its_family(tmp_path, kind, core, family, inpaints, side):
    """By its class and the configuration of its UNet or transformer."""
    got = found(tmp_path, pipeline(kind, core=core))
    assert (got.role, got.family, got.inpaints, got.habits.side) == ("base", family, inpaints, side)
    assert got.parts[0] in {"unet", "transformer"}
    assert set(got.parts[1:]) == {"text_encoder", "vae"}


@pytest.mark.parametrize(
    ("name", "kind", "options", "steps", "guidance"),
    [
        ("plain", "StableDiffusionPipeline", {}, 25, 7.0),
        ("hyperreal", "StableDiffusionPipeline", {}, 25, 7.0),
        ("sdxl-turbo", "StableDiffusionXLPipeline", {"core": SDXL}, 4, 0.0),
        ("Hyper-SDXL", "StableDiffusionXLPipeline", {"core": SDXL}, 4, 0.0),
        ("x", "StableDiffusionXLPipeline", {"core": SDXL, "scheduler": "LCMScheduler"}, 6, 1.0),
        ("x", "LatentConsistencyModelPipeline", {"core": {"time_cond_proj_dim": 256}}, 4, 8.0),
        ("x", "FluxPipeline", {"core": FLUX | {"guidance_embeds": False}}, 4, 0.0),
        ("x", "FluxPipeline", {"core": FLUX}, 28, 3.5),
        ("x", "FluxFillPipeline", {"core": FLUX | {"in_channels": 384}}, 28, 30.0),
        ("Z-Image-Turbo", "ZImagePipeline", {}, 9, 0.0),
    ],
)
def test_quick_kin_need_few_steps(tmp_path, name, kind, options, steps, guidance):
    """Turbo, lightning, LCM and schnell are told by name, scheduler or configuration."""
    habits = found(tmp_path, pipeline(kind, **options), name=name).habits
    assert (habits.steps, habits.guidance) == (steps, guidance)


def test_the_variant_is_that_of_the_files(tmp_path):
    """Where both are there, the full one."""
    assert found(tmp_path, pipeline(half=True), name="a").variant == "fp16"
    assert found(tmp_path, pipeline(), name="b").variant == ""
    assert found(tmp_path, pipeline() | pipeline(half=True), name="c").variant == ""


@pytest.mark.parametrize(("width", "family"), [(768, "sd15"), (1024, "sd2"), (2048, "sdxl")])
def test_a_controlnet_tells_its_family_and_its_name_the_kind(tmp_path, width, family):
    """A kind that the name does not tell must be said."""
    config = {"_class_name": "ControlNetModel", "cross_attention_dim": width}
    files = CONTROL | {"config.json": json.dumps(config).encode()}
    got = found(tmp_path, files, name="control_line_art")
    assert (got.role, got.family, got.kind) == ("control", family, "lineart")
    with pytest.raises(BadRequest, match="what this ControlNet is shown") as caught:
        found(tmp_path, files, name="mine")
    assert "--kind" in caught.value.hint
    assert found(tmp_path, files, Hints(kind="depth"), name="mine").kind == "depth"


@pytest.mark.parametrize(
    ("name", "channels", "family"),
    [("taesd", 4, "sd15"), ("taesdxl", 4, "sdxl"), ("taef1", 16, "flux"), ("taesd3", 16, "sd3")],
)
def test_a_tiny_vae_is_told_by_its_name(tmp_path, name, channels, family):
    """Its configuration is the same for several families."""
    config = {"_class_name": "AutoencoderTiny", "latent_channels": channels}
    files = {"config.json": json.dumps(config).encode(), "diffusion_pytorch_model.safetensors": WEIGHTS}
    got = found(tmp_path, files, name=name)
    assert (got.role, got.family) == ("preview", family)
    with pytest.raises(BadRequest) as caught:
        found(tmp_path, files, name="mine")
    assert "--family" in caught.value.hint
    assert found(tmp_path, files, Hints(family="sdxl"), name="mine").family == "sdxl"


_PEFT = "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.lora_A.weight"


@pytest.mark.parametrize(
    ("shapes", "family"),
    [
        (KOHYA, "sd15"),
        ({_PEFT: (4, 768)}, "sd15"),
        ({_PEFT: (4, 1024)}, "sd2"),
        ({_PEFT: (4, 2048)}, "sdxl"),
        ({"unet.x.attn2.processor.to_k_lora.down.weight": (4, 2048)}, "sdxl"),
        ({"lora_unet_x.lora_down.weight": (4, 9), "lora_te2_y.lora_down.weight": (4, 9)}, "sdxl"),
        ({"transformer.single_transformer_blocks.0.attn.to_k.lora_A.weight": (4, 3072)}, "flux"),
        ({"lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight": (4, 3072)}, "flux"),
        ({"transformer.transformer_blocks.0.attn.to_k.lora_A.weight": (4, 1536)}, "sd3"),
        ({"diffusion_model.layers.0.attention.to_k.lora_A.weight": (4, 3840)}, "ZImage"),
    ],
)
def test_a_lora_tells_its_family(tmp_path, shapes, family):
    """By the width of its cross-attention, or by the names of its blocks."""
    got = told(tmp_path, shapes)
    assert (got.role, got.family) == ("lora", family)


def test_a_lora_of_another_family_than_said_is_refused(tmp_path):
    """What its shapes say wins; where they say nothing, what was said is taken."""
    with pytest.raises(BadRequest, match="made for sd15, not for sdxl"):
        told(tmp_path, KOHYA, Hints(family="sdxl"))
    unknown = {"unet.attn2.to_k.lora_A.weight": (4, 32)}
    with pytest.raises(BadRequest, match="can't be told"):
        told(tmp_path, unknown)
    assert told(tmp_path, unknown, Hints(family="sd15")).family == "sd15"


@pytest.mark.parametrize(
    ("shapes", "family", "word"),
    [
        ({"emb_params": (3, 768)}, "sd15", "cat"),
        ({"emb_params": (1, 1024)}, "sd2", "cat"),
        ({"clip_l": (2, 768), "clip_g": (2, 1280)}, "sdxl", "cat"),
        ({"<toy>": (768,)}, "sd15", "<toy>"),
    ],
)
def test_an_embedding_tells_its_family_and_word(tmp_path, shapes, family, word):
    """Its word is in the file, or the file's name."""
    got = told(tmp_path, shapes, name="cat")
    assert (got.role, got.family, got.word) == ("embedding", family, word)


@pytest.mark.parametrize(("width", "family"), [(768, "sd15"), (2048, "sdxl")])
def test_an_ip_adapter_is_a_style(tmp_path, width, family):
    """By the width of its keys."""
    got = told(tmp_path, IP_ADAPTER | {"ip_adapter.1.to_k_ip.weight": (4, width)})
    assert (got.role, got.family) == ("style", family)


_IN = "model.diffusion_model.input_blocks.0.0.weight"
_TEXT = {"text_encoders.clip_l.x": (1,)}


@pytest.mark.parametrize(
    ("shapes", "family", "inpaints", "steps"),
    [
        (SD15_CHECKPOINT, "sd15", False, 25),
        (SD15_CHECKPOINT | {_IN: (8, 9, 3, 3)}, "sd15", True, 25),
        ({_IN: (8, 4, 3, 3), "cond_stage_model.model.x": (1,)}, "sd2", False, 25),
        ({_IN: (8, 4, 3, 3), "conditioner.embedders.1.model.x": (1,)}, "sdxl", False, 25),
        ({"model.diffusion_model.joint_blocks.0.x": (1,), **_TEXT}, "sd3", False, 28),
        ({"model.diffusion_model.double_blocks.0.x": (1,), **_TEXT}, "flux", False, 4),
        (
            {"double_blocks.0.x": (1,), "guidance_in.x": (1,), "img_in.weight": (2, 384), **_TEXT},
            "flux",
            True,
            28,
        ),
    ],
)
def test_a_checkpoint_tells_its_family(tmp_path, shapes, family, inpaints, steps):
    """By the parts of it."""
    got = told(tmp_path, shapes)
    assert (got.role, got.family, got.inpaints, got.habits.steps) == ("base", family, inpaints, steps)


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ({_IN: (8, 4, 3, 3)}, "reads words"),
        ({"encoder.conv_in.weight": (4, 4), "decoder.x": (1,)}, "VAE"),
        ({"control_model.input_hint_block.0.weight": (4, 4), "x": (1,)}, "ControlNet"),
        ({"a": (3, 4), "b": (4,)}, "no model"),
        ({}, "no model"),
    ],
)
def test_parts_of_models_are_refused(tmp_path, shapes, words):
    """With what they look like."""
    with pytest.raises(Unsupported, match=words):
        told(tmp_path, shapes)


def test_pickles_are_refused_whatever_they_are_called(tmp_path):
    """By their ending, and by how they begin."""
    for name, content in {
        "a.ckpt": b"PK\x03\x04 anything",
        "b.safetensors": b"PK\x03\x04 anything",
        "c.safetensors": b"\x80\x02}q\x00",
        "d.pt": safetensors(KOHYA),
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(Unsupported, match="pickle"):
            inspect(tmp_path / name)


def test_folders_of_pickles_are_refused(tmp_path):
    """A pipeline, a single part, and a loose one."""
    only = {p.replace(".safetensors", ".bin"): c for p, c in pipeline().items()}
    with pytest.raises(Unsupported, match="pickle"):
        found(tmp_path, only, name="a")
    config = {"config.json": CONTROL["config.json"], "diffusion_pytorch_model.bin": b"\x80\x02"}
    with pytest.raises(Unsupported, match="pickle"):
        found(tmp_path, config, name="canny")
    with pytest.raises(Unsupported, match="pickle"):
        found(tmp_path, {"pytorch_model.bin": b"\x80\x02"}, name="c")


def test_what_is_cut_off_is_noticed(tmp_path):
    """A file, a file in a folder, a missing shard, a missing part."""
    (tmp_path / "a.safetensors").write_bytes(safetensors(KOHYA)[:-100])
    with pytest.raises(BadRequest, match="cut off"):
        inspect(tmp_path / "a.safetensors")
    with pytest.raises(BadRequest, match="cut off"):
        found(tmp_path, pipeline(weights=WEIGHTS[:-1]), name="b")
    files = pipeline()
    del files["unet/diffusion_pytorch_model.safetensors"]
    with pytest.raises(BadRequest, match="weights of unet are missing"):
        found(tmp_path, files, name="c")
    files["unet/diffusion_pytorch_model-00001-of-00002.safetensors"] = WEIGHTS
    with pytest.raises(BadRequest, match="1 of 2"):
        found(tmp_path, files, name="d")


def test_folders_that_are_no_models_are_refused(tmp_path):
    """Nothing in it, a VAE, a loose checkpoint, damaged configuration, program code."""
    with pytest.raises(NotFound):
        inspect(tmp_path / "none")
    with pytest.raises(Unsupported, match="diffusers' format"):
        found(tmp_path, {"a.txt": b""}, name="a")
    with pytest.raises(Unsupported) as caught:
        found(tmp_path, {"x.safetensors": WEIGHTS}, name="b")
    assert "x.safetensors" in caught.value.hint
    with pytest.raises(Unsupported, match="AutoencoderKL"):
        found(tmp_path, {"config.json": b'{"_class_name": "AutoencoderKL"}'}, name="c")
    with pytest.raises(BadRequest, match="no JSON"):
        found(tmp_path, {"model_index.json": b"{"}, name="d")
    with pytest.raises(BadRequest, match="no table"):
        found(tmp_path, {"model_index.json": b"[]"}, name="e")
    own = {"_class_name": ["pipeline", "Mine"]}
    with pytest.raises(Unsupported, match="program code"):
        found(tmp_path, pipeline() | {"model_index.json": json.dumps(own).encode()}, name="f")
    index = json.loads(pipeline()["model_index.json"]) | {"unet": ["mine", "Mine"]}
    files = pipeline() | {"model_index.json": json.dumps(index).encode(), "unet/mine.py": b""}
    with pytest.raises(Unsupported, match="program code"):
        found(tmp_path, files, name="g")


@pytest.mark.parametrize("change", [{"unet": ["**/*", "Mine"]}, {"../unet": ["mine", "Mine"]}])
def test_names_in_a_foreign_list_lead_nowhere(tmp_path, change):
    """They become names of files that are looked for."""
    index = json.loads(pipeline()["model_index.json"]) | change
    with pytest.raises(BadRequest, match="is no part"):
        found(tmp_path, pipeline() | {"model_index.json": json.dumps(index).encode()}, name="a")


def test_other_pipelines_are_asked_of_diffusers(tmp_path):
    """One that changes pictures is taken under its own name, one that makes sound is not."""
    pytest.importorskip("diffusers", reason="only diffusers knows these pipelines")
    assert found(tmp_path, pipeline("Kandinsky3Pipeline"), name="a").family == "Kandinsky3"
    with pytest.raises(Unsupported, match="video or sound"):
        found(tmp_path, pipeline("AudioLDM2Pipeline"), name="b")
    with pytest.raises(Unsupported, match="can't fill"):
        found(tmp_path, pipeline("StableDiffusionUpscalePipeline"), name="c")
    with pytest.raises(Unsupported, match="can't fill"):
        found(tmp_path, pipeline("NoSuchPipeline"), name="d")


def test_a_role_that_was_said_must_be_right(tmp_path):
    """It says what it is instead."""
    with pytest.raises(BadRequest, match="it is a base"):
        found(tmp_path, pipeline(), Hints(role="lora"))
    with pytest.raises(BadRequest, match="it is a lora"):
        told(tmp_path, KOHYA, Hints(role="control"))
