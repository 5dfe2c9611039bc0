"""Expressions: ARKit's 52 face units and the gaze.

People who are photographed smile, most of them with their teeth, and seldom scowl; the recipe's moods follow that. The
ranges of the units in each mood are by eye where no paper is named.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fauxface.rendering.photo.camera import Pose
from fauxface.rendering.recipe import Recipe


@dataclass(frozen=True)
class Expression:
    """One expression.

    Attributes:
        units: face unit name (``jawOpen``, ``mouthSmileLeft``, …) → activation in 0–1; absent means 0.
        gaze: yaw to the subject's left and pitch upwards of both eyes, radians.
    """

    units: dict[str, float]
    gaze: tuple[float, float]


def sample_expression(rng: np.random.Generator, recipe: Recipe, pose: Pose) -> Expression:
    """Sample an expression: neutral or one of ``MOODS`` with some asymmetry; the eyes often look into the camera.

    Where the recipe has only neutral faces all units are 0, so that an ablation removes every expression.
    """
    units: dict[str, float] = {}

    def add(name: str, value: float) -> None:
        if value > 0:
            units[name] = min(1.0, units.get(name, 0.0) + float(value))

    def both(name: str, value: float, asymmetry: float = 0.12) -> None:
        for side in ("Left", "Right"):
            add(name + side, value * rng.normal(1, asymmetry))

    # no face is quite at rest
    for name in ("browInnerUp", "jawOpen", "mouthPucker", "mouthShrugLower", "mouthRollLower"):
        add(name, rng.normal(-0.05, 0.07))
    for name in ("browDown", "browOuterUp", "eyeSquint", "mouthFrown", "mouthPress", "cheekSquint"):
        both(name, rng.normal(-0.05, 0.08), 0.3)
    both("mouthSmile", rng.normal(0.05, 0.07), 0.3)
    if rng.random() >= recipe.neutral:
        weights = np.array([getattr(recipe.moods, name) for name in MOODS])
        list(MOODS.values())[rng.choice(len(MOODS), p=weights / weights.sum())](rng, add, both)
    if rng.random() < recipe.crooked:  # a smirk, a skewed jaw, one brow
        side = rng.choice(["Left", "Right"])
        for name, often in _CROOKED.items():
            if rng.random() < often:
                add(name + side, rng.uniform(0.2, 0.7))
    if rng.random() < recipe.squint:  # screwed-up eyes, as in the sun
        squint = rng.uniform(0.3, 1)
        both("eyeSquint", squint)
        both("cheekSquint", 0.6 * squint)
        both("browDown", rng.uniform(0, 0.4) * squint)

    gaze = _sample_gaze(rng, add, pose, recipe.gaze_at_camera)
    lids = rng.random()
    if lids < recipe.closed_eyes:
        both("eyeBlink", rng.uniform(0.75, 1.1), 0.03)
    elif lids < recipe.closed_eyes + recipe.winks:
        side = rng.choice(["Left", "Right"])
        add(f"eyeBlink{side}", rng.uniform(0.8, 1))
        add(f"cheekSquint{side}", rng.uniform(0.2, 0.9))
        add(f"mouthSmile{side}", rng.uniform(0, 0.3))
    else:
        both("eyeBlink", max(0.0, rng.normal(0.0, 0.12)), 0.1)
    _agree(units)
    return Expression({} if recipe.neutral >= 1 else units, gaze)


def _agree(units: dict[str, float]) -> None:
    """Weaken, in place, units that pull the same skin two ways, where their sum would fold the lips."""
    opening = max(units.get("jawOpen", 0), units.get("mouthFunnel", 0))
    parted = max(
        [opening, *(units.get(f"mouth{n}{s}", 0) for n in ("UpperUp", "LowerDown") for s in ("Left", "Right"))]
    )
    for name in list(units):
        if name.startswith(("mouthPress", "mouthRoll", "mouthShrugUpper", "mouthClose")):
            units[name] *= 1 - min(1.0, 2 * parted)
        elif name.startswith("mouthFrown"):
            units[name] *= 1 - units.get(name.replace("Frown", "Smile"), 0)
        elif name == "mouthPucker":
            units[name] *= 1 - 0.7 * max(units.get("mouthSmileLeft", 0), units.get("mouthSmileRight", 0))
        elif name.startswith("browDown"):
            units[name] *= 1 - 0.7 * units.get("browInnerUp", 0)


_CROOKED = {"mouthSmile": 0.5, "mouth": 0.3, "jaw": 0.25, "browOuterUp": 0.35, "mouthDimple": 0.3, "noseSneer": 0.1}
"""Units that make a face crooked on one side, and how often each takes part, by eye."""
_Add = Callable[..., None]


def _slight_smile(rng: np.random.Generator, add: _Add, both: _Add) -> None:
    both("mouthSmile", rng.uniform(0.15, 0.45))
    both("cheekSquint", rng.uniform(0, 0.3))
    if rng.random() < 0.3:
        add("jawOpen", rng.uniform(0.02, 0.08))


def _closed_smile(rng: np.random.Generator, add: _Add, both: _Add) -> None:
    smile = rng.uniform(0.4, 0.9)
    both("mouthSmile", smile)
    both("cheekSquint", smile * rng.uniform(0, 0.8))
    both("mouthDimple", rng.uniform(0, 0.4))
    both("mouthPress", rng.uniform(0, 0.3))


def _smile_with_teeth(rng: np.random.Generator, add: _Add, both: _Add) -> None:
    """Lips 4 to 14 mm apart, mostly along the upper teeth's edges (Ackerman & Ackerman 2002, "Smile analysis").

    A full one makes the mouth 30 % wider and lifts the upper lip to 80 % of its length (Rigsbee et al. 1988, "The
    influence of facial animation on smile characteristics").
    """
    smile = rng.uniform(0.45, 1)
    both("mouthSmile", smile)
    both("mouthStretch", smile * rng.uniform(0, 0.4))
    both("mouthUpperUp", rng.uniform(0.25, 0.8))
    both("mouthLowerDown", rng.uniform(0.4, 1))
    both("cheekSquint", smile * rng.uniform(0.2, 0.9))
    both("eyeSquint", smile * rng.uniform(0, 0.6))
    add("jawOpen", max(0, rng.normal(0.09, 0.05)))


def _laugh(rng: np.random.Generator, add: _Add, both: _Add) -> None:
    both("mouthSmile", rng.uniform(0.65, 1))
    both("mouthStretch", rng.uniform(0.1, 0.6))
    both("mouthUpperUp", rng.uniform(0.3, 0.9))
    both("mouthLowerDown", rng.uniform(0.4, 1))
    both("cheekSquint", rng.uniform(0.5, 1))
    both("eyeSquint", rng.uniform(0.2, 0.9))
    both("eyeBlink", max(0, rng.normal(0.1, 0.15)), 0.05)
    add("jawOpen", rng.uniform(0.12, 0.5))


def _speak(rng: np.random.Generator, add: _Add, both: _Add) -> None:
    add("jawOpen", rng.uniform(0.04, 0.4))
    add("mouthFunnel", max(0, rng.normal(0.05, 0.25)))
    add("mouthPucker", max(0, rng.normal(0, 0.25)))
    both("mouthUpperUp", rng.uniform(0, 0.4))
    both("mouthLowerDown", rng.uniform(0, 0.6))
    both("mouthStretch", max(0, rng.normal(0, 0.2)))
    both("mouthSmile", max(0, rng.normal(0.1, 0.2)))
    add("browInnerUp", max(0, rng.normal(0.05, 0.2)))


def _open(rng: np.random.Generator, add: _Add, both: _Add) -> None:
    """A mouth wide open: a shout, a yawn, a song, a bite."""
    add("jawOpen", rng.uniform(0.45, 1))
    both("mouthStretch", max(0, rng.normal(0.1, 0.25)))
    both("mouthUpperUp", rng.uniform(0, 0.7))
    both("mouthLowerDown", rng.uniform(0, 0.6))
    if rng.random() < 0.35:
        both("eyeSquint", rng.uniform(0.3, 1))
        both("browDown", rng.uniform(0, 0.5))
    if rng.random() < 0.15:
        add("tongueOut", rng.uniform(0.2, 1))


def _surprise(rng: np.random.Generator, add: _Add, both: _Add) -> None:
    add("browInnerUp", rng.uniform(0.4, 1))
    both("browOuterUp", rng.uniform(0.4, 1))
    both("eyeWide", rng.uniform(0.2, 1))
    add("jawOpen", rng.uniform(0.05, 0.7))


def _anger(rng: np.random.Generator, add: _Add, both: _Add) -> None:
    both("browDown", rng.uniform(0.4, 1))
    both("eyeSquint", rng.uniform(0, 0.7))
    both("mouthFrown", rng.uniform(0, 0.5))
    both("mouthPress", rng.uniform(0, 0.8))
    if rng.random() < 0.3:
        both("mouthUpperUp", rng.uniform(0.2, 0.8))
        both("mouthLowerDown", rng.uniform(0.2, 0.8))
        add("jawOpen", rng.uniform(0, 0.3))


def _disgust(rng: np.random.Generator, add: _Add, both: _Add) -> None:
    both("noseSneer", rng.uniform(0.4, 1))
    both("mouthUpperUp", rng.uniform(0, 0.6))
    both("browDown", rng.uniform(0, 0.6))
    both("eyeSquint", rng.uniform(0, 0.7))


def _sadness(rng: np.random.Generator, add: _Add, both: _Add) -> None:
    add("browInnerUp", rng.uniform(0.4, 1))
    both("mouthFrown", rng.uniform(0.2, 0.8))
    add("mouthShrugLower", rng.uniform(0, 0.7))
    both("eyeSquint", rng.uniform(0, 0.4))


def _pucker(rng: np.random.Generator, add: _Add, both: _Add) -> None:
    add("mouthPucker", rng.uniform(0.4, 1))
    add("mouthFunnel", max(0, rng.normal(0, 0.3)))


def _puff(rng: np.random.Generator, add: _Add, both: _Add) -> None:
    add("cheekPuff", rng.uniform(0.4, 1))
    add("mouthPucker", max(0, rng.normal(0.1, 0.3)))


def _mixture(rng: np.random.Generator, add: _Add, both: _Add) -> None:
    upper = ("browDown", "browOuterUp", "cheekSquint", "eyeSquint", "eyeWide")
    lower = ("Dimple", "Frown", "Press", "Smile", "Stretch", "UpperUp", "LowerDown")
    for name in (*upper, *(f"mouth{name}" for name in lower)):
        if rng.random() < 0.25:
            both(name, rng.uniform(0, 0.7), 0.4)
    for name in ("browInnerUp", "cheekPuff", "jawForward", "jawLeft", "jawRight", "jawOpen", "mouthFunnel"):
        if rng.random() < 0.2:
            add(name, rng.uniform(0, 0.6))
    for name in ("mouthLeft", "mouthRight", "mouthPucker", "mouthRollLower", "mouthRollUpper", "mouthShrugUpper"):
        if rng.random() < 0.15:
            add(name, rng.uniform(0, 0.6))


MOODS: dict[str, Callable[[np.random.Generator, _Add, _Add], None]] = {
    "slight_smile": _slight_smile,
    "closed_smile": _closed_smile,
    "smile_with_teeth": _smile_with_teeth,
    "laugh": _laugh,
    "speak": _speak,
    "open": _open,
    "surprise": _surprise,
    "anger": _anger,
    "disgust": _disgust,
    "sadness": _sadness,
    "pucker": _pucker,
    "puff": _puff,
    "mixture": _mixture,
}
"""Makers of expressions by the names of the recipe's `Moods`, whose weights they are sampled by."""


def _sample_gaze(rng: np.random.Generator, add: _Add, pose: Pose, at_camera: float) -> tuple[float, float]:
    """Sample the gaze (into the camera, ahead or aside; its limits by eye), and add the units by which lids follow."""
    if rng.random() < at_camera and abs(pose.yaw) < 40 and abs(pose.pitch) < 25:
        yaw, pitch = np.radians([-pose.yaw, -pose.pitch]) + rng.normal(0, 0.04, 2)
    else:
        wide = rng.random() < 0.3
        yaw = rng.normal(0, 0.3 if wide else 0.12)
        pitch = rng.normal(-0.03, 0.2 if wide else 0.08)
    yaw, pitch = float(np.clip(yaw, -0.6, 0.6)), float(np.clip(pitch, -0.4, 0.35))
    for side, outwards in (("Left", yaw), ("Right", -yaw)):
        add(f"eyeLookOut{side}", outwards / 0.6)
        add(f"eyeLookIn{side}", -outwards / 0.6)
        add(f"eyeLookUp{side}", pitch / 0.4)
        add(f"eyeLookDown{side}", -pitch / 0.4)
    return yaw, pitch
