# SPDX-License-Identifier: Apache-2.0
"""Models of a few bytes: right in form, empty in substance. Written by hand, so that no library is needed."""

import json
import math

__all__ = ["CONTROL", "IP_ADAPTER", "KOHYA", "SD15_CHECKPOINT", "pipeline", "safetensors", "write"]


def safetensors(shapes, dtype="F16", notes=None):
    """A safetensors file of zeros: name -> shape."""
    head, at = {"__metadata__": notes} if notes else {}, 0
    for name, shape in shapes.items():
        end = at + math.prod(shape) * {"F16": 2, "F32": 4}[dtype]
        head[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [at, end]}
        at = end
    raw = json.dumps(head).encode()
    return len(raw).to_bytes(8, "little") + raw + bytes(at)


WEIGHTS = safetensors({"weight": (64, 64)})

KOHYA = {
    "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight": (4, 768),
    "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_up.weight": (320, 4),
}
IP_ADAPTER = {"image_proj.proj.weight": (8, 4), "ip_adapter.1.to_k_ip.weight": (4, 768)}
SD15_CHECKPOINT = {
    "model.diffusion_model.input_blocks.0.0.weight": (8, 4, 3, 3),
    "cond_stage_model.transformer.text_model.embeddings.position_ids": (1, 77),
    "first_stage_model.decoder.conv_in.weight": (4, 4),
}
CONTROL = {
    "config.json": json.dumps({"_class_name": "ControlNetModel", "cross_attention_dim": 768}).encode(),
    "diffusion_pytorch_model.safetensors": WEIGHTS,
}


def pipeline(
    kind="StableDiffusionPipeline", *, half=False, core=None, scheduler="DDIMScheduler", weights=WEIGHTS
):
    """The files of a pipeline: path -> content."""
    body = "transformer" if kind.startswith(("StableDiffusion3", "Flux", "ZImage", "Qwen")) else "unet"
    core = {"in_channels": 4, "cross_attention_dim": 768, "sample_size": 64} if core is None else core
    index = {
        "_class_name": kind,
        "_diffusers_version": "0.30.0",
        body: ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "scheduler": ["diffusers", scheduler],
        "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
        "feature_extractor": ["transformers", "CLIPImageProcessor"],
    }
    end = ".fp16.safetensors" if half else ".safetensors"
    return {
        "model_index.json": json.dumps(index).encode(),
        f"{body}/config.json": json.dumps(core).encode(),
        f"{body}/diffusion_pytorch_model{end}": weights,
        "vae/config.json": json.dumps({"block_out_channels": [1, 2, 3, 4]}).encode(),
        f"vae/diffusion_pytorch_model{end}": weights,
        "text_encoder/config.json": b"{}",
        f"text_encoder/model{end}": weights,
        "tokenizer/vocab.json": b'{"a": 0}',
        "tokenizer/merges.txt": b"#version\n",
        "scheduler/scheduler_config.json": json.dumps({"_class_name": scheduler}).encode(),
    }


def write(folder, files):
    """Put files (path -> content) into a folder, which is made; the folder."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder
