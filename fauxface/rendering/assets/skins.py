"""The pack's skins as factors of the face's own colour.

The pictures have no brows and closed eyes. Their tone, which the melanin of `skin.optics` gives, and the shaven hair of
the scalp, which hair covers and a bald head lacks, are divided out; the marks of age, sun and blood stay. Numbers here
are by eye, on renders with and without these skins.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from fauxface.rendering.assets.catalogue import SKINS, Skin
from fauxface.rendering.assets.install import Pack
from fauxface.rendering.assets.textures import covered, read_picture
from fauxface.rendering.head.identity import Identity
from fauxface.rendering.head.makehuman import SKIN_PART
from fauxface.rendering.head.model import HeadModel
from fauxface.rendering.opengl.rasteriser import Texture

BRIGHTEST = 2.0
"""Factor of the texture's full white."""
_AGES = {"young": (0, 38), "middleage": (32, 62), "old": (54, 200)}
"""Ages, years, at which a person may have each skin."""
_WIDE = 12.0
"""Width of the widest detail, texels (about millimetres): wider differences are tone."""
_TONE_KEPT = 0.25
"""Exponent of the face's wide differences, which contain painted light; the scalp's are removed."""
_DETAIL_KEPT = 0.7
"""Exponent of finer differences: painted pores and blotches are stronger than photographed ones."""


def choose_skin(rng: np.random.Generator, identity: Identity, pack: Pack, model: HeadModel) -> tuple[str, Texture]:
    """Sample a skin that goes with a person's age, gender and ancestry: its name, and the texture for the face's `uv`.

    The texture is sRGB-coded linear colour / ``BRIGHTEST``, 1 being the face's own tone.
    """
    gender = "female" if identity.gender < 0.5 else "male"
    ancestry = str(rng.choice(["african", "asian", "caucasian"], p=np.array(identity.ancestry)))
    fitting = [
        skin
        for skin in SKINS
        if (skin.gender, skin.ancestry) == (gender, ancestry)
        and _AGES[skin.age][0] <= identity.age <= _AGES[skin.age][1]
    ]
    skin: Skin = fitting[int(rng.integers(len(fitting)))]
    return skin.name, _texture(pack.folder / skin.texture, model)


@lru_cache(maxsize=len(SKINS))
def _texture(path: Path, model: HeadModel) -> Texture:
    picture = read_picture(path)
    linear = (picture[..., :3] / 255.0).astype(np.float32) ** 2.2
    head, face = _masks(model, linear.shape[:2])
    share = np.maximum(cv2.GaussianBlur(head, (0, 0), _WIDE), 1e-3)[..., None]
    wide = cv2.GaussianBlur(linear * head, (0, 0), _WIDE) / share
    wide = np.maximum(wide, 1e-3)
    mean = (wide * face).sum((0, 1)) / face.sum()
    ratio = np.clip(linear / wide, 0.4, 1.8) ** _DETAIL_KEPT * (wide / mean) ** (_TONE_KEPT * face)
    ratio = np.where(head > 0, ratio, 1)
    coded = np.round(255 * np.clip(ratio / BRIGHTEST, 0, 1) ** (1 / 2.2)).astype(np.uint8)
    return Texture(f"assets/skin/{path.name}", coded)


@lru_cache(maxsize=2)
def _masks(model: HeadModel, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """(H, W, 1) float32 each: the head's skin in the texture, and of it the face, softly."""
    place, part = model.rest[model.drawn], model.part[model.drawn]
    skin = model.drawn_fine[(part[model.drawn_fine] == SKIN_PART).all(1)]
    x, y, z = place.T
    front = (z > -0.05) & (y < 0.06) & (y > -0.13) & (np.abs(x) < 0.08)
    head = covered(model.uv, skin, shape)[..., None].astype(np.float32)
    face = covered(model.uv, skin[front[skin].all(1)], shape).astype(np.float32)
    return head, cv2.GaussianBlur(face, (0, 0), 8.0)[..., None] * head
