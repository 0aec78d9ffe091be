# SPDX-License-Identifier: Apache-2.0
"""A short list of models that are known to be of use. Sizes are what they were when this was written."""

from __future__ import annotations

from dataclasses import dataclass

from ..protocol.errors import NotFound

__all__ = ["PRESETS", "Preset", "about", "preset"]


@dataclass(frozen=True)
class Preset:
    """One that can be pulled by its id.

    Attributes:
        id: what it will be called.
        repo: repository on the hub.
        role: see ``card.ROLES``.
        family: see ``card.FAMILIES``.
        title: its name for people.
        good_at: when to take it.
        download: GB to load, about.
        vram: GB of graphics memory for one picture at its own size in 16 bits, about; offloading needs less.
        licence: as the hub calls it.
        steps: see ``card.Card``; 0 for what takes no steps of its own.
        guidance: see ``card.Card``.
        side: see ``card.Card``.
        kind: of a control.
        inpaints: made for filling.
        gated: the hub wants an account that has accepted the licence.
        files: what to fetch, where finding out would not do.
        main: the model's file among them; empty means the folder.
        encoder: of a style: the folder of its image encoder.
    """

    id: str
    repo: str
    role: str
    family: str
    title: str
    good_at: str
    download: float
    vram: float
    licence: str
    steps: int = 0
    guidance: float = 0.0
    side: int = 0
    kind: str = ""
    inpaints: bool = False
    gated: bool = False
    files: tuple[str, ...] = ()
    main: str = ""
    encoder: str = ""


_BASES = (
    Preset(
        "sd15-inpaint", "stable-diffusion-v1-5/stable-diffusion-inpainting", "base", "sd15",
        "Stable Diffusion 1.5 inpainting", "filling selections; the one to begin with, small cards do",
        2.1, 4, "creativeml-openrail-m", 25, 7.0, 512, inpaints=True,
    ),
    Preset(
        "sd15", "stable-diffusion-v1-5/stable-diffusion-v1-5", "base", "sd15",
        "Stable Diffusion 1.5", "sketches and changes, with the most ControlNets, LoRAs and styles",
        2.1, 4, "creativeml-openrail-m", 25, 7.0, 512,
    ),
    Preset(
        "lcm-dreamshaper", "SimianLuo/LCM_Dreamshaper_v7", "base", "sd15",
        "LCM Dreamshaper 7", "live painting: an illustrative picture in four steps, also without a good card",
        4.3, 5, "mit", 4, 8.0, 768,
    ),
    Preset(
        "sdxl", "stabilityai/stable-diffusion-xl-base-1.0", "base", "sdxl",
        "Stable Diffusion XL", "finer and larger pictures, many styles",
        6.9, 10, "openrail++", 30, 6.0, 1024,
    ),
    Preset(
        "sdxl-inpaint", "diffusers/stable-diffusion-xl-1.0-inpainting-0.1", "base", "sdxl",
        "Stable Diffusion XL inpainting", "filling selections with more detail",
        6.9, 10, "openrail++", 30, 7.5, 1024, inpaints=True,
    ),
    Preset(
        "sdxl-turbo", "stabilityai/sdxl-turbo", "base", "sdxl",
        "SDXL Turbo", "drafts and live painting in one to four steps; not for commercial work",
        6.9, 9, "sai-nc-community", 4, 0.0, 512,
    ),
    Preset(
        "z-image-turbo", "Tongyi-MAI/Z-Image-Turbo", "base", "ZImage",
        "Z-Image Turbo", "photographs, lettering, long descriptions; nine steps; a free licence",
        32.9, 20, "apache-2.0", 9, 0.0, 1024,
    ),
    Preset(
        "flux-schnell", "black-forest-labs/FLUX.1-schnell", "base", "flux",
        "FLUX.1 schnell", "following long descriptions closely in four steps; for large graphics cards",
        33.7, 34, "apache-2.0", 4, 0.0, 1024, gated=True,
    ),
)  # fmt: skip

_CONTROLS = (
    Preset(
        "scribble-sd15", "lllyasviel/control_v11p_sd15_scribble", "control", "sd15",
        "Scribble for SD 1.5", "a rough sketch becomes a picture", 0.7, 1, "openrail", kind="scribble",
    ),
    Preset(
        "lineart-sd15", "lllyasviel/control_v11p_sd15_lineart", "control", "sd15",
        "Line art for SD 1.5", "colouring clean lines", 0.7, 1, "openrail", kind="lineart",
    ),
    Preset(
        "canny-sd15", "lllyasviel/control_v11p_sd15_canny", "control", "sd15",
        "Edges for SD 1.5", "keeping the edges of what is there", 0.7, 1, "openrail", kind="canny",
    ),
    Preset(
        "depth-sd15", "lllyasviel/control_v11f1p_sd15_depth", "control", "sd15",
        "Depth for SD 1.5", "keeping the space of a 3D scene", 0.7, 1, "openrail", kind="depth",
    ),
    Preset(
        "scribble-sdxl", "xinsir/controlnet-scribble-sdxl-1.0", "control", "sdxl",
        "Scribble for SDXL", "a rough sketch becomes a picture, finer", 2.5, 3, "apache-2.0", kind="scribble",
    ),
)  # fmt: skip

_ENCODER = "models/image_encoder"
_STYLES = (
    Preset(
        "style-sd15", "h94/IP-Adapter", "style", "sd15",
        "IP-Adapter for SD 1.5", "the style or subject of a reference picture", 2.6, 2, "apache-2.0",
        files=(
            "models/ip-adapter_sd15.safetensors", f"{_ENCODER}/config.json", f"{_ENCODER}/model.safetensors",
        ),
        main="models/ip-adapter_sd15.safetensors", encoder=_ENCODER,
    ),
    Preset(
        "style-sdxl", "h94/IP-Adapter", "style", "sdxl",
        "IP-Adapter for SDXL", "the style or subject of a reference picture, finer", 3.2, 3, "apache-2.0",
        files=(
            "sdxl_models/ip-adapter_sdxl_vit-h.safetensors", f"{_ENCODER}/config.json",
            f"{_ENCODER}/model.safetensors",
        ),
        main="sdxl_models/ip-adapter_sdxl_vit-h.safetensors", encoder=_ENCODER,
    ),
)  # fmt: skip

_PREVIEWS = (
    Preset(
        "taesd", "madebyollin/taesd", "preview", "sd15",
        "TAESD", "sharper previews for SD 1.5 while a picture is made", 0.01, 0.1, "mit",
    ),
    Preset(
        "taesdxl", "madebyollin/taesdxl", "preview", "sdxl",
        "TAESDXL", "sharper previews for SDXL while a picture is made", 0.01, 0.1, "mit",
    ),
    Preset(
        "taef1", "madebyollin/taef1", "preview", "flux",
        "TAEF1", "sharper previews for FLUX while a picture is made", 0.01, 0.1, "mit",
    ),
)  # fmt: skip

PRESETS = _BASES + _CONTROLS + _STYLES + _PREVIEWS


def about(gigabytes: float) -> str:
    """A size that is known about."""
    return f"about {gigabytes:g} GB" if gigabytes >= 0.1 else f"about {gigabytes * 1000:g} MB"


def preset(id_: str) -> Preset:
    """One of them.

    Raises:
        NotFound: there is none of that name.
    """
    for each in PRESETS:
        if each.id == id_:
            return each
    raise NotFound(
        f"No preset is called {id_!r}.",
        "'bridge-server models' lists them. Any other model is named owner/repository, as on the hub.",
    )
