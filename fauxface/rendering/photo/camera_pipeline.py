"""The camera's processing of linear light into a picture: lens, exposure, white balance, noise, tone curve, file.

Its order is a camera's; the distributions are by eye, on renders beside photographs, but for those with a source.
"""

from __future__ import annotations

import cv2
import numpy as np

from fauxface.rendering.opengl.rasteriser import Raster
from fauxface.rendering.photo.camera import Lens
from fauxface.rendering.photo.environments.lamps import GREY
from fauxface.rendering.photo.environments.setting import defocused
from fauxface.rendering.photo.light import Light
from fauxface.rendering.recipe import Recipe

_GREY = GREY.astype(np.float32)


def develop(
    raster: Raster, background: np.ndarray, light: Light, lens: Lens, rng: np.random.Generator, recipe: Recipe
) -> np.ndarray:
    """Develop a raster before a background (S, S, 3), both linear, into a picture (S, S, 3) uint8 RGB."""
    poor = rng.random() < recipe.low_quality
    image = _compose(raster, background, light, lens)
    assert np.isfinite(image).all(), "a shader gave no number"
    image = _through_lens(image, rng, poor)
    image = image * _exposure(image, rng) * _white_balance(light.tint, rng)
    image = _noisy(image, rng, poor)
    image = _tones(image, rng)
    if rng.random() < recipe.monochrome:
        image = _monochrome(image, rng)
    return _filed(image, rng, poor)


def _compose(raster: Raster, background: np.ndarray, light: Light, lens: Lens) -> np.ndarray:
    behind = background * np.float32(light.background)
    front = raster.colour
    if light.wall_shadow is not None and light.wall_shadow.strength > 0.05:
        cast = light.wall_shadow
        size = front.shape[0]
        move = np.array([[1, 0, cast.shift[0]], [0, 1, cast.shift[1]]])
        cover = cv2.warpAffine(np.ascontiguousarray(front[..., 3]), move, (size, size), borderMode=cv2.BORDER_REPLICATE)
        if cast.softness > 0.3:
            cover = cv2.GaussianBlur(cover, (0, 0), cast.softness)
        behind = behind * (1 - np.float32(cast.strength) * cover[..., None])
    image = front[..., :3] + behind * (1 - front[..., 3:])
    return _shallow(image, raster.depth, lens)


def _shallow(image: np.ndarray, depth: np.ndarray, lens: Lens) -> np.ndarray:
    """Blur things off the plane in focus (ears, shoulders), where the aperture is wide enough to show it."""
    if lens.aperture == 0:
        return image
    far = np.where(np.isfinite(depth), np.abs(1 / lens.focus - 1 / depth), 0)
    radius = (lens.aperture * lens.focal / 2 * far).astype(np.float32)
    most = float(np.quantile(radius, 0.97))
    if most < 0.8:
        return image
    blurred = defocused(image, min(most, 6.0))
    share = cv2.blur(np.clip((radius - 0.4) / max(most - 0.4, 0.4), 0, 1), (3, 3))[..., None]
    return image + (blurred - image) * share


def _through_lens(image: np.ndarray, rng: np.random.Generator, poor: bool) -> np.ndarray:
    """Add missed focus or a shaken hand, a low resolution, light fall-off and glare."""
    size = image.shape[0]
    fault = rng.choice(["none", "defocus", "shake", "coarse"], p=[0.25, 0.25, 0.2, 0.3]) if poor else "none"
    strength, angle = rng.random(), rng.uniform(0, np.pi)
    if fault == "defocus":
        image = defocused(image, (0.8 + 2.2 * strength) * size / 256)
    elif fault == "shake":
        reach = (2 + 8 * strength) * size / 256
        steps = max(3, int(reach) | 1)
        path = np.linspace(-reach / 2, reach / 2, steps)
        kernel = np.zeros((2 * steps + 1, 2 * steps + 1), np.float32)
        for along in np.interp(np.linspace(0, 1, 4 * steps), np.linspace(0, 1, steps), path):
            kernel[round(steps + along * np.sin(angle)), round(steps + along * np.cos(angle))] += 1
        image = cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT)
    elif fault == "coarse":
        small = max(24, int(size * rng.uniform(0.25, 0.6)))
        image = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
        image = np.maximum(cv2.resize(image, (size, size), interpolation=cv2.INTER_CUBIC), 0)
    else:
        image = cv2.GaussianBlur(image, (0, 0), float(0.35 + 0.35 * strength) * max(1.0, size / 256))
    if rng.random() < 0.5:  # the cosine's fourth power, of a crop anywhere in the whole picture
        x, y = np.meshgrid(np.linspace(-1, 1, size), np.linspace(-1, 1, size))
        centre, wide = rng.normal(0, 0.5, 2), rng.uniform(0.05, 0.45)
        square = ((x - centre[0]) ** 2 + (y - centre[1]) ** 2) * wide
        image = image * (1 / (1 + square) ** 2)[..., None].astype(np.float32)
    if rng.random() < 0.25:
        image = image + np.float32(rng.uniform(0, 0.08)) * np.minimum(image, 3).mean((0, 1))
    return image


def _exposure(image: np.ndarray, rng: np.random.Generator) -> np.float32:
    """Sample a camera's gain, which follows the face, whose white is 1, and partly the whole picture.

    By eye: the more the whole picture counts, the fewer fair faces clip. In 300 renders faces were 5 levels of L*
    darker than their backgrounds (17 up to generator 9; medians); those of AFW, LFPW and HELEN are lighter than theirs.
    """
    grey = cv2.resize(image, (16, 16), interpolation=cv2.INTER_AREA) @ _GREY
    seen = float(np.clip(np.minimum(grey, 3).mean(), 0.03, 3))
    towards = (0.22 / seen) ** rng.uniform(0.1, 0.6)
    return np.float32(1.65 * np.clip(towards, 0.5, 2.2) * 2 ** rng.normal(0, 0.33))


def _white_balance(tint: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Sample gains (3,) that make the light more or less white; sometimes they miss.

    By eye: 15 % of a light's tint is left in the mean, and 40–90 % in 7 % of the pictures.
    """
    done = np.clip(rng.normal(0.9, 0.12), 0, 1) if rng.random() < 0.93 else rng.uniform(0.1, 0.6)
    gains = np.maximum(tint, 0.03) ** -done * np.exp(
        rng.normal(0, 0.03, 3) + rng.normal(0, 0.05) * np.array([1, 0, -1])
    )
    return (gains / (gains @ (GREY * tint))).astype(np.float32)


def _noisy(image: np.ndarray, rng: np.random.Generator, poor: bool) -> np.ndarray:
    """Add shot and read-out noise: the variance rises with the light."""
    shot = np.exp(rng.uniform(np.log(2e-5), np.log(4e-4))) * (rng.uniform(2, 9) if poor else 1)
    read = shot * rng.uniform(0.005, 0.05)
    grain = rng.standard_normal(image.shape, dtype=np.float32)
    if poor and rng.random() < 0.5:  # a picture made smaller or smoothed has coarser grain
        grain = cv2.GaussianBlur(grain, (0, 0), 0.8) * 2.2
    return image + grain * np.sqrt(np.maximum(image, 0) * np.float32(shot) + np.float32(read))


def _tones(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Apply a camera's curve (highlights roll off and clip), then sRGB's, contrast and saturation."""
    knee = np.float32(rng.uniform(0.5, 1.0))
    over = np.maximum(image - knee, 0)
    image = np.minimum(image, knee) + over / (1 + over / (1.15 - 0.6 * knee))
    image = np.where(image <= 0.0031308, 12.92 * image, 1.055 * np.maximum(image, 1e-6) ** (1 / 2.4) - 0.055)
    contrast = np.float32(np.clip(rng.normal(0.22, 0.15), -0.1, 0.6))
    image = np.clip(image, 0, 1)
    image = image + contrast * (image * image * (3 - 2 * image) - image)
    black = np.float32(rng.uniform(-0.03, 0.05))
    image = (image - black) / (1 - black) if rng.random() < 0.5 else image
    grey = image @ _GREY
    return grey[..., None] + (image - grey[..., None]) * np.float32(np.clip(rng.normal(1.06, 0.13), 0.5, 1.5))


def _monochrome(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    weights = rng.dirichlet([9.0, 12.0, 2.5]).astype(np.float32)
    grey = (image @ weights)[..., None]
    tone = np.array([1.06, 1.0, 0.85]) if rng.random() < 0.3 else np.ones(3)
    return np.clip(grey, 0, 1) ** (1 / tone).astype(np.float32)


def _filed(image: np.ndarray, rng: np.random.Generator, poor: bool) -> np.ndarray:
    """Sharpen, round to 8 bits and perhaps compress as JPEG."""
    image = image.astype(np.float32)
    if rng.random() < 0.4:
        image = image + np.float32(rng.uniform(0.1, 0.9)) * (
            image - cv2.GaussianBlur(image, (0, 0), rng.uniform(0.7, 1.6))
        )
    pixels = np.clip(image * 255 + 0.5, 0, 255).astype(np.uint8)
    if rng.random() < (0.75 if poor else 0.35):
        quality = int(rng.integers(18, 70) if poor else rng.integers(65, 96))
        _, coded = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        decoded = cv2.imdecode(coded, cv2.IMREAD_COLOR_RGB)
        assert decoded is not None
        pixels = decoded
    return pixels
