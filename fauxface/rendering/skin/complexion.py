"""A person's skin: melanin, blood, make-up and folds at each vertex of the mesh.

Variation wider than the mesh's edges (3–4 mm) is computed here at the vertices; finer variation comes from
`skin.textures` in the shader. Differences between the face's regions follow the maps of Jimenez et al. (2010), "A
practical appearance model for dynamic facial color": blood about nose, cheeks, ears and lips, little on the forehead;
melanin on brow, eyelids and about the mouth. Their amounts, and the places of the regions (millimetres on the
template), are by eye: up to generator 10 hollows and blotches were so dark that people looked ill.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from fauxface.landmarks import EYES
from fauxface.rendering.head.identity import Identity
from fauxface.rendering.head.makehuman import EAR_MASK, LID_MASK, LIP_MASK, SKIN_PART
from fauxface.rendering.head.model import HeadModel
from fauxface.rendering.opengl.rasteriser import Texture
from fauxface.rendering.skin.ambient_occlusion import openness
from fauxface.rendering.skin.optics import USUAL_BLOOD, melanin_of, skin_albedo
from fauxface.rendering.skin.textures import pores_map, spots_map
from fauxface.rendering.skin.wrinkles import pressed, wrinkle_map

TONES = ((9.0, 1.4), (4.9, 1.9), (2.6, 1.6))
"""Mean and standard deviation of the tone on the Monk scale among people of each of ``ANCESTRIES``; chosen so that each
of the ten steps is at least 4 % of all people."""


@dataclass(frozen=True)
class MakeUp:
    """Colours (3,) linear sRGB, each with its opacity in 0–1; 0 means none.

    Attributes:
        lipstick, blush, shadow: on the lips, the cheeks, the upper eyelids.
        liner: opacity of a dark line along the lids.
    """

    lipstick: tuple[np.ndarray, float]
    blush: tuple[np.ndarray, float]
    shadow: tuple[np.ndarray, float]
    liner: float


@dataclass(frozen=True)
class Complexion:
    """A person's skin.

    Attributes:
        tone: on the Monk scale, 1–10, continuous.
        melanin, blood: volume shares where the skin is plain (see `optics.reflectance`).
        ruddy: extra blood about cheeks, nose and ears, about 0–1.
        uneven: strength of patches of melanin and blood, about 0–1.
        under_eyes: darkness under the eyes, about 0–1.
        shadow: beard shadow of a shaven man, 0–1.
        age: years.
        lines: liability to wrinkles, about 1.
        oil: shine of forehead and nose, 0–1.
        waves: (6, 4) directions (rad/m) and phases of the patches.
        makeup: colours put on.
    """

    tone: float
    melanin: float
    blood: float
    ruddy: float
    uneven: float
    under_eyes: float
    shadow: float
    age: float
    lines: float
    oil: float
    waves: np.ndarray
    makeup: MakeUp

    @property
    def albedo(self) -> np.ndarray:
        """(3,) of plain skin, linear sRGB."""
        return skin_albedo(np.array([self.melanin]), np.array([self.blood]))[0]

    @property
    def lips(self) -> np.ndarray:
        """(3,) albedo of the lips without lipstick: thin, with less melanin over much blood; browner on dark skin."""
        return skin_albedo(np.array([self.melanin * (0.5 + 0.04 * self.tone)]), np.array([0.05 + 1.6 * self.blood]))[0]


def sample_complexion(rng: np.random.Generator, identity: Identity) -> Complexion:
    """Sample skin that goes with ancestry, age and gender; all tones from Monk 1 to 10 are common.

    The other distributions are by eye, on renders beside photographs (`benchmarks/side_by_side.py`).
    """
    mean, spread = np.array(identity.ancestry) @ np.array(TONES)
    tone = rng.normal(mean, spread)
    tone = float(np.clip(tone if 1 <= tone <= 10 else rng.uniform(1, 10), 1, 10))
    blood = USUAL_BLOOD * float(np.exp(rng.normal(0, 0.35)))
    female, adult = identity.gender < 0.5, identity.age > 15
    old = float(np.clip((identity.age - 30) / 50, 0, 1))
    return Complexion(
        tone=tone,
        melanin=melanin_of(tone),
        blood=blood,
        ruddy=float(np.clip(rng.gamma(2.2, 0.18) + 0.15 * old, 0, 1.3)),
        uneven=float(np.clip(rng.normal(0.18 + 0.35 * old, 0.13), 0.03, 1)),
        under_eyes=float(np.clip(rng.normal(0.2 + 0.3 * old, 0.2) * (1.0 if adult else 0.4), 0, 1)),
        shadow=float(rng.uniform(0, 1) ** 2) if not female and identity.age > 17 else 0.0,
        age=identity.age,
        lines=float(np.clip(rng.normal(1, 0.25), 0.4, 1.6)),
        oil=float(np.clip(rng.beta(1.6, 2.2) * (0.5 if identity.age < 10 else 1), 0, 1)),
        waves=np.concatenate(
            [rng.normal(0, 1, (6, 3)) * np.geomspace(45, 190, 6)[:, None], rng.uniform(0, 6.3, (6, 1))], 1
        ),
        makeup=_sample_makeup(rng, tone) if female and adult and rng.random() < 0.6 else BARE,
    )


BARE = MakeUp((np.zeros(3), 0.0), (np.zeros(3), 0.0), (np.zeros(3), 0.0), 0.0)
"""No make-up."""


def _sample_makeup(rng: np.random.Generator, tone: float) -> MakeUp:
    """Sample make-up for a skin tone, by eye: strong on three in ten, darker on dark skin."""
    strong = rng.random() < 0.3
    red = np.array([rng.uniform(0.3, 0.65), rng.uniform(0.02, 0.16), rng.uniform(0.03, 0.2)])
    if rng.random() < 0.5:  # near the lips' own colour
        red = np.array([0.45, 0.18, 0.17]) * np.exp(rng.normal(0, 0.15, 3))
    lipstick = red * (1 - 0.05 * tone), rng.uniform(0.5, 0.95) if strong else rng.uniform(0, 0.6)
    blush = np.array([0.6, 0.2, 0.2]) * np.exp(rng.normal(0, 0.15, 3)) * (1 - 0.04 * tone), rng.uniform(0, 0.22)
    shades = ((0.06, 0.05, 0.05), (0.2, 0.11, 0.07), (0.12, 0.08, 0.14), (0.08, 0.12, 0.2), (0.45, 0.3, 0.2))
    shadow = np.array(shades[rng.integers(len(shades))]) * np.exp(rng.normal(0, 0.3, 3))
    opacity = rng.uniform(0.3, 0.75) if strong else rng.uniform(0, 0.35)
    return MakeUp(lipstick, blush, (shadow, opacity), rng.uniform(0.3, 1) if strong else rng.uniform(0, 0.7))


def skin_uniforms(complexion: Complexion) -> dict[str, Any]:
    """Uniforms of `face.frag` for the whole skin: textures, lips, the effect of a little more melanin or blood."""
    around = skin_albedo(complexion.melanin * np.array([1, 1.1, 1]), complexion.blood * np.array([1, 1, 1.1]))
    steps = np.log(around[1:] / around[0]) / np.log(1.1)
    lipstick, opacity = complexion.makeup.lipstick
    textures: dict[str, Texture] = {"wrinkles": wrinkle_map(), "spots": spots_map(), "pores": pores_map()}
    return {
        **textures,
        "skin": complexion.albedo,
        "melanin": steps[0],
        "blood": steps[1],
        "lips": complexion.lips * (1 - opacity) + lipstick * opacity,
        "uneven": complexion.uneven,
    }


def skin_attributes(
    complexion: Complexion, model: HeadModel, units: dict[str, float], vertices: np.ndarray
) -> dict[str, np.ndarray]:
    """Vertex attributes of some vertices (V,) of the subdivided mesh.

    Returns:
        ``tint`` (V, 3), the albedo, linear sRGB; ``relief`` (V, 4): depth of the wrinkles, share of the sky
        that is seen, shine, and how sharply the surface curves (0 flat … 1 radius of 8 mm and less).
    """
    fields = _fields(model)
    f = {name: values[vertices] for name, values in fields.items()}
    rest = model.rest[vertices]
    waves = np.sin(rest @ complexion.waves[:, :3].T.astype(np.float32) + complexion.waves[:, 3].astype(np.float32))
    patches = 0.25 * complexion.uneven
    old = np.clip((complexion.age - 30) / 50, 0, 1)
    dark = complexion.tone / 10
    melanin = np.log(complexion.melanin) + (
        0.12 * f["brow"] + (0.04 + 0.4 * complexion.under_eyes) * f["socket"] + 0.25 * dark * f["muzzle"]
        + 0.15 * f["ears"] - 0.1 * f["neck"] + patches * (0.5 * waves[:, 0] + 0.35 * waves[:, 2] + 0.25 * waves[:, 4])
    )  # fmt: skip
    blood = np.log(complexion.blood) + (
        complexion.ruddy * (0.65 * f["cheek"] + 1.0 * f["nose"] + 1.1 * f["ears"] + 0.35 * f["chin"])
        + 0.25 * f["cheek"] + 0.3 * f["nose"] + 0.3 * f["ears"] + 0.15 * f["chin"]
        + (0.1 + 0.3 * complexion.under_eyes) * f["socket"] - 0.2 * f["brow"] + 0.2 * f["lid_edge"]
        + patches * (0.7 * waves[:, 1] + 0.5 * waves[:, 3] + 0.4 * waves[:, 5])
    )  # fmt: skip
    tint = skin_albedo(np.exp(melanin), np.exp(blood))
    # whiskers under the surface: a grey that is a little blue, because red light goes deepest
    shaded = (0.45 * complexion.shadow * f["beard"])[:, None] * np.array([0.75, 0.62, 0.5])
    tint = tint * (1 - shaded)
    for (colour, opacity), place in ((complexion.makeup.blush, f["apple"]), (complexion.makeup.shadow, f["upper_lid"])):
        tint += (opacity * place)[:, None] * (colour - tint)
    # lash roots, and the liner over them
    tint *= (
        1
        - ((0.2 + 0.55 * complexion.makeup.liner) * f["upper_rim"] + 0.3 * complexion.makeup.liner * f["lower_rim"])[
            :, None
        ]
    )
    tint *= 1 - (0.06 * old * f["socket"])[:, None]
    relief = np.stack(
        [
            pressed(rest, units, complexion.age, complexion.lines),
            f["openness"],
            (0.5 + 0.9 * complexion.oil * f["oily"]).clip(0, 1.4),
            f["curved"],
        ],
        axis=1,
    )
    return {"tint": tint.astype(np.float32), "relief": relief.astype(np.float32)}


@cache
def _fields(model: HeadModel) -> dict[str, np.ndarray]:
    """Soft masks of the regions (M,) float32 in 0–1, on the template."""
    x, y, z = (model.rest * 1000.0).T
    side = np.abs(x)
    ears, lids = model.masks[:, EAR_MASK], model.masks[:, LID_MASK]

    def blob(px: float, py: float, rx: float, ry: float) -> np.ndarray:
        return np.exp(-(((side - px) / rx) ** 2) - (((y - py) / ry) ** 2)) * (z > -30)

    def ramp(value: np.ndarray, low: float, high: float) -> np.ndarray:
        t = np.clip((value - low) / (high - low), 0, 1)
        return t * t * (3 - 2 * t)

    mouth = ramp(-y, 45, 56) * ramp(y, -112, -92)
    beard = np.maximum(
        blob(0, -52, 21, 7) + blob(0, -97, 26, 17),
        ramp(-y, 62, 85) * ramp(side, 8, 24) * ramp(z, -60, -42) * ramp(y, -130, -112),
    )
    beard = np.maximum(beard, ramp(side, 44, 54) * ramp(-y, 20, 50) * ramp(y, -112, -92) * ramp(z, -55, -40))
    socket = blob(29, -13, 15, 6.5) + 0.5 * blob(19, -5, 6, 9) + 0.45 * blob(30, 7, 15, 6)
    fields = {
        "brow": ramp(y, 20, 36) * ramp(z, -30, 0),
        "socket": np.clip(socket, 0, 1),
        "muzzle": blob(0, -68, 26, 17) * mouth,
        "cheek": blob(40, -40, 17, 15),
        "apple": blob(44, -31, 18, 13),
        "nose": np.clip(blob(0, -36, 10, 9) + blob(12, -40, 6, 6) + 0.35 * blob(0, -18, 9, 14), 0, 1),
        "chin": blob(0, -98, 14, 10),
        "ears": ears * (1 - ramp(z, -20, 0)),
        "neck": ramp(-y, 110, 130),
        "beard": np.clip(beard, 0, 1) * (1 - model.masks[:, LIP_MASK]) * ramp(model.kind[:, 1], 0.2, 0.6),
        "lid_edge": blob(30, -7, 13, 2.5),
        "upper_lid": np.clip(blob(30, 5.5, 13, 5.5) + 0.6 * blob(40, 5, 6, 6), 0, 1) * np.maximum(lids, 0.5),
        "upper_rim": _rim(model, (0, 1, 2, 3), 1.3),
        "lower_rim": 0.7 * _rim(model, (0, 5, 4, 3), 0.9),
        "oily": blob(0, 45, 34, 22) + blob(0, -28, 9, 20) + 0.6 * blob(40, -28, 12, 9) + 0.5 * blob(0, -98, 12, 9),
        "openness": openness(model),
        "curved": blob(0, -38, 17, 9) + 0.5 * blob(0, -15, 9, 18) + 0.25 * blob(0, -100, 18, 12)
        + ears + 0.8 * model.masks[:, LIP_MASK] + 0.5 * lids,
    }  # fmt: skip
    return {name: np.clip(values, 0, 1).astype(np.float32) for name, values in fields.items()}


def _rim(model: HeadModel, order: tuple[int, ...], width: float) -> np.ndarray:
    """(M,): 1 on the edge of both eyes' upper or lower lid, falling off over ``width`` mm."""
    corners = np.asarray(model.landmarks @ model.rest)[EYES].reshape(2, 6, 3)[:, list(order)] * 1000
    near = np.full(len(model.rest), np.inf)
    for line in corners:
        x = np.linspace(line[0, 0], line[-1, 0], 40)
        curve = [
            np.polynomial.polynomial.polyval(x, np.polynomial.polynomial.polyfit(line[:, 0], c, 3)) for c in line.T[1:]
        ]
        points = np.stack([x, *curve], axis=1)
        near = np.minimum(near, np.linalg.norm(model.rest[:, None] * 1000 - points, axis=2).min(1))
    return np.exp(-((near / width) ** 2)) * (model.part == SKIN_PART)
