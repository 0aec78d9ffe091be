"""Tiny diffusion models of the real classes with random weights, built in a moment and without a network.

Every function writes one model, or one thing that goes on top of a model, in the layout in which it is
published, and returns where it lies. The weights depend on nothing but the component's name, so that two
builds are the same.
"""

import json
import re
import zlib
from contextlib import contextmanager
from pathlib import Path

import diffusers
import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderTiny,
    ControlNetModel,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    FluxFillPipeline,
    FluxPipeline,
    FluxTransformer2DModel,
    PNDMScheduler,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
    StableDiffusionInpaintPipeline,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
    ZImagePipeline,
    ZImageTransformer2DModel,
)
from safetensors.torch import load_file, save_file
from tokenizers.pre_tokenizers import ByteLevel
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
    Qwen3Config,
    Qwen3Model,
    T5Config,
    T5EncoderModel,
    T5Tokenizer,
)

WORDS = """
a an and at blue castle cat city dark dog flower forest green hill house in light of on painting
person photo red river sky small snow sun the tree under water white with wooden
""".split()  # noqa: SIM905
"""Words that the tokenizers know whole; everything else is spelt out."""
WIDTH = 32
"""How wide the text embeddings of the first encoder are."""
WIDE = 64
"""How wide those of the second CLIP encoder are."""
NOISE = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
}
"""The noise that SD 1.5 and SDXL were trained with."""
FINE = {"channels": 16, "use_quant_conv": False, "use_post_quant_conv": False}
"""How the autoencoders of SD 3 and Flux differ."""
SHARD = "300KB"
"""At most this much in one file of a model that is split, which makes three of the UNet."""


@contextmanager
def _seeded(name):
    """Draw the weights of the component of this name, and leave the generator as it was found."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(zlib.crc32(name.encode()))
        yield


# Tokenizers and text encoders


def clip_tokenizer(pad="<|endoftext|>"):
    """A CLIP tokenizer of bytes and of a few whole words, 77 tokens long."""
    letters = sorted(ByteLevel.alphabet())
    pieces = [*letters, *(letter + "</w>" for letter in letters)]
    merges = []
    for word in WORDS:
        parts = [*word[:-1], word[-1] + "</w>"]
        while len(parts) > 1:
            pair, parts = (parts[-2], parts[-1]), [*parts[:-2], parts[-2] + parts[-1]]
            if pair not in merges:
                merges.append(pair)
                pieces.append(parts[-1])
    pieces += ["<|startoftext|>", "<|endoftext|>"]
    if pad not in pieces:
        pieces.insert(0, pad)
    vocab = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    return CLIPTokenizer(vocab=vocab, merges=merges, pad_token=pad, model_max_length=77)


def t5_tokenizer(length):
    """A T5 tokenizer of single characters and of a few whole words."""
    letters = [chr(code) for code in range(33, 384) if chr(code).isprintable()]
    scores = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -3.0)]
    scores += [("▁" + word, -2.0) for word in WORDS if len(word) > 1] + [(letter, -4.0) for letter in letters]
    return T5Tokenizer(vocab=scores, extra_ids=0, model_max_length=length)


def clip_text(name, tokenizer, *, projected=False, width=WIDTH):
    """A CLIP text encoder of two layers."""
    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=2 * width,
        projection_dim=width,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=77,
        hidden_act="quick_gelu",
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with _seeded(name), torch.no_grad():
        model = (CLIPTextModelWithProjection if projected else CLIPTextModel)(config)
        for key, weight in model.named_parameters():
            if "embedding" in key:
                weight.normal_(std=1.0 if "token" in key else 0.3)
            elif weight.ndim > 1:
                weight.normal_(std=width**-0.5)
    return model.eval()


def t5_text(name, tokenizer, *, width=WIDTH):
    """The encoder half of T5, of two layers."""
    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=width,
        d_kv=8,
        d_ff=2 * width,
        num_layers=2,
        num_heads=4,
        feed_forward_proj="gated-gelu",
    )
    with _seeded(name):
        return T5EncoderModel(config).eval()


# Autoencoders and networks


def vae(name, *, channels=4, scaling=0.18215, shift=None, **options):
    """An autoencoder with a latent for every eight by eight pixels, whose picture follows its latents."""
    with _seeded(name), torch.no_grad():
        model = AutoencoderKL(
            block_out_channels=(8, 8, 8, 8),
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            layers_per_block=1,
            norm_num_groups=4,
            latent_channels=channels,
            sample_size=64,
            scaling_factor=scaling,
            shift_factor=shift,
            **options,
        )
        model.encoder.conv_out.weight[:channels] *= 1.5 / scaling
        model.encoder.conv_out.weight[channels:] = 0.0
        model.encoder.conv_out.bias[:channels] = 0.0
        model.encoder.conv_out.bias[channels:] = -20.0  # hardly any noise: a picture has one latent
        model.decoder.conv_out.weight *= 1.5
        model.decoder.conv_out.bias.zero_()
        for mixing in filter(None, (model.quant_conv, model.post_quant_conv)):
            torch.nn.init.dirac_(mixing.weight)
            mixing.bias.zero_()
    return model.eval()


def unet(name, *, channels=4, **options):
    """A UNet of two levels with cross attention in both."""
    settings = {
        "sample_size": 8,
        "in_channels": channels,
        "out_channels": 4,
        "block_out_channels": (16, 32),
        "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
        "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
        "layers_per_block": 1,
        "norm_num_groups": 4,
        "cross_attention_dim": WIDTH,
        "attention_head_dim": 4,
    }
    with _seeded(name), torch.no_grad():
        model = UNet2DConditionModel(**(settings | options))
        for key, weight in model.named_parameters():
            if "attn2.to_out" in key or "attn2.to_v" in key:
                weight.mul_(3.0)
        model.conv_out.weight *= 2.0
    return model.eval()


# Whole models


def sd15(folder, *, inpaint=False, sharded=False):
    """Stable Diffusion 1.5, or its model for inpainting; `sharded` splits the UNet's weights over files."""
    tokenizer = clip_tokenizer()
    pipeline = StableDiffusionInpaintPipeline if inpaint else StableDiffusionPipeline
    pipe = pipeline(
        unet=unet("sd15/unet", channels=9 if inpaint else 4),
        vae=vae("sd15/vae"),
        text_encoder=clip_text("sd15/text_encoder", tokenizer),
        tokenizer=tokenizer,
        scheduler=PNDMScheduler(**NOISE, skip_prk_steps=True, set_alpha_to_one=False, steps_offset=1),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    return _saved(pipe, folder, sharded=sharded)


def sdxl(folder, *, sharded=False):
    """Stable Diffusion XL with its two text encoders."""
    first, second = clip_tokenizer(), clip_tokenizer(pad="!")
    pipe = StableDiffusionXLPipeline(
        unet=unet(
            "sdxl/unet",
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            cross_attention_dim=WIDTH + WIDE,
            transformer_layers_per_block=(1, 1),
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=6 * 8 + WIDE,
        ),
        vae=vae("sdxl/vae", scaling=0.13025),
        text_encoder=clip_text("sdxl/text_encoder", first),
        text_encoder_2=clip_text("sdxl/text_encoder_2", second, projected=True, width=WIDE),
        tokenizer=first,
        tokenizer_2=second,
        scheduler=EulerDiscreteScheduler(
            **NOISE, steps_offset=1, timestep_spacing="leading", interpolation_type="linear"
        ),
        force_zeros_for_empty_prompt=True,
        add_watermarker=False,
    )
    return _saved(pipe, folder, sharded=sharded)


def sd3(folder, *, sharded=False):
    """Stable Diffusion 3 with its three text encoders."""
    first, second, third = clip_tokenizer(), clip_tokenizer(pad="!"), t5_tokenizer(512)
    with _seeded("sd3/transformer"), torch.no_grad():
        transformer = SD3Transformer2DModel(
            sample_size=8,
            patch_size=2,
            in_channels=16,
            out_channels=16,
            num_layers=2,
            attention_head_dim=8,
            num_attention_heads=4,
            joint_attention_dim=WIDTH + WIDE,
            caption_projection_dim=WIDTH,
            pooled_projection_dim=WIDTH + WIDE,
            pos_embed_max_size=32,
        )
        transformer.proj_out.weight *= 2.0
    pipe = StableDiffusion3Pipeline(
        transformer=transformer.eval(),
        vae=vae("sd3/vae", scaling=1.5305, shift=0.0609, **FINE),
        text_encoder=clip_text("sd3/text_encoder", first, projected=True),
        text_encoder_2=clip_text("sd3/text_encoder_2", second, projected=True, width=WIDE),
        text_encoder_3=t5_text("sd3/text_encoder_3", third, width=WIDTH + WIDE),
        tokenizer=first,
        tokenizer_2=second,
        tokenizer_3=third,
        scheduler=FlowMatchEulerDiscreteScheduler(num_train_timesteps=1000, shift=3.0),
    )
    return _saved(pipe, folder, sharded=sharded)


def flux(folder, *, guidance=False, fill=False, sharded=False):
    """Flux as schnell is made, with `guidance` as dev is, with `fill` as the one for inpainting is."""
    first, second = clip_tokenizer(), t5_tokenizer(512)
    with _seeded("flux/transformer"), torch.no_grad():
        transformer = FluxTransformer2DModel(
            patch_size=1,
            in_channels=384 if fill else 64,
            out_channels=64,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=WIDTH,
            pooled_projection_dim=WIDTH,
            guidance_embeds=guidance,
            axes_dims_rope=(4, 6, 6),
        )
        for key, weight in transformer.named_parameters():
            if "context_embedder" in key or "to_v" in key or "add_v_proj" in key or "text_embedder" in key:
                weight.mul_(2.0)
            elif "norm_q" in key or "norm_k" in key or "norm_added" in key:
                weight.mul_(3.0)  # a few words stand out among hundreds of empty places
        transformer.proj_out.weight *= 2.0
    if guidance:
        shifting = {"shift": 3.0, "use_dynamic_shifting": True}
    else:
        shifting = {"shift": 1.0, "use_dynamic_shifting": False}
    pipe = (FluxFillPipeline if fill else FluxPipeline)(
        transformer=transformer.eval(),
        vae=vae("flux/vae", scaling=0.3611, shift=0.1159, **FINE),
        text_encoder=clip_text("flux/text_encoder", first),
        text_encoder_2=t5_text("flux/text_encoder_2", second),
        tokenizer=first,
        tokenizer_2=second,
        scheduler=FlowMatchEulerDiscreteScheduler(
            num_train_timesteps=1000, base_image_seq_len=256, max_image_seq_len=4096, **shifting
        ),
    )
    return _saved(pipe, folder, sharded=sharded)


def zimage(folder):
    """Z-Image, a newer family that the engine knows nothing special of."""
    tokenizer = clip_tokenizer()
    tokenizer.chat_template = "{% for each in messages %}{{ each['content'] }}{% endfor %}"
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        intermediate_size=2 * WIDTH,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
    )
    with _seeded("zimage"), torch.no_grad():
        transformer = ZImageTransformer2DModel(
            in_channels=16,
            dim=WIDTH,
            n_layers=2,
            n_refiner_layers=1,
            n_heads=2,
            n_kv_heads=2,
            cap_feat_dim=WIDTH,
            axes_dims=[4, 6, 6],
            axes_lens=[1024, 64, 64],
        )
        for weight in transformer.parameters():
            if weight.ndim > 1:
                weight.mul_(1.5)
        encoder = Qwen3Model(config)
    pipe = ZImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(num_train_timesteps=1000, shift=3.0),
        vae=vae("zimage/vae", scaling=0.3611, shift=0.1159, **FINE),
        text_encoder=encoder.eval(),
        tokenizer=tokenizer,
        transformer=transformer.eval(),
    )
    return _saved(pipe, folder)


def _saved(pipe, folder, *, sharded=False):
    folder = Path(folder)
    pipe.save_pretrained(folder, safe_serialization=True)
    for part in folder.glob("tokenizer*"):
        tokenizer = getattr(pipe, part.name)
        if isinstance(tokenizer, CLIPTokenizer):  # the files that published models have as well
            tokenizer.backend_tokenizer.model.save(str(part))
    if sharded:
        part = "unet" if hasattr(pipe, "unet") else "transformer"
        for file in (folder / part).glob("*.safetensors"):
            file.unlink()
        getattr(pipe, part).save_pretrained(folder / part, safe_serialization=True, max_shard_size=SHARD)
    return folder


# What goes on top of a model


def _part(base):
    """The network of a model that lies in a folder: its name there and itself."""
    for name in ("unet", "transformer"):
        part = Path(base) / name
        if part.is_dir():
            cls = getattr(diffusers, _config(part)["_class_name"])
            return name, cls.from_pretrained(part, local_files_only=True)
    raise ValueError(f"{base} holds no model")


def _config(part):
    return json.loads((part / "config.json").read_text())


def controlnet(folder, base):
    """A ControlNet for the UNet of a model, which does something although it was never trained."""
    _, network = _part(base)
    with _seeded("controlnet"), torch.no_grad():
        model = ControlNetModel.from_unet(network, conditioning_embedding_out_channels=(4, 4, 8, 8))
        for key, weight in model.named_parameters():
            if key.startswith(("controlnet_down_blocks", "controlnet_mid_block")):
                weight.normal_(std=0.5)
            elif key.startswith("controlnet_cond_embedding"):
                weight.normal_(std=0.3 if weight.ndim > 1 else 0.05)
    model.eval().save_pretrained(folder, safe_serialization=True)
    return Path(folder)


def lora(file, base, rank=2, *, kohya=False, text=False):
    """A LoRA for the network of a model, and with `text` for its first text encoder as well.

    `kohya` writes it with the names that kohya's trainer gives, which is done for UNets alone.
    """
    part, network = _part(base)
    if kohya and part != "unet":
        raise ValueError("kohya's names are written for UNets alone")
    layers = {f"{part}.{name}": module for name, module in network.named_modules() if _attends(name)}
    if text:
        encoder = CLIPTextModel.from_pretrained(Path(base) / "text_encoder", local_files_only=True)
        layers |= {
            f"text_encoder.text_model.{name.removeprefix('text_model.')}": module
            for name, module in encoder.named_modules()
            if name.endswith(("q_proj", "k_proj", "v_proj", "out_proj"))
        }
    double, weights = (Path(base) / "text_encoder_2").is_dir(), {}
    with _seeded("lora"):
        for name, module in layers.items():
            down = torch.randn(rank, module.in_features) * 0.5
            up = torch.randn(module.out_features, rank) * 0.5
            if kohya:
                key = "lora_" + name.replace("text_encoder", "te1" if double else "te").replace(".", "_")
                weights |= {f"{key}.lora_down.weight": down, f"{key}.lora_up.weight": up}
                weights[f"{key}.alpha"] = torch.tensor(float(rank))
            else:
                weights |= {f"{name}.lora_A.weight": down, f"{name}.lora_B.weight": up}
    return _written(weights, file)


def _attends(name):
    return "attn" in name and name.endswith(("to_q", "to_k", "to_v", "to_out.0"))


def textual_inversion(file, base, word, *, vectors=1):
    """A textual inversion of so many vectors, named `word` or, for SDXL, after its two text encoders."""
    with _seeded(f"textual inversion/{word}"):
        if (Path(base) / "text_encoder_2").is_dir():
            weights = {"clip_l": 3 * torch.randn(vectors, WIDTH), "clip_g": 3 * torch.randn(vectors, WIDE)}
        else:
            weights = {word: 3 * torch.randn(vectors, WIDTH)}
    return _written(weights, file)


def ip_adapter(folder, base, *, name="ip-adapter.safetensors"):
    """An IP-Adapter for the UNet of a model, with its image encoder in `image_encoder` beside it."""
    _, network = _part(base)
    width, seen, tokens = network.config.cross_attention_dim, 24, 4
    weights = {}
    with _seeded("ip_adapter"), torch.no_grad():
        encoder = CLIPVisionModelWithProjection(
            CLIPVisionConfig(
                image_size=32,
                patch_size=8,
                hidden_size=WIDTH,
                intermediate_size=2 * WIDTH,
                projection_dim=seen,
                num_hidden_layers=2,
                num_attention_heads=4,
            )
        )
        for weight in encoder.parameters():
            if weight.ndim > 1:
                weight.normal_(std=0.3)
        weights["image_proj.proj.weight"] = torch.randn(tokens * width, seen) * 0.5
        weights["image_proj.proj.bias"] = torch.zeros(tokens * width)
        weights["image_proj.norm.weight"] = torch.ones(width)
        weights["image_proj.norm.bias"] = torch.zeros(width)
        crossing = [key for key in network.attn_processors if "attn2" in key]
        for number, key in enumerate(crossing):
            layer = network.get_submodule(key.removesuffix(".processor"))
            for half in ("to_k_ip", "to_v_ip"):
                size = (layer.inner_dim, width)
                weights[f"ip_adapter.{2 * number + 1}.{half}.weight"] = torch.randn(size) * 0.5
    encoder.eval().save_pretrained(Path(folder) / "image_encoder", safe_serialization=True)
    _written(weights, Path(folder) / name)
    return Path(folder)


def taesd(folder, latent_channels=4):
    """The small autoencoder that makes previews."""
    with _seeded(f"taesd/{latent_channels}"), torch.no_grad():
        model = AutoencoderTiny(
            latent_channels=latent_channels,
            encoder_block_out_channels=(8, 8, 8, 8),
            decoder_block_out_channels=(8, 8, 8, 8),
            num_encoder_blocks=(1, 1, 1, 1),
            num_decoder_blocks=(1, 1, 1, 1),
        )
        for weight in model.parameters():
            if weight.ndim > 1:
                torch.nn.init.kaiming_normal_(weight)
            else:
                weight.zero_()
        pictures = (model.decode(torch.randn(4, latent_channels, 8, 8)).sample + 1) / 2
        last, gain = model.decoder.layers[-1], 0.25 / pictures.std()
        last.weight *= gain
        last.bias.copy_(0.5 - gain * pictures.mean((0, 2, 3)))
    model.eval().save_pretrained(folder, safe_serialization=True)
    return Path(folder)


# Other files


def single_file(file, base):
    """The whole of a tiny SD 1.5 in one checkpoint with the names of the first release."""
    base, weights = Path(base), {}
    config = _config(base / "unet")
    for key, weight in load_file(base / "unet" / "diffusion_pytorch_model.safetensors").items():
        weights["model.diffusion_model." + _old_unet(key, config)] = weight
    levels = len(_config(base / "vae")["up_block_types"])
    for key, weight in load_file(base / "vae" / "diffusion_pytorch_model.safetensors").items():
        old = _old_vae(key, levels)
        # the first release wrote the attention of the autoencoder as convolutions
        square = ".attn_1." in old and weight.ndim == 2
        weights["first_stage_model." + old] = weight[:, :, None, None] if square else weight
    for key, weight in load_file(base / "text_encoder" / "model.safetensors").items():
        weights["cond_stage_model.transformer.text_model." + key.removeprefix("text_model.")] = weight
    return _written(weights, file)


def _old_unet(key, config):
    """What the first release called a weight of the UNet."""
    step = config["layers_per_block"] + 1
    head, _, rest = key.partition(".")
    fixed = {"conv_in": "input_blocks.0.0", "conv_norm_out": "out.0", "conv_out": "out.2"}
    if head in fixed:
        return f"{fixed[head]}.{rest}"
    if head == "time_embedding":
        return "time_embed." + rest.replace("linear_1", "0").replace("linear_2", "2")
    if head == "mid_block":
        kind, number, rest = rest.split(".", 2)
        place = 1 if kind == "attentions" else 2 * int(number)
        return f"middle_block.{place}.{_old_resnet(rest) if kind == 'resnets' else rest}"
    block, kind, number, rest = rest.split(".", 3)
    block, number = int(block), int(number)
    if head == "down_blocks":
        if kind == "downsamplers":
            return f"input_blocks.{(block + 1) * step}.0.{rest.replace('conv', 'op', 1)}"
        place = f"input_blocks.{1 + block * step + number}"
    else:
        if kind == "upsamplers":
            after = 2 if config["up_block_types"][block].startswith("CrossAttn") else 1
            return f"output_blocks.{(block + 1) * step - 1}.{after}.{rest}"
        place = f"output_blocks.{block * step + number}"
    return f"{place}.0.{_old_resnet(rest)}" if kind == "resnets" else f"{place}.1.{rest}"


def _old_resnet(key):
    names = {
        "norm1": "in_layers.0",
        "conv1": "in_layers.2",
        "norm2": "out_layers.0",
        "conv2": "out_layers.3",
        "time_emb_proj": "emb_layers.1",
        "conv_shortcut": "skip_connection",
    }
    head, _, rest = key.partition(".")
    return f"{names[head]}.{rest}"


def _old_vae(key, levels):
    """What the first release called a weight of the autoencoder."""
    key = key.replace("conv_norm_out", "norm_out").replace("conv_shortcut", "nin_shortcut")
    key = key.replace("mid_block.attentions.0.", "mid.attn_1.")
    if "mid.attn_1." in key:
        for new, old in (("group_norm", "norm"), ("to_out.0", "proj_out"), ("to_", "")):
            key = key.replace(new, old)
    key = re.sub(r"mid_block\.resnets\.(\d)", lambda found: f"mid.block_{int(found[1]) + 1}", key)
    key = re.sub(r"down_blocks\.(\d)", r"down.\1", key)
    key = re.sub(r"up_blocks\.(\d)", lambda found: f"up.{levels - 1 - int(found[1])}", key)
    return key.replace("resnets", "block").replace("samplers.0", "sample")


def pickled(file):
    """A checkpoint as it was written before safetensors: a pickle, which may hold anything."""
    torch.save(
        {"state_dict": {"model.diffusion_model.input_blocks.0.0.weight": torch.zeros(4, 4, 3, 3)}}, file
    )
    return Path(file)


def truncated(file):
    """A safetensors file of which the second half is missing, as after a broken download."""
    file = _written({"model.diffusion_model.input_blocks.0.0.weight": torch.zeros(64, 64)}, file)
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    return file


def _written(weights, file):
    file = Path(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({key: weight.contiguous() for key, weight in weights.items()}, file, metadata={"format": "pt"})
    return file
