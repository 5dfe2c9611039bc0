"""From linear light to a picture as cameras give it: exposure, white balance, blur, noise, compression."""

from __future__ import annotations

import cv2
import numpy as np

from fauxface.rendering.rasteriser import Raster
from fauxface.rendering.recipe import Recipe


def develop(raster: Raster, background: np.ndarray, rng: np.random.Generator, recipe: Recipe) -> np.ndarray:
    """The picture (S, S, 3) uint8 RGB of a raster before a background (S, S, 3), both linear."""
    cover = raster.colour[..., 3:]
    light = raster.colour[..., :3] + background * (1 - cover)
    assert np.isfinite(light).all(), "a shader gave no number"
    seen = raster.labels > 0
    bright = float(np.median(light[seen].mean(-1))) if seen.any() else 0.3
    # expose for the face, as cameras do, give or take two thirds of a stop
    target = 0.22 * (bright / 0.22) ** 0.45
    light = light * (target / max(bright, 1e-3)) * 2 ** rng.normal(0, 0.65)
    light = light * np.exp(rng.normal(0, 0.06, 3))
    light = light * (1 + 0.15 * light) / (1 + light * 0.35)  # a soft shoulder in the highlights
    image = np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 1e-6) ** (1 / 2.4) - 0.055)
    image = np.clip((image - 0.5) * np.exp(rng.normal(0, 0.12)) + 0.5, 0, 1).astype(np.float32)
    poor = rng.random() < recipe.low_quality
    blur = rng.uniform(0.6, 2.2) if poor and rng.random() < 0.6 else rng.uniform(0, 0.5)
    if blur > 0.25:
        image = cv2.GaussianBlur(image, (0, 0), blur * raster.labels.shape[0] / 256)
    noise = rng.uniform(0.01, 0.06) if poor else rng.uniform(0, 0.012)
    image = image + noise * rng.standard_normal(image.shape, dtype=np.float32)
    if rng.random() < recipe.monochrome:
        image = np.repeat(image.mean(-1, keepdims=True), 3, axis=-1)
    pixels = np.clip(image * 255 + 0.5, 0, 255).astype(np.uint8)
    if poor and rng.random() < 0.6:
        quality = int(rng.integers(18, 70))
        _, coded = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        decoded = cv2.imdecode(coded, cv2.IMREAD_COLOR)
        assert decoded is not None
        pixels = np.ascontiguousarray(decoded[..., ::-1])
    return pixels
