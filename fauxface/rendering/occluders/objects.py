"""Occluders of a face: hands that touch it or hold something, and things in the foreground.

Sizes of objects are those of everyday ones; colours, gestures and their spreads are by eye, on renders.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from fauxface.landmarks import CANTHI, Point
from fauxface.rendering.occluders.hand import FOREARM, Gesture, posed_hand
from fauxface.rendering.opengl.rasteriser import Texture
from fauxface.rendering.worn.base import Thing, Wearer
from fauxface.rendering.worn.fit import HIGH, LOW, Fit
from fauxface.rendering.worn.materials import Material, cloth, paint
from fauxface.rendering.worn.shapes import Shape, ball, box, lathe, merged, sheet, tube
from fauxface.segmentation import Segment

_thing = partial(Thing.of, label=Segment.IGNORE)
_SKIN_WRAP = (0.42, 0.18, 0.12)
"""Light that wraps around the terminator on hands, more than on the face's flat parts: fingers are thin; by eye."""
_FORWARD = np.array([0.0, 0.0, 1.0])

_KINDS = {
    "hand on chin": 0.10,
    "hand on cheek": 0.09,
    "hand over mouth": 0.07,
    "hand on brow": 0.05,
    "hand before eye": 0.03,
    "pointing": 0.04,
    "waving": 0.05,
    "phone at ear": 0.10,
    "drinking": 0.12,
    "microphone": 0.09,
    "eating": 0.07,
    "camera": 0.05,
    "phone": 0.04,
    "paper": 0.05,
    "twigs": 0.05,
    "strings": 0.03,
    "stick": 0.04,
    "foreground": 0.04,
}
"""Kinds and their relative frequencies, by eye."""

_FLAT = Gesture((0.1, 0.08, 0.06, 0.08, 0.1))
_FIST = Gesture((0.6, 1.3, 1.35, 1.35, 1.35), oppose=0.7)
_GRIP = Gesture((0.25, 0.75, 0.8, 0.85, 0.85), oppose=0.8)
_POINT = Gesture((0.6, 0.05, 1.3, 1.35, 1.35), oppose=0.7)


@dataclass(frozen=True)
class _Scene:
    """Arguments of the makers: random stream, person, measures, and the person's side (−1 right, 1 left)."""

    rng: np.random.Generator
    wearer: Wearer
    fit: Fit
    side: int

    @property
    def scale(self) -> float:
        """Size of hands by the breadth of the face: a child's are smaller; by eye."""
        return float(np.clip(0.95 * self.fit.size, 0.55, 1.05))

    def landmark(self, *points: int) -> np.ndarray:
        """Mean of landmarks, head frame."""
        return self.wearer.landmarks[list(points)].mean(0)


def sample_object(rng: np.random.Generator, wearer: Wearer, fit: Fit) -> tuple[list[Thing], dict]:
    """Sample a hand or an object before the face, and its entry in the label file."""
    name = str(rng.choice(list(_KINDS), p=np.array(list(_KINDS.values())) / sum(_KINDS.values())))
    scene = _Scene(rng, wearer, fit, int(rng.choice([-1, 1])))
    return _MAKERS[name](scene), {"kind": name, "side": "right" if scene.side < 0 else "left"}


def _hand(scene: _Scene, gesture: Gesture) -> tuple[Shape, Shape]:
    """A hand of the scene's side in the hand frame (mirrored for a left one) and its sleeve."""
    rng = scene.rng
    jitter = rng.normal(0, 0.1, 5)
    if max(gesture.curls) < 1.2:
        gesture = Gesture(
            tuple(np.clip(np.array(gesture.curls) + jitter, 0, 1.5)),
            gesture.spread + abs(rng.normal(0, 0.05)),
            gesture.oppose,
            (gesture.wrist[0] + rng.normal(0, 0.2), gesture.wrist[1] + rng.normal(0, 0.15)),
        )
    hand = posed_hand(gesture)
    bend = Rotation.from_rotvec([-gesture.wrist[0], 0, 0]) * Rotation.from_rotvec([0, 0, gesture.wrist[1]])
    share = np.linspace(0, 1, 5)[:, None]
    arm = bend.apply(np.array([[0.0, -0.45 * FOREARM, 0.0]]) + share * [[0.0, -0.30, 0.0]])
    if rng.random() < 0.35:  # a bare arm
        arm = bend.apply(np.array([[0.0, -0.97 * FOREARM, 0.0]]) + share * [[0.0, -0.25, 0.0]])
        sleeve = tube(arm, 0.031 + 0.012 * share[:, 0], 10)
        hand, sleeve = merged([hand, sleeve]), tube(arm[-2:], 0.05, 8)
    else:
        sleeve = tube(arm, rng.uniform(0.038, 0.046) + 0.018 * share[:, 0], 12)
    size = np.array([scene.side * -1.0, 1.0, 1.0]) * scene.scale
    return tuple(
        Shape(s.vertices * size, s.triangles[:, ::-1] if scene.side > 0 else s.triangles, s.uv) for s in (hand, sleeve)
    )  # pyright: ignore[reportReturnType]


def _frame(fingers: np.ndarray, palm: np.ndarray) -> np.ndarray:
    """Rotation hand frame → head frame (3, 3) that sends y to ``fingers`` and z near ``palm``."""
    y = fingers / np.linalg.norm(fingers)
    z = palm - y * (palm @ y)
    z /= np.linalg.norm(z)
    return np.stack([np.cross(y, z), y, z], axis=1)


def _place(
    scene: _Scene,
    gesture: Gesture,
    fingers: tuple[float, float, float],
    palm: tuple[float, float, float],
    anchor: np.ndarray,
    at: tuple[float, float, float],
    held: list[tuple[Shape, Material]] | None = None,
    touch: tuple[float, float, float] | None = (0.0, 0.0, 1.0),
) -> list[Thing]:
    """A hand so turned that the point ``at`` of its frame lies on ``anchor``, then forward until nothing sinks in.

    Args:
        scene: the person and the hand's side.
        gesture: bends of the hand's joints.
        fingers, palm: their directions, head frame, for a right hand; x is mirrored for a left one.
        anchor: (3,) head frame.
        at: hand frame, of an adult's right hand.
        held: things in the hand frame of an adult's right hand.
        touch: direction along which the hand comes to the face (x mirrored for a left one); None leaves it in place.
    """
    rng, mirror = scene.rng, np.array([-scene.side, 1.0, 1.0])
    wobble = Rotation.from_rotvec(rng.normal(0, 0.12, 3)).as_matrix()
    rotation = wobble @ _frame(np.array(fingers) * mirror, np.array(palm) * mirror)
    hand, sleeve = _hand(scene, gesture)
    offset = anchor - rotation @ (np.array(at) * mirror * scene.scale)
    hand, sleeve = hand.moved(rotation, offset), sleeve.moved(rotation, offset)
    kept = [(shape.moved(np.diag(mirror), np.zeros(3)), material) for shape, material in held or []]
    objects = [(shape.moved(rotation * scene.scale, offset), material) for shape, material in kept]
    if touch is not None:
        solid = np.concatenate([hand.vertices, *(shape.vertices for shape, _ in objects)])
        way = np.array(touch) * mirror
        shift = _clearance(scene.fit, solid, way / np.linalg.norm(way))
        hand, sleeve = hand.moved(np.eye(3), shift), sleeve.moved(np.eye(3), shift)
        objects = [(shape.moved(np.eye(3), shift), material) for shape, material in objects]
    skin = Material(scene.wearer.skin * rng.uniform(0.9, 1.05), 0.6, wrap=_SKIN_WRAP)
    things = [_thing(hand, skin), _thing(sleeve, cloth(rng))]
    return things + [_thing(shape, material) for shape, material in objects]


def _clearance(fit: Fit, points: np.ndarray, way: np.ndarray) -> np.ndarray:
    """The shift (3,) along a unit vector, in steps of 3 mm, that brings points to the face but not into it."""
    near = points[::3]
    steps = 0.003 * np.arange(-8, 31)[:, None, None] * way
    moved = near + steps
    inside = ((moved[..., :2] > LOW[:2]) & (moved[..., :2] < HIGH[:2])).all(-1)  # where depth is measured
    depth = fit.z(moved)
    sunk = (inside & (depth > moved[..., 2] - 0.001) & (depth > -0.5)).any(1)
    last = np.flatnonzero(sunk)
    return steps[min(last[-1] + 1, len(steps) - 1), 0] if len(last) else np.zeros(3)


def _on_chin(scene: _Scene) -> list[Thing]:
    chin = scene.landmark(Point.CHIN) + [0, 0.002, 0.0]
    if scene.rng.random() < 0.5:  # on the fist
        return _place(
            scene,
            _FIST,
            (0.35, 0.9, 0.1),
            (0.5, 0.0, -1.0),
            chin + [0, -0.02, 0],
            (0.0, 0.09, 0.02),
            touch=(0, -0.8, 0.6),
        )
    gesture = Gesture((0.1, 0.7, 0.9, 1.0, 1.1), oppose=0.3)
    return _place(scene, gesture, (0.5, 0.9, 0.0), (0.2, 0.2, -1.0), chin, (0.03, 0.10, 0.03), touch=(0, -0.5, 0.8))


def _on_cheek(scene: _Scene) -> list[Thing]:
    anchor = scene.landmark(Point.JAW_RIGHT_CORNER if scene.side < 0 else Point.JAW_LEFT_CORNER) + [
        0,
        scene.rng.uniform(-0.01, 0.03),
        0.03,
    ]
    gesture = Gesture((0.1, *scene.rng.uniform(0.1, 0.7, 4)))
    if scene.rng.random() < 0.3:
        gesture = _FIST
    turn = scene.rng.uniform(-0.3, 0.6)
    return _place(scene, gesture, (turn, 1.0, -0.1), (0.9, 0.1, -0.8), anchor, (0.0, 0.09, 0.012), touch=(-0.8, 0, 0.6))


def _over_mouth(scene: _Scene) -> list[Thing]:
    mouth = scene.landmark(Point.UPPER_LIP, Point.LOWER_LIP) + [0, scene.rng.uniform(-0.015, 0.01), 0]
    gesture = _FLAT if scene.rng.random() < 0.6 else Gesture((0.2, *scene.rng.uniform(0.3, 0.9, 4)))
    slope = scene.rng.uniform(0.3, 1.4)
    return _place(scene, gesture, (1.0, slope, 0.15), (0.1, 0.0, -1.0), mouth, (0.0, 0.11, 0.0))


def _on_brow(scene: _Scene) -> list[Thing]:
    brow = scene.landmark(Point.RIGHT_BROW_INNER, Point.LEFT_BROW_INNER) + [0, scene.rng.uniform(0.015, 0.035), 0.0]
    if scene.rng.random() < 0.5:  # against the sun
        return _place(scene, _FLAT, (1.0, 0.1, 0.1), (0.0, -1.0, -0.15), brow + [0, 0, 0.03], (0.0, 0.10, 0.0))
    gesture = Gesture((0.1, *scene.rng.uniform(0.1, 0.6, 4)))
    return _place(scene, gesture, (0.8, 0.8, 0.0), (0.1, 0.1, -1.0), brow, (0.0, 0.13, 0.0))


def _before_eye(scene: _Scene) -> list[Thing]:
    eye = scene.wearer.posed.eyes[0 if scene.side < 0 else 1].centre
    gesture = _FLAT if scene.rng.random() < 0.6 else Gesture((0.3, 0.05, 0.05, 1.3, 1.3), spread=0.12, oppose=0.5)
    palm = (0.1, 0.0, -1.0) if scene.rng.random() < 0.6 else (0.1, 0.0, 1.0)
    return _place(scene, gesture, (0.6, 1.0, 0.2), palm, eye + [0, 0, 0.03], (0.0, 0.13, 0.0))


def _pointing(scene: _Scene) -> list[Thing]:
    place = scene.landmark(Point.CHIN) + np.array(
        [scene.side * scene.rng.uniform(0.0, 0.09), scene.rng.uniform(-0.05, 0.04), 0.14]
    )
    gesture = _POINT if scene.rng.random() < 0.7 else Gesture((0.3, 0.05, 0.05, 1.3, 1.3), spread=0.2, oppose=0.6)
    up = scene.rng.uniform(0.2, 1.5)
    return _place(scene, gesture, (0.2, up, 0.8), (0.3, -0.5, 0.6), place, (0.02, 0.10, 0.0), touch=None)


def _waving(scene: _Scene) -> list[Thing]:
    rng = scene.rng
    place = np.array([scene.side * rng.uniform(0.05, 0.13), rng.uniform(-0.10, 0.0), rng.uniform(0.06, 0.16)])
    gesture = Gesture((0.05, *rng.uniform(0.0, 0.25, 4)), spread=rng.uniform(0, 0.16))
    return _place(scene, gesture, (0.15, 1.0, 0.1), (0.0, 0.0, 1.0), place, (0.0, 0.08, 0.0), touch=None)


def _phone(rng: np.random.Generator) -> list[tuple[Shape, Material]]:
    colour = np.full(3, rng.choice([0.01, 0.02, 0.6])) if rng.random() < 0.8 else paint(rng)
    body = box((0.072, 0.148, 0.009), 0.4)
    lens = box((0.022, 0.03, 0.0105), 0.3)
    lens = lens.moved(np.eye(3), np.array([0.02, 0.052, 0.0]))
    return [(body, Material(colour, 0.2)), (lens, Material(np.full(3, 0.008), 0.08))]


def _phone_at_ear(scene: _Scene) -> list[Thing]:
    ear = scene.fit.ears[0 if scene.side < 0 else 1, 1]
    out = np.array([scene.side * 0.022, -0.03, 0.022])
    turn = Rotation.from_euler("xy", [0.12, 0.0]).as_matrix()
    held = [(shape.moved(turn, np.array([0.0, 0.085, 0.030])), m) for shape, m in _phone(scene.rng)]
    gesture = Gesture((0.35, 0.55, 0.5, 0.5, 0.55), oppose=0.75)
    return _place(
        scene, gesture, (0.0, 0.85, -0.35), (1.0, 0.1, 0.25), ear + out, (0.0, 0.085, 0.032), held, touch=None
    )


def _drinking(scene: _Scene) -> list[Thing]:
    rng = scene.rng
    kind = rng.choice(["mug", "glass", "bottle", "can"])
    if kind == "bottle":
        profile = [
            [0, -0.12],
            [0.031, -0.119],
            [0.033, -0.115],
            [0.033, 0.0],
            [0.03, 0.02],
            [0.014, 0.05],
            [0.013, 0.10],
            [0.011, 0.10],
        ]
        colours = [(0.02, 0.06, 0.02), (0.06, 0.02, 0.008), (0.55, 0.65, 0.7), (0.1, 0.3, 0.6)]
        material = Material(np.array(colours[rng.integers(4)]), 0.12)
    elif kind == "can":
        profile = [[0, -0.06], [0.026, -0.06], [0.033, -0.05], [0.033, 0.05], [0.027, 0.06], [0, 0.058]]
        material = Material(paint(rng), 0.3, metal=float(rng.choice([0, 1])))
    else:
        wide = rng.uniform(0.032, 0.043)
        low = wide * rng.uniform(0.7, 1.0)
        tall = rng.uniform(0.08, 0.13)
        profile = [
            [0, -tall / 2],
            [low, -tall / 2],
            [wide, tall / 2],
            [wide - 0.003, tall / 2],
            [low - 0.003, -tall / 2 + 0.008],
            [0, -tall / 2 + 0.008],
        ]
        material = Material(paint(rng), 0.2)
    vessel = lathe(np.array(profile, float), 20)
    rim = np.array(profile)[:, 1].max()
    # across the palm, its mouth to the thumb's side
    lying = Rotation.from_euler("z", -90, degrees=True).as_matrix()
    centre = np.array([0.0, 0.075, 0.052])
    held = [(vessel.moved(lying, centre), material)]
    if kind == "mug":
        angle = np.linspace(-np.pi / 2, np.pi / 2, 9)
        ring = np.stack([0.026 * np.sin(angle), 0 * angle, 0.03 + 0.026 * np.cos(angle)], axis=1)
        held.append((tube(ring @ lying.T + centre, 0.005, 6), material))
    tip = rng.uniform(0.0, 0.9)  # how far it is tipped
    mouth = scene.landmark(Point.LOWER_LIP) + [0, -0.004 - rng.uniform(0, 0.03), 0.012 + 0.02 * rng.random()]
    # the vessel's axis is the hand's x: up and towards the face; the hand comes from the side
    axis = np.array([0.0, np.cos(tip), -np.sin(tip)])
    palm = np.array([0.8, 0.0, -0.6]) if kind != "mug" else np.array([0.9, 0.0, -0.1])
    mirrored = np.array([-scene.side, 1.0, 1.0])
    fingers = np.cross(palm * mirrored, axis) * (-scene.side) * mirrored
    return _place(scene, _GRIP, tuple(fingers), tuple(palm), mouth, (rim * 0.98, 0.075, 0.052), held)  # pyright: ignore[reportArgumentType]


def _microphone(scene: _Scene) -> list[Thing]:
    rng = scene.rng
    dark = Material(np.full(3, 0.012), 0.35)
    grille = Material(np.full(3, rng.choice([0.02, 0.35])), 0.5, metal=0.6, weave=30.0)
    lying = Rotation.from_euler("z", -90, degrees=True).as_matrix()
    centre = np.array([0.0, 0.075, 0.04])
    shaft = lathe(np.array([[0, -0.11], [0.012, -0.11], [0.018, 0.06], [0, 0.06]]), 12)
    held = [
        (shaft.moved(lying, centre), dark),
        (ball(np.zeros(3), 0.027).moved(np.eye(3), centre + [0.08, 0, 0]), grille),
    ]
    if rng.random() < 0.3:
        held[1] = (ball(np.zeros(3), 0.034).moved(np.eye(3), centre + [0.08, 0, 0]), cloth(rng))
    mouth = scene.landmark(Point.LOWER_LIP) + [
        scene.side * 0.01,
        -0.02 - rng.uniform(0, 0.03),
        0.03 + rng.uniform(0, 0.04),
    ]
    up, back = rng.uniform(0.3, 1.0), rng.uniform(0.2, 0.9)
    axis = np.array([0.3 * -scene.side, up, -back])
    palm = np.array([0.8, -0.1, -0.5])
    mirrored = np.array([-scene.side, 1.0, 1.0])
    fingers = np.cross(palm * mirrored, axis) * (-scene.side) * mirrored
    return _place(scene, _FIST, tuple(fingers), tuple(palm), mouth, (0.08, 0.075, 0.04), held)  # pyright: ignore[reportArgumentType]


def _eating(scene: _Scene) -> list[Thing]:
    rng = scene.rng
    mouth = scene.landmark(Point.INNER_UPPER_LIP, Point.INNER_LOWER_LIP) + [0, -0.004, 0.02]
    kind = rng.choice(["ice", "apple", "bar", "bread"])
    browns = np.array([[0.55, 0.3, 0.1], [0.2, 0.08, 0.03], [0.7, 0.5, 0.25]])
    if kind == "ice":
        cone = lathe(np.array([[0, -0.11], [0.004, -0.11], [0.024, 0.0], [0, 0.0]]), 12)
        food = [(cone, Material(np.array([0.55, 0.33, 0.13]), 0.8, weave=6.0))]
        scoop = Material(np.array([[0.8, 0.7, 0.5], [0.5, 0.1, 0.15], [0.1, 0.04, 0.02]])[rng.integers(3)], 0.6)
        food.append((ball(np.array([0, 0.015, 0.0]), 0.03), scoop))
    elif kind == "apple":
        food = [
            (
                ball(np.zeros(3), np.array([0.037, 0.034, 0.037])),
                Material(np.array([0.4, rng.uniform(0.02, 0.3), 0.03]), 0.3),
            )
        ]
    elif kind == "bar":
        food = [(box((0.03, 0.12, 0.02), 0.5), Material(browns[rng.integers(3)], 0.6))]
    else:
        food = [(ball(np.zeros(3), np.array([0.055, 0.03, 0.045])), Material(browns[rng.integers(3)], 0.8))]
    lying = Rotation.from_euler("z", -60, degrees=True).as_matrix()
    centre = np.array([0.03, 0.115, 0.05])
    held = [(shape.moved(lying, centre), material) for shape, material in food]
    gesture = Gesture((0.3, 0.7, 0.75, 0.8, 0.85), oppose=0.8)
    return _place(scene, gesture, (0.75, 0.6, 0.35), (0.25, 0.3, -0.9), mouth, tuple(centre), held)  # pyright: ignore[reportArgumentType]


def _camera(scene: _Scene) -> list[Thing]:
    rng = scene.rng
    body = box((0.125, 0.082, 0.05), 0.3)
    barrel = lathe(
        np.array([[0, 0.0], [0.032, 0.0], [0.034, 0.05 + 0.04 * rng.random()], [0.028, 0.05], [0, 0.03]]), 20
    )
    forward = Rotation.from_euler("x", 90, degrees=True).as_matrix()
    black = Material(np.full(3, rng.choice([0.01, 0.015, 0.4], p=[0.5, 0.3, 0.2])), 0.45)
    eyes = scene.landmark(*CANTHI) + [rng.normal(0, 0.02), rng.normal(0, 0.008), 0]
    turn = Rotation.from_euler("z", rng.normal(0, 6), degrees=True).as_matrix()
    shapes = [body.moved(turn, eyes), barrel.moved(turn @ forward, eyes + [0, 0, 0.02])]
    shift = _clearance(scene.fit, shapes[0].vertices, _FORWARD)
    things = [_thing(shape.moved(np.eye(3), shift), black) for shape in shapes]
    grip = Gesture((0.2, 0.6, 0.65, 0.7, 0.75), oppose=0.5)
    for side in (-1, 1):
        other = _Scene(rng, scene.wearer, scene.fit, side)
        anchor = eyes + shift + [side * 0.065, -0.01, 0.0]
        things += _place(other, grip, (-0.1, 1.0, 0.35), (0.9, 0.0, -0.3), anchor, (0.0, 0.08, 0.03), touch=None)
    return things


def _held_phone(scene: _Scene) -> list[Thing]:
    rng = scene.rng
    place = scene.landmark(Point.NOSE_BASE) + np.array(
        [scene.side * rng.uniform(-0.03, 0.08), rng.uniform(-0.07, 0.03), rng.uniform(0.10, 0.2)]
    )
    flip = Rotation.from_euler("y", 180, degrees=True).as_matrix()
    held = [(shape.moved(flip, np.array([0.0, 0.115, 0.03])), m) for shape, m in _phone(rng)]
    gesture = Gesture((0.35, 0.5, 0.5, 0.5, 0.55), oppose=0.7)
    return _place(scene, gesture, (0.1, 1.0, 0.1), (0.1, 0.0, -1.0), place, (0.0, 0.115, 0.03), held, touch=None)


def _towards_camera(wearer: Wearer, point: np.ndarray, distance: float) -> np.ndarray:
    camera = -wearer.view.rotation.T @ wearer.view.translation
    way = camera - point
    return point + way / np.linalg.norm(way) * distance


def _paper(scene: _Scene) -> list[Thing]:
    rng = scene.rng
    width, height = rng.uniform(0.10, 0.22), rng.uniform(0.10, 0.22)
    u, v = np.meshgrid(np.linspace(-0.5, 0.5, 9), np.linspace(-0.5, 0.5, 9))
    bend = rng.uniform(-0.4, 0.4)
    points = np.stack([u * width, v * height, bend * width * u**2 + 0.3 * bend * height * v**2], axis=-1)
    turn = Rotation.from_euler("zxy", [rng.normal(0, 12), rng.normal(0, 15), rng.normal(0, 15)], degrees=True)
    points = turn.apply(points.reshape(-1, 3)).reshape(points.shape)
    # it covers the lower face, or one side
    covers = (
        scene.landmark(Point.CHIN)
        if rng.random() < 0.65
        else scene.landmark(Point.NOSE_BASE) + [scene.side * 0.075, 0, 0]
    )
    top = covers + [0, scene.rng.uniform(-0.01, 0.035) - (height / 2 if covers[1] < -0.05 else 0), 0.0]
    points = points + top
    points = points + _clearance(scene.fit, points.reshape(-1, 3), _FORWARD).clip(0) + [0, 0, rng.uniform(0.01, 0.06)]
    written = rng.random() < 0.6
    colour = np.full(3, 0.8) * np.exp(rng.normal(0, 0.05, 3)) if written else paint(rng)
    material = Material(colour, 0.8, shine=0.4, wrap=(0.2, 0.2, 0.2), image=_print(rng) if written else None)
    things = [_thing(sheet(points), material)]
    if rng.random() < 0.7:
        edge = points[3, 0 if scene.side < 0 else -1]
        held = Gesture((0.4, 0.6, 0.65, 0.7, 0.75), oppose=0.7)
        things += _place(scene, held, (0.9, 0.6, 0.1), (0.2, 0.1, -1.0), edge, (0.035, 0.12, 0.035), touch=None)
    return things


def _print(rng: np.random.Generator) -> Texture:
    """A page with lines of print; the key names its seed."""
    seed = int(rng.integers(200))
    dice = np.random.default_rng(seed)
    page = np.full((128, 96, 4), 255, np.uint8)
    ink = [int(c) for c in dice.choice([20, 40, 160], 3)]
    big = dice.random() < 0.4
    step = 26 if big else 9
    for y in range(step, 122, step):
        if dice.random() < 0.15:
            cv2.rectangle(
                page, (8, y - 6), (int(dice.integers(40, 88)), y + 12), (*dice.integers(0, 255, 3).tolist(), 255), -1
            )
            continue
        text = "".join(chr(97 + int(c)) for c in dice.integers(0, 26, 6 if big else 18))
        cv2.putText(page, text, (8, y), cv2.FONT_HERSHEY_SIMPLEX, 0.8 if big else 0.25, (*ink, 255), 2 if big else 1)
    return Texture(f"print-{seed}", np.ascontiguousarray(page[::-1]))


def _twigs(scene: _Scene) -> list[Thing]:
    """Branches with leaves between the camera and the face."""
    rng = scene.rng
    wood = Material(np.array([0.12, 0.08, 0.05]) * rng.uniform(0.4, 1.5), 0.9, shine=0.2)
    green = Material(np.array([0.08, 0.2, 0.03]) * np.exp(rng.normal(0, 0.4, 3)), 0.5, wrap=(0.3, 0.35, 0.2))
    away = rng.uniform(0.06, 0.25)
    twigs, leaves = [], []
    hanging = rng.random() < 0.4
    for _ in range(int(rng.integers(2, 7))):
        start = (
            np.array([rng.uniform(-0.14, 0.14), 0.22, 0.03])
            if hanging
            else np.array([scene.side * 0.22, rng.uniform(-0.15, 0.18), 0.0])
        )
        end = start + (
            [rng.normal(0, 0.03), -rng.uniform(0.2, 0.42), 0]
            if hanging
            else [-scene.side * rng.uniform(0.15, 0.4), rng.normal(0, 0.09), 0]
        )
        share = np.linspace(0, 1, 12)[:, None]
        sway = np.cumsum(rng.normal(0, 0.004, (12, 3)), axis=0)
        path = np.array([_towards_camera(scene.wearer, p, away) for p in start * (1 - share) + end * share]) + sway
        twigs.append(tube(path, np.linspace(0.0028, 0.0008, 12) * rng.uniform(0.6, 1.6), 5))
        for _ in range(int(rng.integers(0, 14))):
            size = rng.uniform(0.012, 0.03)
            along = np.linspace(0, 1, 6)[:, None]
            half = 0.3 * np.sin(np.pi * along**0.8) * size
            blade = np.stack(
                [
                    np.concatenate([-half, half], 1),
                    np.repeat(along, 2, 1) * size,
                    np.repeat(0.1 * size * along**2, 2, 1),
                ],
                -1,
            )
            turn = Rotation.from_rotvec(rng.normal(0, 1.2, 3)).as_matrix()
            leaves.append(sheet(blade).moved(turn, path[rng.integers(12)]))
    things = [_thing(merged(twigs), wood)]
    if leaves:
        things.append(_thing(merged(leaves), green))
    return things


def _strings(scene: _Scene) -> list[Thing]:
    """Cords, wires or loose strands across the face."""
    rng = scene.rng
    cords = []
    for _ in range(int(rng.integers(1, 5))):
        angle, offset = rng.uniform(0, np.pi), rng.normal(0, 0.05)
        way, off = np.array([np.cos(angle), np.sin(angle), 0]), np.array([-np.sin(angle), np.cos(angle), 0]) * offset
        share = np.linspace(-0.3, 0.3, 16)[:, None]
        path = way * share + off + [0, -0.03, 0.02] + np.array([0.0, rng.uniform(-1, 1), 0.0]) * share**2
        path = np.array([_towards_camera(scene.wearer, p, 0.08) for p in path])
        cords.append(tube(path, float(rng.uniform(0.0006, 0.003)), 5))
    return [_thing(merged(cords), Material(paint(rng), 0.6))]


def _stick(scene: _Scene) -> list[Thing]:
    """A pole, a pen, a lollipop's stick or a cigarette."""
    rng = scene.rng
    if rng.random() < 0.45:
        mouth = scene.landmark(Point.INNER_UPPER_LIP, Point.INNER_LOWER_LIP) + [
            scene.side * rng.uniform(0, 0.012),
            0,
            0.0,
        ]
        way = np.array([scene.side * rng.uniform(-0.2, 0.8), rng.uniform(-0.5, 0.1), 1.0])
        path = mouth + way / np.linalg.norm(way) * np.linspace(0.0, rng.uniform(0.06, 0.10), 4)[:, None]
        white = Material(np.array([0.8, 0.78, 0.72]) * rng.uniform(0.4, 1), 0.7)
        things = [_thing(tube(path, rng.uniform(0.002, 0.0045), 6), white)]
        if rng.random() < 0.4:
            things.append(_thing(ball(path[-1], 0.016), Material(paint(rng), 0.15)))
        return things
    angle = rng.uniform(0, np.pi)
    way = np.array([np.cos(angle), np.sin(angle), 0.1])
    through = _towards_camera(
        scene.wearer, scene.landmark(Point.NOSE_BASE) + [rng.normal(0, 0.04), rng.normal(0, 0.05), 0], 0.1
    )
    path = through + way * np.linspace(-0.4, 0.4, 4)[:, None]
    return [
        _thing(
            tube(path, float(rng.uniform(0.003, 0.012)), 8),
            Material(paint(rng), float(rng.uniform(0.2, 0.9))),
        )
    ]


def _foreground(scene: _Scene) -> list[Thing]:
    """Somebody's shoulder, a lens cap, a balloon …: a body that cuts off a part of the face."""
    rng = scene.rng
    away = rng.uniform(0.12, min(0.5, 0.6 * float(scene.wearer.view.translation[2])))
    angle = rng.uniform(-0.6, np.pi + 0.6)
    rim = np.array([0.075 * np.cos(angle), -0.09 * np.sin(angle) - 0.03, 0.0])
    size = rng.uniform(0.04, 0.10)
    centre = _towards_camera(scene.wearer, rim * (1 + 0.75 * size / 0.08), away)
    radii = size * np.exp(rng.normal(0, 0.2, 3))
    material = cloth(rng) if rng.random() < 0.6 else Material(paint(rng), float(rng.uniform(0.1, 0.7)))
    return [_thing(ball(centre, radii, 20), material)]


_MAKERS: dict[str, Callable[[_Scene], list[Thing]]] = {
    "hand on chin": _on_chin,
    "hand on cheek": _on_cheek,
    "hand over mouth": _over_mouth,
    "hand on brow": _on_brow,
    "hand before eye": _before_eye,
    "pointing": _pointing,
    "waving": _waving,
    "phone at ear": _phone_at_ear,
    "drinking": _drinking,
    "microphone": _microphone,
    "eating": _eating,
    "camera": _camera,
    "phone": _held_phone,
    "paper": _paper,
    "twigs": _twigs,
    "strings": _strings,
    "stick": _stick,
    "foreground": _foreground,
}
