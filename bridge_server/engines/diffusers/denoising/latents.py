# SPDX-License-Identifier: Apache-2.0
# pyright: basic
"""Between pictures and what a model works on: encoding, decoding, and a quick look at unfinished latents."""

from __future__ import annotations

import contextlib
import hashlib
from collections import OrderedDict
from collections.abc import Generator
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - as everybody calls it

__all__ = ["LatentSpace", "resized"]

#: How many encoded pictures are remembered, so that asking again on the same picture encodes nothing.
_REMEMBERED = 8

#: Side of the chart from which the look is learnt, in pixels.
_CHART = 256


def resized(picture: torch.Tensor, width: int, height: int) -> torch.Tensor:
    """(n, c, h, w) floats at another size, smoothly; the same tensor if the size is right already."""
    if picture.shape[-2:] == (height, width):
        return picture
    shrinks = height < picture.shape[-2] or width < picture.shape[-1]
    return F.interpolate(picture, size=(height, width), mode="bicubic", antialias=shrinks)


class LatentSpace:
    """The latents of one pipeline.

    "Spatial" latents are (n, c, h, w), h and w the picture's divided by ``factor``; some pipelines work on
    packed or on video-shaped ones.

    Args:
        pipe: a diffusers pipeline with a VAE.
    """

    def __init__(self, pipe: Any) -> None:
        self._pipe, self._vae = pipe, pipe.vae
        self._tiny: Any = None
        self.factor = int(pipe.vae_scale_factor)
        self._encode = self._vae.encode
        self._encoded: OrderedDict[bytes, Any] = OrderedDict()
        self._vae.encode = self._encode_once
        self._map: torch.Tensor | None = None

    @property
    def has_tiny(self) -> bool:
        """Whether there is a tiny VAE to look with."""
        return self._tiny is not None

    def use_tiny(self, tiny: Any) -> None:
        """Look by this tiny VAE (TAESD) from now on."""
        self._tiny = tiny

    def spatial(self, latents: torch.Tensor, width: int, height: int) -> torch.Tensor:
        """Any latents of a picture of that size as spatial ones."""
        if latents.ndim == 3:
            latents = self._pipe._unpack_latents(latents, height, width, self.factor)
        return latents.squeeze(2) if latents.ndim == 5 else latents

    def like(self, spatial: torch.Tensor, given: torch.Tensor) -> torch.Tensor:
        """Spatial latents in the form that ``given`` has."""
        if given.ndim == 3:
            n, c, h, w = spatial.shape
            return self._pipe._pack_latents(spatial, n, c, h, w).to(given.dtype)
        return (spatial.unsqueeze(2) if given.ndim == 5 else spatial).to(given.dtype)

    def encode(self, picture: torch.Tensor) -> torch.Tensor:
        """Spatial latents of (n, 3, h, w) values from -1 to 1, as the model is used to them."""
        with self._precise() as vae:
            image = picture.to(self._pipe._execution_device, vae.dtype)
            found = vae.encode(image.unsqueeze(2) if self._filmed else image)
        latents = found.latent_dist.mode() if hasattr(found, "latent_dist") else found.latents
        return self._scaled(self.spatial(latents, picture.shape[-1], picture.shape[-2]))

    def decode(self, spatial: torch.Tensor) -> torch.Tensor:
        """(n, 3, h, w) values from 0 to 1, on the processor, one picture at a time."""
        with self._precise() as vae:
            latents = self._unscaled(spatial.float()).to(vae.dtype)
            latents = latents.unsqueeze(2) if self._filmed else latents
            pictures = torch.cat(
                [vae.decode(each, return_dict=False)[0].cpu().float() for each in latents.split(1)]
            )
        pictures = pictures.squeeze(2) if pictures.ndim == 5 else pictures
        return (pictures / 2 + 0.5).clamp(0, 1)

    @property
    def _filmed(self) -> bool:
        """Whether the VAE is one for films, of which a picture is the only frame."""
        return self._vae.__class__.__name__.endswith(("QwenImage", "Wan"))

    @contextlib.contextmanager
    def _precise(self) -> Generator[Any]:
        """The VAE, in float where it would overflow in half precision (SDXL's does)."""
        dtype = self._vae.dtype
        upcast = dtype == torch.float16 and getattr(self._vae.config, "force_upcast", False)
        if upcast:
            self._vae.to(torch.float32)
        try:
            yield self._vae
        finally:
            if upcast:
                self._vae.to(dtype)

    def look(self, spatial: torch.Tensor) -> torch.Tensor:
        """(n, 3, h, w) values from 0 to 1, cheaply: by the tiny VAE if there is one, else a linear map."""
        if self._tiny is not None:
            scaled = self._tiny.decode(spatial.to(self._tiny.dtype), return_dict=False)[0]
            return (scaled.float() / 2 + 0.5).clamp(0, 1).cpu()
        self.learn()
        assert self._map is not None  # noqa: S101 - it has learnt
        small = spatial.float().cpu()
        ones = torch.ones_like(small[:, :1])
        return torch.einsum("nchw,cr->nrhw", torch.cat([small, ones], 1), self._map).clamp(0, 1)

    def learn(self) -> None:
        """Get ready to look, which takes a moment the first time."""
        if self._map is None:
            self._map = self._learnt()

    def _learnt(self) -> torch.Tensor:
        """The linear map from latents to colours that is right, by least squares, for a chart of colours."""
        generator = torch.Generator().manual_seed(0)
        coarse = torch.rand(1, 3, 16, 16, generator=generator)
        smooth = F.interpolate(torch.rand(1, 3, 5, 5, generator=generator), size=(16, 16), mode="bicubic")
        chart = F.interpolate(torch.where(torch.arange(16) < 8, coarse, smooth), size=(_CHART, _CHART))
        with torch.inference_mode():
            latents = self.encode(chart.clamp(0, 1) * 2 - 1).float().cpu()
        colours = F.interpolate(chart.clamp(0, 1), size=latents.shape[-2:], mode="area")
        rows = torch.cat([latents, torch.ones_like(latents[:, :1])], 1)[0].flatten(1).T
        # a little damping, for a VAE whose channels say the same
        square = rows.T @ rows + 1e-4 * len(rows) * torch.eye(rows.shape[1])
        return torch.linalg.solve(square, rows.T @ colours[0].flatten(1).T)

    def _encode_once(self, picture: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        """In the place of ``vae.encode``: pipelines encode the same picture for each candidate."""
        raw = picture.detach().cpu().contiguous()
        name = hashlib.blake2b(raw.view(torch.uint8).numpy().tobytes(), digest_size=16)
        key = name.digest() + str((tuple(raw.shape), raw.dtype, self._vae.dtype, kwargs)).encode()
        if key not in self._encoded:
            self._encoded[key] = self._encode(picture, *args, **kwargs)
            if len(self._encoded) > _REMEMBERED:
                self._encoded.popitem(last=False)
        self._encoded.move_to_end(key)
        return self._encoded[key]

    def forget(self) -> None:
        """Encode anew what was encoded before: the VAE works otherwise now."""
        self._encoded.clear()

    def _scaled(self, latents: torch.Tensor) -> torch.Tensor:
        scale, shift = self._scale_and_shift(latents)
        return (latents - shift) * scale

    def _unscaled(self, latents: torch.Tensor) -> torch.Tensor:
        scale, shift = self._scale_and_shift(latents)
        return latents / scale + shift

    def _scale_and_shift(self, like: torch.Tensor) -> tuple[Any, Any]:
        config = self._vae.config
        mean, std = getattr(config, "latents_mean", None), getattr(config, "latents_std", None)
        scale = getattr(config, "scaling_factor", None) or 1.0
        if mean is not None and std is not None:
            shape = (1, -1, 1, 1)
            deviation = torch.tensor(std).view(shape).to(like)
            scale = scale / deviation if getattr(config, "scaling_factor", None) else 1 / deviation
            return scale, torch.tensor(mean).view(shape).to(like)
        return scale, getattr(config, "shift_factor", None) or 0.0
