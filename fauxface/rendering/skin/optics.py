"""Colour of skin from its contents: melanin in the epidermis, blood in the dermis, scattering collagen.

Light crosses the epidermis twice, is absorbed by its melanin, and comes back from the dermis, whose blood absorbs it
(diffuse reflectance of a half-infinite medium: Jensen et al. 2001, "A practical model for subsurface light transport").
Melanin absorbs 6.6e11 λ^−3.33 /cm (Jacques 1998, "Skin optics"); it lies in grains and patches rather than evenly, so
its transmission is the mean over a gamma distribution (the sieve effect), which keeps dark skin from turning
orange. Haemoglobin after Prahl (1999), light D65, observer CIE 1931 (fits of Wyman et al. 2013).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.ndimage import map_coordinates


def _numbers(text: str) -> np.ndarray:
    return np.array(text.split(), float)


_WAVELENGTHS = np.arange(400.0, 701.0, 10.0)
_OXYGENATED = _numbers(
    """
    266232 466840 480360 246072 102580 62816 44480 33209 26629 23684 20932 20035 24202 39956 53236 43016 32613
    44496 50104 14400 3200 1506 942 610 442 368 319 294 277 276 290
    """
)
_DEOXYGENATED = _numbers(
    """
    223296 303956 407560 528600 413280 103292 23388 16156 14550 16684 20862 25773 31589 39036 46592 53412 53788
    45072 37020 28324 14677 9444 6509 5148 4345 3750 3226 2795 2407 2051 1794
    """
)
"""Molar extinction of haemoglobin, 1/(cm·M), at 400, 410, … 700 nm (Prahl 1999)."""
_DAYLIGHT = _numbers(
    """
    82.75 91.49 93.43 86.68 104.86 117.01 117.81 114.86 115.92 108.81 109.35 107.80 104.79 107.69 104.41 104.05
    100.00 96.33 95.79 88.69 90.01 89.60 87.70 83.29 83.70 80.03 80.21 82.28 78.28 69.72 71.61
    """
)
"""Relative power of the CIE's standard daylight D65 at these wavelengths."""
_TO_SRGB = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])
_D65 = np.array([0.9505, 1.0, 1.089])
"""XYZ to linear sRGB, and sRGB's white point (IEC 61966-2-1)."""
_EPIDERMIS = 0.016
"""Effective depth of the melanin, cm: with it and the patches the darkest tone needs no more than ``MELANIN``."""
_PATCHINESS = 0.75
"""Shape of the gamma distribution of melanin; by eye: dark skin must not turn orange."""
_SURFACE = 0.012
"""Share that the horny layer scatters back above all pigment, by eye."""
MELANIN = (0.002, 1.0)
BLOOD = (0.001, 0.3)
"""Volume shares that the table spans."""
_STEPS = 48

LIGHTNESS = np.array([66.5, 65.0, 63.0, 60.0, 56.0, 50.0, 43.0, 36.0, 30.5, 26.0])
"""L* of skin on steps 1–10 of the Monk scale: its swatches' order within the span that spectrometers find on people
(the swatches themselves run from 94 to 15, lighter and darker than any skin)."""
USUAL_BLOOD = 0.013
"""Volume share of blood in plain skin, by eye."""


def reflectance(melanin: np.ndarray, blood: np.ndarray, oxygen: float = 0.75) -> np.ndarray:
    """Diffuse albedo (…, 3), linear sRGB.

    Args:
        melanin: (…) volume share of melanin in the epidermis; people's run from about 0.005 to 0.7.
        blood: (…) volume share of blood in the dermis; 0.002 pale … 0.07 flushed, lips to 0.1.
        oxygen: share of the haemoglobin that carries oxygen.
    """
    nm = _WAVELENGTHS
    # absorption (/cm) of bloodless skin and of blood with 150 g/l of haemoglobin; scattering by collagen: Jacques 1998
    baseline = 0.244 + 85.3 * np.exp(-(nm - 154) / 66.2)
    haem = 2.303 * 150 / 64500 * (oxygen * _OXYGENATED + (1 - oxygen) * _DEOXYGENATED)
    share = np.asarray(blood)[..., None]
    carotene = 1.5 * np.exp(-0.5 * ((nm - 460) / 28) ** 2)  # skin's yellow, /cm; it peaks in the blue; by eye
    absorbed = share * haem + (1 - share) * baseline + carotene
    scattered = 2e5 * nm**-1.5 + 2e12 * nm**-4.0
    albedo = scattered / (scattered + absorbed)
    root = np.sqrt(3 * (1 - albedo))
    index = 1.4
    # light that the surface turns back inwards: Jensen et al. 2001
    inner = -1.440 / index**2 + 0.710 / index + 0.668 + 0.0636 * index
    boundary = (1 + inner) / (1 - inner)
    back = albedo / 2 * (1 + np.exp(-4 / 3 * boundary * root)) * np.exp(-root)
    crossed = 2 * _EPIDERMIS * np.asarray(melanin)[..., None] * 6.6e11 * nm**-3.33
    through = (1 + crossed / _PATCHINESS) ** -_PATCHINESS
    return np.maximum((through * back + _SURFACE) @ _observer().T @ _TO_SRGB.T, 1e-3)


def skin_albedo(melanin: np.ndarray, blood: np.ndarray) -> np.ndarray:
    """`reflectance` (…, 3) from a table: fast enough for every vertex of a frame."""
    place = [
        np.log(np.clip(share, low, high) / low) / np.log(high / low) * (_STEPS - 1)
        for share, (low, high) in ((melanin, MELANIN), (blood, BLOOD))
    ]
    return np.exp(np.stack([map_coordinates(channel, place, order=1) for channel in _table()], axis=-1))


def melanin_of(tone: float) -> float:
    """Melanin's share that gives usually flushed skin the lightness of a tone on the Monk scale (1–10)."""
    shares = np.geomspace(*MELANIN, 200)
    lightness = lab(reflectance(shares, np.full(200, USUAL_BLOOD)))[:, 0]
    wanted = np.interp(tone, np.arange(1, 11), LIGHTNESS)
    return float(np.exp(np.interp(-wanted, -lightness, np.log(shares))))


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE L*a*b* (…, 3) of linear sRGB under D65."""
    white = np.linalg.inv(_TO_SRGB).sum(1)
    share = np.maximum(rgb @ np.linalg.inv(_TO_SRGB).T / white, 1e-6)
    f = np.where(share > 216 / 24389, np.cbrt(share), (24389 / 27 * share + 16) / 116)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)


@cache
def _table() -> np.ndarray:
    """(3, steps of melanin, steps of blood): logarithms of the albedo, geometric steps."""
    melanin, blood = np.meshgrid(np.geomspace(*MELANIN, _STEPS), np.geomspace(*BLOOD, _STEPS), indexing="ij")
    return np.log(np.moveaxis(reflectance(melanin, blood), -1, 0))


@cache
def _observer() -> np.ndarray:
    """(3, wavelengths): weights that make X, Y, Z under daylight of a reflectance; a white one gives D65."""
    nm = _WAVELENGTHS

    def lobe(scale: float, centre: float, below: float, above: float) -> np.ndarray:
        t = (nm - centre) * np.where(nm < centre, below, above)
        return scale * np.exp(-0.5 * t * t)

    x = lobe(0.362, 442.0, 0.0624, 0.0374) + lobe(1.056, 599.8, 0.0264, 0.0323) + lobe(-0.065, 501.1, 0.0490, 0.0382)
    y = lobe(0.821, 568.8, 0.0213, 0.0247) + lobe(0.286, 530.9, 0.0613, 0.0322)
    z = lobe(1.217, 437.0, 0.0845, 0.0278) + lobe(0.681, 459.0, 0.0385, 0.0725)
    weights = np.stack([x, y, z]) * _DAYLIGHT
    return weights / weights.sum(1, keepdims=True) * _D65[:, None]
