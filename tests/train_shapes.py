"""Draw simple pictures, train a very small Stable Diffusion on them, and measure what it has learnt.

    python tests/train_shapes.py [train_vae] [train_decoder] [train_unet] [train_grey] [check]

Without a name all five are done in this order. What comes out lies in `tests/trained`: a model in the layout
of Stable Diffusion 1.5, whose pictures show one shape of one colour on a ground of another, and a LoRA that
turns them grey. Nothing is downloaded; every picture is drawn here. The seeds are fixed, but how the
processor rounds is not, so that a second run gives a model as good as the first rather than the same one.
"""

import itertools
import logging
import math
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from diffusers import AutoencoderKL, PNDMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from peft import LoraConfig, get_peft_model_state_dict
from PIL import Image

import tiny_models
from tiny_models import NOISE, clip_text, clip_tokenizer

HERE = Path(__file__).parent / "trained"
MODEL, GREY = HERE / "shapes", HERE / "grey.safetensors"
SIZE = 32  # pixels
COLOURS = {
    "red": (215, 40, 40),
    "green": (40, 165, 60),
    "blue": (40, 75, 215),
    "yellow": (240, 215, 50),
    "purple": (155, 55, 190),
    "white": (242, 242, 242),
    "black": (25, 25, 25),
}
SHAPES = ("circle", "square", "triangle", "cross", "star", "ring")
WORDS = ["a", "on", "striped", "photo", "of", *COLOURS, *SHAPES]  # that the tokenizer knows whole
PALETTE = torch.tensor(list(COLOURS.values())) / 255
STEPS = {"vae": 2500, "decoder": 5000, "unet": 5000, "grey": 800}
LIMIT = {"vae": 600, "decoder": 900, "unet": 1500, "grey": 180}  # seconds, whatever the steps
BATCH = 32
LOG = logging.getLogger("shapes")


# The world


def _distance(shape, x, y, r):
    """How far each point lies outside of a shape of this radius around the origin, in pixels."""
    if shape == "circle":
        return torch.hypot(x, y) - r
    if shape == "ring":
        return (torch.hypot(x, y) - 0.8 * r).abs() - 0.24 * r
    if shape == "square":
        return torch.maximum(x.abs(), y.abs()) - 0.85 * r
    if shape == "cross":
        across = torch.maximum(x.abs() - r, y.abs() - 0.32 * r)
        return torch.minimum(across, torch.maximum(y.abs() - r, x.abs() - 0.32 * r))
    if shape == "triangle":
        y = y - 0.15 * r
        return torch.maximum(y, 0.866 * x.abs() - 0.5 * y) - 0.6 * r
    part = 2 * torch.pi / 5  # a star: fold the plane into one of its ten halves of a ray
    angle = torch.atan2(x, -y)
    angle = (torch.remainder(angle + part / 2, part) - part / 2).abs()
    u, v = torch.hypot(x, y) * angle.sin(), torch.hypot(x, y) * angle.cos()
    tip, notch = 1.15 * r, 0.5 * r
    du, dv = notch * math.sin(part / 2), notch * math.cos(part / 2) - tip
    return ((v - tip) * du - u * dv) / torch.hypot(du, dv)


def masks(shapes, places, radii):
    """How much of each pixel the shapes cover, from 0 to 1; `places` are their centres."""
    y, x = torch.meshgrid(torch.arange(SIZE) + 0.5, torch.arange(SIZE) + 0.5, indexing="ij")
    found = torch.empty(len(shapes), SIZE, SIZE)
    for number, shape in enumerate(SHAPES):
        mine = shapes == number
        if mine.any():
            px, py, r = (t[mine, None, None] for t in (*places.T, radii))
            found[mine] = _distance(shape, x - px, y - py, r)
    return (0.5 - found).clamp(0, 1)


def draw(count, rng, *, wild=False):
    """Pictures from -1 to 1 and what they show: shape, colour, ground and whether that is striped.

    `wild` ones have any colours and are partly grey, so that the autoencoder learns more than the palette.
    """

    def pick(low, high, *shape):
        return torch.rand(count, *shape, generator=rng) * (high - low) + low

    shapes, colour = (torch.randint(len(names), (count,), generator=rng) for names in (SHAPES, COLOURS))
    ground = (colour + torch.randint(1, len(PALETTE), (count,), generator=rng)) % len(PALETTE)
    striped = pick(0, 1) < 0.25
    cover = masks(shapes, SIZE / 2 + pick(-2.5, 2.5, 2), pick(7.5, 11))[:, None]
    inside, outside = PALETTE[colour], PALETTE[ground]
    if wild:
        inside, outside = (torch.where(pick(0, 1, 1) < 0.5, pick(0, 1, 3), c) for c in (inside, outside))
    line = torch.arange(SIZE) / SIZE
    slope = pick(-0.2, 0.2, 2, 1, 1)
    shade = 1 + slope[:, 0] * (line - 0.5) + slope[:, 1] * (line[:, None] - 0.5)
    upright = (pick(0, 1) < 0.5)[:, None, None]
    wave = torch.where(upright, line, line[:, None]) * SIZE / 8 + pick(0, 1, 1, 1)
    bands = ((torch.sin(wave * 2 * torch.pi) * 2.5).clamp(-1, 1) * 0.5 + 0.5)[:, None]
    behind = outside[:, :, None, None] * shade[:, None]
    darker = behind * 0.55 + 0.12
    behind = torch.where(striped[:, None, None, None], behind + bands * (darker - behind), behind)
    images = behind + cover * (inside[:, :, None, None] - behind)
    if wild:
        images = torch.where(pick(0, 1, 1, 1, 1) < 0.2, greyed(images), images)
    return images.clamp(0, 1) * 2 - 1, torch.stack([shapes, colour, ground, striped.long()], dim=1)


def greyed(images):
    """The same pictures without colour."""
    shares = torch.tensor([0.299, 0.587, 0.114])[:, None, None]
    return (images * shares).sum(1, keepdim=True).expand(-1, 3, -1, -1)


def prompts(labels, rng):
    """What one would ask for to get each picture: mostly all of it, sometimes a part, sometimes nothing."""
    texts, names = [], list(COLOURS)
    for shape, colour, ground, striped in labels.tolist():
        s, c, g = SHAPES[shape], names[colour], ("striped " if striped else "") + names[ground]
        said = [f"a {c} {s} on {g}"] * 14 + [f"{c} {s}", f"a {c} {s}", f"a {s} on {g}", f"a {s}", c, "", ""]
        texts.append(said[torch.randint(len(said), (), generator=rng)])
    return texts


# Training


def _train(name, step, weights, *, rate):
    """Go the steps of this name; the rate rises at once and falls to nothing. Weights are averaged."""
    weights = [w for w in weights if w.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=rate, weight_decay=1e-3)
    averages = [w.detach().clone() for w in weights]
    began, losses = time.monotonic(), []
    for number in range(STEPS[name]):
        passed = time.monotonic() - began
        gone = max(number / STEPS[name], passed / LIMIT[name])
        if gone > 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1, (number + 1) / 50) * (0.5 + 0.5 * np.cos(np.pi * gone) + 0.01)
        loss = step()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        decay = min(0.995, (number + 1) / (number + 10))
        with torch.no_grad():
            for average, weight in zip(averages, weights, strict=True):
                average.lerp_(weight, 1 - decay)
        losses.append(loss.item())
        if (number + 1) % 100 == 0:
            LOG.info("%s %d: %.4f, %.0f s", name, number + 1, np.mean(losses[-100:]), passed)
    with torch.no_grad():
        for average, weight in zip(averages, weights, strict=True):
            weight.copy_(average)


def train_vae():
    """The autoencoder: four latents for every four by four pixels."""
    torch.manual_seed(1)
    rng = torch.Generator().manual_seed(1)
    vae = AutoencoderKL(
        block_out_channels=(8, 16, 32),
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        layers_per_block=1,
        norm_num_groups=2,  # as many as channels would take the colour out of a plain picture
        latent_channels=4,
        sample_size=SIZE,
    )
    with torch.no_grad():
        vae.quant_conv.bias[4:] -= 6.0  # hardly any noise to begin with

    def step():
        images, _ = draw(BATCH, rng, wild=True)
        found = vae.encode(images).latent_dist
        off = vae.decode(found.sample()).sample - images
        return off.abs().mean() + off.square().mean() + 1e-6 * found.kl().mean()

    _train("vae", step, vae.parameters(), rate=3e-3)
    with torch.no_grad():
        latents = vae.encode(draw(512, rng)[0]).latent_dist.mean
    vae.register_to_config(scaling_factor=round(1 / latents.std().item(), 4))
    _keep(vae)


def train_decoder():
    """The second half of the autoencoder once more, alone: the latents remain as the UNet knows them."""
    rng = torch.Generator().manual_seed(4)
    vae = _autoencoder().train()
    vae.requires_grad_(False)
    vae.decoder.requires_grad_(True)

    def step():
        images, _ = draw(BATCH // 2, rng, wild=True)
        with torch.no_grad():
            latents = vae.encode(images).latent_dist.mean
            latents += torch.randn(latents.shape, generator=rng) * 0.02 / vae.config.scaling_factor
        off = vae.decode(latents).sample - images
        return off.abs().mean() + off.square().mean()

    _train("decoder", step, vae.parameters(), rate=2e-3)
    _keep(vae)


def _autoencoder():
    vae = AutoencoderKL.from_pretrained(MODEL / "vae")
    vae.register_to_config(_name_or_path="")  # not where it lay here
    return vae


def _keep(vae):
    """Save the autoencoder and log how far pictures are from what they were."""
    vae.save_pretrained(MODEL / "vae")
    images, _ = draw(512, torch.Generator().manual_seed(5))
    with torch.no_grad():
        latents = vae.encode(images).latent_dist.mean
        off = (vae.decode(latents).sample.clamp(-1, 1) - images).abs().mean() * 127.5
    LOG.info("the autoencoder is off by %.2f of 255; scaling %.4f", off, vae.config.scaling_factor)


def _pool(vae, rng, *, grey=False, count=24_000):
    """Latents of pictures, and what these show."""
    latents, labels = [], []
    with torch.no_grad():
        for _ in range(count // 100):
            images, shown = draw(100, rng)
            images = greyed(images) if grey else images
            latents.append(vae.encode(images).latent_dist.mean * vae.config.scaling_factor)
            labels.append(shown)
    return torch.cat(latents), torch.cat(labels)


def _denoising(pipe, rng, pool, encode):
    """The loss of guessing the noise in some latents, as SD 1.5 learnt it; little noise counts for less."""
    latents, labels = pool
    alphas = pipe.scheduler.alphas_cumprod

    def step():
        chosen = torch.randint(len(latents), (BATCH,), generator=rng)
        times = torch.randint(1000, (BATCH,), generator=rng)
        noise = torch.randn(latents[chosen].shape, generator=rng)
        noisy = pipe.scheduler.add_noise(latents[chosen], noise, times)
        guess = pipe.unet(noisy, times, encode(prompts(labels[chosen], rng))).sample
        ratio = alphas[times] / (1 - alphas[times])
        return ((guess - noise).square().mean((1, 2, 3)) * (5 / ratio).clamp(max=1)).mean()

    return step


def _encoder(pipe):
    """A function from prompts to embeddings, which remembers the tokens."""
    seen = {}

    def encode(texts):
        for text in set(texts) - set(seen):
            seen[text] = torch.tensor(pipe.tokenizer(text, padding="max_length", max_length=77).input_ids)
        different = sorted(set(texts))
        found = pipe.text_encoder(torch.stack([seen[text] for text in different]))[0]
        return found[[different.index(text) for text in texts]]

    return encode


def train_unet():
    """The UNet and the text encoder together."""
    torch.manual_seed(2)
    rng = torch.Generator().manual_seed(2)
    vae = _autoencoder()
    with mock.patch.object(tiny_models, "WORDS", WORDS):
        tokenizer = clip_tokenizer()
    unet = UNet2DConditionModel(
        sample_size=SIZE // 4,
        block_out_channels=(48, 64),
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        layers_per_block=1,
        norm_num_groups=8,
        cross_attention_dim=64,
        attention_head_dim=4,
    )
    pipe = StableDiffusionPipeline(
        unet=unet,
        vae=vae,
        text_encoder=clip_text("shapes/text_encoder", tokenizer, width=64),
        tokenizer=tokenizer,
        scheduler=PNDMScheduler(**NOISE, skip_prk_steps=True, set_alpha_to_one=False, steps_offset=1),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    weights = [*unet.parameters(), *pipe.text_encoder.parameters()]
    step = _denoising(pipe, rng, _pool(vae, rng), _encoder(pipe))
    _train("unet", step, weights, rate=1.2e-3)
    pipe.save_pretrained(MODEL)
    tokenizer.backend_tokenizer.model.save(str(MODEL / "tokenizer"))  # as published models have them


def train_grey():
    """The LoRA: the same prompts, but pictures without colour."""
    torch.manual_seed(3)
    rng = torch.Generator().manual_seed(3)
    pipe = load()
    pipe.unet.requires_grad_(False)
    pipe.unet.add_adapter(LoraConfig(r=4, lora_alpha=4, target_modules=["to_q", "to_k", "to_v", "to_out.0"]))
    encode = torch.no_grad()(_encoder(pipe))
    step = _denoising(pipe, rng, _pool(pipe.vae, rng, grey=True, count=6000), encode)
    _train("grey", step, pipe.unet.parameters(), rate=3e-3)
    pipe.save_lora_weights(HERE, get_peft_model_state_dict(pipe.unet), weight_name=GREY.name)


# Measuring


def load():
    """The model as it lies on the disk."""
    pipe = StableDiffusionPipeline.from_pretrained(MODEL, local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def pictures(pipe, texts):
    """One picture for each prompt, from 0 to 1."""
    rng = [torch.Generator().manual_seed(number) for number in range(len(texts))]
    found = pipe(texts, SIZE, SIZE, num_inference_steps=20, guidance_scale=4.0, generator=rng)
    return torch.stack([torch.tensor(np.asarray(image)).permute(2, 0, 1) / 255 for image in found.images])


def nearest(colour):
    """The name of the palette's colour that is nearest to this one."""
    return list(COLOURS)[(PALETTE - colour).square().sum(1).argmin()]


def recognised(image, colour, ground):
    """The shape whose outline fits best to what of the picture is rather of the one colour than the other."""
    high, low = PALETTE[[list(COLOURS).index(name) for name in (colour, ground)]]
    seen = (((image.permute(1, 2, 0) - low) @ (high - low)) / (high - low).square().sum()).clamp(0, 1)
    places = np.arange(-3, 3.1, 1.5) + SIZE / 2
    grid = itertools.product(range(len(SHAPES)), places, places, np.arange(7, 12, 0.8))
    tries = torch.tensor(np.array(list(grid)), dtype=torch.float32)
    off = (masks(tries[:, 0].long(), tries[:, 1:3], tries[:, 3]) - seen).square().mean((1, 2))
    return SHAPES[int(tries[off.argmin(), 0])]


def saturation(images):
    """How much the greatest and the least channel of a pixel differ, on average, of 255."""
    return (images.amax(1) - images.amin(1)).mean().item() * 255


def sheet(images, file):
    """Put pictures into a file, sixteen side by side and four times as large."""
    whole = torch.cat([torch.cat(list(line), dim=2) for line in images.split(16)], dim=1)
    pixels = (whole.permute(1, 2, 0) * 255).byte().numpy()
    Image.fromarray(pixels.repeat(4, 0).repeat(4, 1)).save(file)


def check():
    """Log how often pictures show what was asked for and what the LoRA does, and keep them as one picture."""
    pipe = load()
    names, (_, labels) = list(COLOURS), draw(96, torch.Generator().manual_seed(6))
    asked = [(SHAPES[shape], names[colour], names[ground]) for shape, colour, ground, _ in labels.tolist()]
    texts = [f"a {colour} {shape} on {ground}" for shape, colour, ground in asked]
    began = time.process_time()
    images = pictures(pipe, texts)
    LOG.info("%.2f s of processor time for a picture", (time.process_time() - began) / len(texts))
    rim = torch.ones(SIZE, SIZE, dtype=torch.bool)
    rim[3:-3, 3:-3] = False
    good = {"middle": [], "rim": [], "shape": []}
    for image, (shape, colour, ground) in zip(images, asked, strict=True):
        if shape != "ring":  # whose middle is the ground
            good["middle"].append(nearest(image[:, 14:18, 14:18].mean((1, 2))) == colour)
        good["rim"].append(nearest(image[:, rim].mean(1)) == ground)
        good["shape"].append(recognised(image, colour, ground) == shape)
    LOG.info("as asked: %s", {name: f"{np.mean(values):.0%}" for name, values in good.items()})
    LOG.info("other shapes: %s", [t for t, well in zip(texts, good["shape"], strict=True) if not well])
    rows = [images]
    pipe.load_lora_weights(HERE, weight_name=GREY.name, adapter_name="grey")
    for weight in (0.0, 0.5, 1.0):
        pipe.set_adapters("grey", weight)
        rows.append(pictures(pipe, texts[:32]))
        change = (rows[-1] - images[:32]).abs().mean() * 255
        LOG.info("LoRA at %.1f: saturation %.0f, changed by %.1f", weight, saturation(rows[-1]), change)
    sheet(torch.cat(rows), Path(tempfile.gettempdir()) / "shapes.png")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    for task in sys.argv[1:] or ["train_vae", "train_decoder", "train_unet", "train_grey", "check"]:
        globals()[task]()
