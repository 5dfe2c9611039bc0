"""What the face does: ARKit's 52 face units, and where the eyes look."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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


def draw_expression(rng: np.random.Generator, recipe: Recipe) -> Expression:
    """A random expression: neutral, one of the moods below with asymmetry, or a random mixture of units."""
    units: dict[str, float] = {}

    def add(name: str, value: float) -> None:
        if value > 0:
            units[name] = min(1.0, units.get(name, 0.0) + float(value))

    def both(name: str, value: float, asymmetry: float = 0.15) -> None:
        for side in ("Left", "Right"):
            add(name + side, value * rng.normal(1, asymmetry))

    for name in ("browInnerUp", "jawOpen", "mouthPucker", "mouthShrugLower", "mouthRollLower"):
        add(name, rng.normal(-0.05, 0.08))
    for name in ("browDown", "browOuterUp", "eyeSquint", "mouthFrown", "mouthSmile", "mouthPress", "cheekSquint"):
        both(name, rng.normal(-0.03, 0.08), 0.3)
    if rng.random() >= recipe.neutral:
        moods = (_smile, _laugh, _speak, _surprise, _anger, _sadness, _pucker, _shout, _mixture)
        share = np.array([0.27, 0.15, 0.18, 0.06, 0.08, 0.06, 0.06, 0.06, 0.08])
        moods[rng.choice(len(moods), p=share / share.sum())](rng, add, both)
    if rng.random() < 0.15:  # crooked: one side of the mouth, the jaw, one brow
        side = rng.choice(["Left", "Right"])
        for name in ("mouth", "jaw", "mouthSmile", "browOuterUp", "mouthDimple", "noseSneer"):
            if rng.random() < 0.35:
                add(name + side, rng.uniform(0.2, 0.8))

    gaze = _draw_gaze(rng, add)
    closed = rng.random()
    if closed < recipe.closed_eyes:
        both("eyeBlink", rng.uniform(0.75, 1.1), 0.03)
    elif closed < 1.25 * recipe.closed_eyes:
        add(f"eyeBlink{rng.choice(['Left', 'Right'])}", rng.uniform(0.8, 1))
    else:
        both("eyeBlink", max(0.0, rng.normal(0.0, 0.13)), 0.1)
    return Expression(units, gaze)


def _smile(rng, add, both) -> None:
    both("mouthSmile", rng.uniform(0.3, 1))
    both("cheekSquint", rng.uniform(0, 0.7))
    both("mouthDimple", rng.uniform(0, 0.3))
    if rng.random() < 0.6:  # with teeth
        both("mouthUpperUp", rng.uniform(0.1, 0.7))
        both("mouthLowerDown", rng.uniform(0, 0.5))
        add("jawOpen", rng.uniform(0, 0.15))


def _laugh(rng, add, both) -> None:
    both("mouthSmile", rng.uniform(0.6, 1))
    both("mouthUpperUp", rng.uniform(0.2, 0.8))
    both("mouthLowerDown", rng.uniform(0.1, 0.7))
    both("cheekSquint", rng.uniform(0.3, 1))
    both("eyeSquint", rng.uniform(0.1, 0.8))
    add("jawOpen", rng.uniform(0.1, 0.6))


def _speak(rng, add, both) -> None:
    add("jawOpen", rng.uniform(0.05, 0.5))
    add("mouthFunnel", max(0, rng.normal(0.1, 0.3)))
    add("mouthPucker", max(0, rng.normal(0, 0.3)))
    both("mouthUpperUp", rng.uniform(0, 0.4))
    both("mouthLowerDown", rng.uniform(0, 0.6))
    both("mouthStretch", rng.uniform(0, 0.5))


def _surprise(rng, add, both) -> None:
    add("browInnerUp", rng.uniform(0.4, 1))
    both("browOuterUp", rng.uniform(0.4, 1))
    both("eyeWide", rng.uniform(0.2, 1))
    add("jawOpen", rng.uniform(0.1, 0.8))


def _anger(rng, add, both) -> None:
    both("browDown", rng.uniform(0.4, 1))
    both("eyeSquint", rng.uniform(0, 0.7))
    both("noseSneer", rng.uniform(0, 0.7))
    both("mouthFrown", rng.uniform(0, 0.7))
    both("mouthPress", rng.uniform(0, 0.8))
    if rng.random() < 0.3:
        both("mouthUpperUp", rng.uniform(0.2, 0.8))
        both("mouthLowerDown", rng.uniform(0.2, 0.8))
        add("jawOpen", rng.uniform(0, 0.3))


def _sadness(rng, add, both) -> None:
    add("browInnerUp", rng.uniform(0.4, 1))
    both("mouthFrown", rng.uniform(0.2, 1))
    add("mouthShrugLower", rng.uniform(0, 0.8))
    both("eyeSquint", rng.uniform(0, 0.4))


def _pucker(rng, add, both) -> None:
    add("mouthPucker", rng.uniform(0.4, 1))
    add("mouthFunnel", max(0, rng.normal(0, 0.4)))
    add("cheekPuff", max(0, rng.normal(0, 0.5)))


def _shout(rng, add, both) -> None:
    add("jawOpen", rng.uniform(0.5, 1))
    both("mouthStretch", rng.uniform(0, 0.6))
    both("mouthUpperUp", rng.uniform(0, 0.6))
    both("mouthLowerDown", rng.uniform(0, 0.6))
    both("browDown", rng.uniform(0, 0.6))
    if rng.random() < 0.2:
        add("tongueOut", rng.uniform(0.2, 1))


def _mixture(rng, add, both) -> None:
    upper = ("browDown", "browOuterUp", "cheekSquint", "eyeSquint", "eyeWide", "noseSneer")
    lower = ("Dimple", "Frown", "Press", "Smile", "Stretch", "UpperUp", "LowerDown")
    for name in (*upper, *(f"mouth{name}" for name in lower)):
        if rng.random() < 0.3:
            both(name, rng.uniform(0, 0.8), 0.4)
    for name in ("browInnerUp", "cheekPuff", "jawForward", "jawLeft", "jawRight", "jawOpen", "mouthFunnel"):
        if rng.random() < 0.25:
            add(name, rng.uniform(0, 0.7))
    for name in ("mouthLeft", "mouthRight", "mouthPucker", "mouthRollLower", "mouthRollUpper", "mouthShrugUpper"):
        if rng.random() < 0.2:
            add(name, rng.uniform(0, 0.7))


def _draw_gaze(rng, add) -> tuple[float, float]:
    """The gaze, and the units that carry the lids along."""
    wide = rng.random() < 0.3
    yaw = float(np.clip(rng.normal(0, 0.3 if wide else 0.12), -0.6, 0.6))
    pitch = float(np.clip(rng.normal(-0.03, 0.2 if wide else 0.08), -0.4, 0.35))
    for side, outwards in (("Left", yaw), ("Right", -yaw)):
        add(f"eyeLookOut{side}", outwards / 0.6)
        add(f"eyeLookIn{side}", -outwards / 0.6)
        add(f"eyeLookUp{side}", pitch / 0.4)
        add(f"eyeLookDown{side}", -pitch / 0.4)
    return yaw, pitch
