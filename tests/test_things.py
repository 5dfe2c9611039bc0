"""Things worn and things in the way: they fit every head, the labels know them, shares of 0 leave none."""

import dataclasses
from functools import cache

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from fauxface.rendering import Recipe, render_frame
from fauxface.rendering.hair.scalp import Skull
from fauxface.rendering.head.expression import sample_expression
from fauxface.rendering.head.identity import sample_identity
from fauxface.rendering.head.model import head_model
from fauxface.rendering.labels.landmarks import landmarks_3d
from fauxface.rendering.occluders.hand import Gesture, load_hand, posed_hand
from fauxface.rendering.occluders.objects import _KINDS as BEFORE
from fauxface.rendering.occluders.objects import sample_object
from fauxface.rendering.person.colours import sample_look
from fauxface.rendering.person.things import sample_things
from fauxface.rendering.photo.camera import FACING, Pose, View
from fauxface.rendering.recipe import WORN
from fauxface.rendering.worn.base import Thing, Wearer, thing_mesh
from fauxface.rendering.worn.clothes import PATTERNS, pattern
from fauxface.rendering.worn.facewear import sample_facewear, sample_headset
from fauxface.rendering.worn.fit import measure
from fauxface.rendering.worn.glasses import sample_glasses
from fauxface.rendering.worn.headwear import KINDS, sample_headwear
from fauxface.rendering.worn.materials import Material
from fauxface.rendering.worn.shapes import ball, box, lathe, tube

NOTHING = dataclasses.replace(Recipe(), **dict.fromkeys(WORN, 0.0))
CELL = 0.001
LOW, HIGH = np.array([-0.12, -0.2]), np.array([0.12, 0.12])
"""What `face_depth` covers: the longest chins and the throat under them as well."""


@cache
def someone(seed: int) -> Wearer:
    rng = np.random.default_rng(seed)
    model = head_model()
    identity = sample_identity(rng, Recipe(), model.bust.names)
    expression = sample_expression(rng, Recipe(), Pose(0.0, 0.0, 0.0, 1.0))
    posed = model.pose(identity, expression, Rotation.identity())
    look = sample_look(rng, Recipe(), identity, model)
    points = landmarks_3d(model, posed, look.brows)
    view = View(FACING, np.array([0, 0, 1.0]), np.array([[600.0, 0, 64], [0, 600, 64], [0, 0, 1]]), 0, 0, 0)
    return Wearer(posed, points, identity, look.face["skin"], view)


@cache
def face_depth(seed: int) -> np.ndarray:
    """The greatest z of the skin over a grid of 1 mm: triangles painted from back to front."""
    model, wearer = head_model(), someone(seed)
    skin = model.fine[(model.part[model.fine] == 0).all(1)]
    corners = wearer.posed.vertices[skin]
    corners = corners[corners[..., 2].max(1) > -0.08]
    columns, rows = np.round((HIGH - LOW) / CELL).astype(int)
    table = np.full((rows, columns), -1.0, np.float32)
    for triangle in corners[corners[..., 2].mean(1).argsort()]:
        pixels = np.round((triangle[:, :2] - LOW) / CELL * 16).astype(np.int32)
        cv2.fillConvexPoly(table, pixels, float(triangle[:, 2].mean()), shift=4)
    return table


def sunk(points: np.ndarray, table: np.ndarray) -> np.ndarray:
    """How far points are behind the face's surface, metres; negative before it and beside it."""
    cells = np.round((points[:, :2] - LOW) / CELL).astype(int)
    column, row = cells.clip(0, np.array(table.shape)[::-1] - 1).T
    known = ((points[:, :2] > LOW) & (points[:, :2] < HIGH)).all(1)
    return np.where(known, table[row, column], -1.0) - points[:, 2]


def reach(things: list[Thing], start: np.ndarray, ways: np.ndarray) -> np.ndarray:
    """How far from a point things reach in directions (N, 3), at the outermost; 0 where there is nothing."""
    corners = np.concatenate([thing.vertices[thing.triangles] for thing in things]) - start
    corners = corners[np.abs(np.linalg.det(corners)) > 1e-14]  # not those that shrink to a line at a crown's middle
    shares = np.einsum("nk,tkc->ntc", ways, np.linalg.inv(corners))  # each way, put together of a triangle's corners
    met = (shares > -1e-6).all(-1)
    return np.where(met, 1 / np.where(met, shares.sum(-1), 1.0), 0.0).max(1)


@pytest.mark.parametrize("seed", range(6))
def test_the_measured_depth_is_the_skins(seed: int):
    table, fit = face_depth(seed), measure(someone(seed))
    x, y = np.meshgrid(np.arange(-0.06, 0.06, CELL), np.arange(-0.16, 0.08, CELL))
    points = np.stack([x.ravel(), y.ravel(), fit.z(np.stack([x, y], axis=-1)).ravel()], axis=1)
    deep = sunk(points, table)
    assert (deep > 0.004).mean() < 0.01  # nowhere is the head's back seen through the face
    assert np.median(np.abs(deep)) < 0.001


@pytest.mark.parametrize("seed", range(6))
def test_glasses_touch_no_face_and_do_not_float(seed: int):
    wearer = someone(seed)
    table, fit = face_depth(seed), measure(wearer)
    bridge = wearer.landmarks[27:29].mean(0)
    for draw in range(17):  # a hundred pairs over all heads
        rng = np.random.default_rng(1000 * seed + draw)
        things, told = sample_glasses(rng, wearer, fit, dark=draw % 3 == 0)
        frame, lenses = things
        front = frame.vertices[frame.vertices[:, 2] > wearer.posed.eyes[0].centre[2] + 0.012]
        assert np.sort(sunk(front, table))[-3:].mean() < 0.0025, told
        assert sunk(lenses.vertices, table).max() < 0.002, told
        if told["place"] == "worn":
            nearest = np.linalg.norm(frame.vertices - bridge, axis=1).min()
            assert nearest < 0.016, told
        for side in range(2):  # temples end at the ears
            ends = np.linalg.norm(frame.vertices - fit.ears[side, 0], axis=1).min()
            assert ends < 0.02 or told["place"] == "raised", told


@pytest.mark.parametrize("name", KINDS)
def test_headwear_covers_the_scalp_and_leaves_the_eyes_free(name: str, monkeypatch):
    monkeypatch.setattr("fauxface.rendering.worn.headwear.KINDS", {name: 1.0})
    for seed in range(4):
        wearer = someone(seed)
        fit = measure(wearer)
        things, cap, told = sample_headwear(np.random.default_rng(seed), fit, glasses_raised=False)
        assert told["kind"] == name
        assert all(np.isfinite(thing.vertices).all() for thing in things)
        cloth = np.concatenate([thing.vertices for thing in things])
        assert {thing.label for thing in things} == {17}
        crown = fit.scalp[:8].reshape(-1, 3)
        if name != "headband":
            middle = fit.scalp[:16].mean((0, 1))
            ways = crown - middle
            # the nearest cloth may be a rim that stands off, so along rays
            assert (reach(things, middle, ways) > 1).all()
        if name == "turban":
            rim = things[0].vertices[: len(things[0].vertices) // 24]
            distance, reaches = Skull(wearer.posed)(rim)
            assert np.median(distance - reaches) < 0.006
        # a brim may hang before the eyes, but nothing touches them
        for eye in wearer.posed.eyes:
            assert np.linalg.norm(cloth - eye.centre, axis=1).min() > 0.016
        assert cap is not None
        inside = ((crown - cap.centre) / cap.radii) ** 2
        assert np.median(inside.sum(1)) < 1.3


@pytest.mark.parametrize("name", BEFORE)
def test_nothing_before_a_face_sinks_into_it(name: str, monkeypatch):
    monkeypatch.setattr("fauxface.rendering.occluders.objects._KINDS", {name: 1.0})
    for seed in range(4):
        wearer = someone(seed)
        table = face_depth(seed)
        things, told = sample_object(np.random.default_rng(seed), wearer, measure(wearer))
        assert told["kind"] == name
        assert {thing.label for thing in things} == {255}
        hand = np.concatenate([thing.vertices for thing in things])
        assert np.isfinite(hand).all()
        if name in ("hand on chin", "hand over mouth", "hand before eye", "drinking", "microphone", "eating"):
            deep = sunk(hand, table)
            assert (deep[np.abs(hand[:, 0]) < 0.05] > 0.006).mean() < 0.02


def test_masks_cover_the_mouth_and_headphones_the_ears():
    for seed in range(4):
        wearer = someone(seed)
        fit, table = measure(wearer), face_depth(seed)
        for draw in range(5):
            things, told = sample_facewear(np.random.default_rng(draw), wearer, fit)
            assert {thing.label for thing in things} == {18}
            if told["kind"] == "mask":
                cloth = things[0].vertices
                assert (sunk(cloth, table) > 0.003).mean() < 0.01
                for point in wearer.landmarks[[51, 57]]:
                    away = np.linalg.norm(cloth[:, :2] - point[:2], axis=1)
                    assert away.min() < 0.008
                    assert cloth[away.argmin(), 2] > point[2]
        things, cap, _ = sample_headset(np.random.default_rng(seed), wearer, fit)
        for ear in fit.ears[:, 1]:
            assert min(np.linalg.norm(thing.vertices - ear, axis=1).min() for thing in things) < 0.03
        assert not cap.hides


def volume(shape) -> float:
    a, b, c = (shape.vertices[shape.triangles[:, k]] for k in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


def test_closed_shapes_face_outwards():
    assert np.isclose(volume(ball(np.ones(3), 0.5, 64)), 4 / 3 * np.pi * 0.125, rtol=0.01)
    assert np.isclose(volume(lathe(np.array([[0, 0], [1, 0], [1, 2], [0, 2.0]]), 64)), 2 * np.pi, rtol=0.01)
    assert np.isclose(volume(box((1, 2, 3), 0.01)), 6, rtol=0.02)
    ring = np.stack([np.cos(t := np.arange(64) * np.pi / 32), np.sin(t), 0 * t], axis=1)
    assert np.isclose(volume(tube(ring, 0.1, 32, closed=True)), 2 * np.pi**2 * 0.01, rtol=0.03)


def test_a_hand_closes_towards_its_palm_and_keeps_its_wrist():
    mesh = load_hand()
    flat = posed_hand(Gesture((0.0,) * 5))
    fist = posed_hand(Gesture((0.5, 1.4, 1.4, 1.4, 1.4)))
    np.testing.assert_allclose(flat.vertices, mesh.vertices, atol=1e-6)
    tip = np.linalg.norm(mesh.vertices - mesh.tips[2], axis=1).argmin()
    assert fist.vertices[tip, 2] > 0.02
    assert fist.vertices[tip, 1] < flat.vertices[tip, 1] - 0.05
    arm = mesh.weights[:, 0] > 0.99
    np.testing.assert_allclose(fist.vertices[arm], flat.vertices[arm], atol=1e-6)


def test_shares_of_nought_leave_only_clothes_and_shares_of_one_bring_everything():
    for seed in range(3):
        wearer = someone(seed)
        bare = sample_things(np.random.default_rng(seed), NOTHING, wearer)
        assert set(bare.names) == {"clothes"}
        assert bare.hair_cap is None
        assert {thing.label for thing in bare.things} <= {15}
        full = dataclasses.replace(Recipe(), **dict.fromkeys(WORN, 1.0) | {"sunglasses": 0.0})
        worn = sample_things(np.random.default_rng(seed), full, wearer)
        assert {"glasses", "headwear", "facewear", "before", "clothes"} <= set(worn.names)
        again = sample_things(np.random.default_rng(seed), full, wearer)
        for one, other in zip(worn.things, again.things, strict=True):
            np.testing.assert_array_equal(one.vertices, other.vertices)


def test_one_share_changes_no_other_kind():
    wearer = someone(3)
    alone = sample_things(np.random.default_rng(5), dataclasses.replace(NOTHING, glasses=1.0), wearer)
    more = sample_things(np.random.default_rng(5), dataclasses.replace(NOTHING, glasses=1.0, before=1.0), wearer)
    assert alone.names["glasses"] == more.names["glasses"]
    np.testing.assert_array_equal(alone.things[0].vertices, more.things[0].vertices)


def test_dark_lenses_hide_the_eyes_from_the_labels_and_clear_ones_do_not(monkeypatch):
    def framed(opacity: float):
        def lens(rng, recipe, wearer):
            worn = sample_things(rng, NOTHING, wearer)
            eye = wearer.posed.eyes[0]
            shape = ball(eye.centre + [0, 0, 0.03], np.array([0.028, 0.022, 0.002]))
            glass = Material(np.full(3, 0.01), 0.05, opacity=opacity)
            worn.things.append(Thing(shape.vertices, shape.triangles, shape.uv, glass, 16, blend=True))
            return worn

        monkeypatch.setattr("fauxface.rendering.person.person.sample_things", lens)
        recipe = dataclasses.replace(NOTHING, yaw=0.0, pitch=0.0, roll=0.0, low_quality=0.0)
        return render_frame(1, 4, 96, recipe)

    dark, clear = framed(0.9), framed(0.3)
    assert sum(dark.meta["visibility"][36:42]) == 0
    assert (dark.labels == 16).sum() > 20
    assert (clear.labels == 16).sum() == 0
    assert sum(clear.meta["visibility"][36:42]) > sum(dark.meta["visibility"][36:42])
    assert (dark.image != clear.image).any()
    mesh = thing_mesh(framed_thing(), someone(0).view)
    assert mesh.hides


def framed_thing() -> Thing:
    shape = ball(np.zeros(3), 0.01)
    return Thing(shape.vertices, shape.triangles, shape.uv, Material(np.ones(3), opacity=0.7), 16, blend=True)


def test_a_neighbour_has_no_label_of_its_own():
    crowded = dataclasses.replace(NOTHING, neighbours=1.0, low_quality=0.0)
    alone = {i: render_frame(2, i, 96, NOTHING) for i in range(3)}
    for index, single in alone.items():
        frame = render_frame(2, index, 96, crowded)
        place = frame.meta["identity"]["neighbour"]["place"]
        np.testing.assert_array_equal(frame.landmarks, single.landmarks)
        changed = frame.labels != single.labels
        assert set(np.unique(frame.labels[changed])) <= {0, 255}
        assert place == "before" or not (frame.labels == 255).any()


def test_patterns_are_told_apart_by_their_keys():
    keys = {pattern(number).key for number in range(PATTERNS)}
    assert len(keys) == PATTERNS
    assert pattern(3).pixels.shape == (128, 128, 4)
