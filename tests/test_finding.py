"""Faces that are turned in the plane, small, cut by the frame; faces that are not reliable."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from fake_data import canonical_face
from followers import made_face

from fauxface.faces import Framing, landmark_box, roll_of
from fauxface.inference import Detection, Landmarker, Landmarks, Tracker, draw_box
from fauxface.inference.face import visible_inside
from fauxface.inference.places import STRAIGHT, TURNED, place_of, place_of_points, turn_of
from fauxface.inference.reliability import Limits, misfit, points_apart
from fauxface.inference.search import SEEN, find_faces, finest_side, one_head, turned_back, turned_views
from fauxface.inference.styles import draw_faces
from fauxface.landmarks import FACE_SYNTHETICS70, five_points
from fauxface.pose import mean_head

SCHEME = FACE_SYNTHETICS70.name
BOX = Framing("box", 1.3)


def turned(points: np.ndarray, angle: float) -> np.ndarray:
    """Points turned clockwise as seen, about their mean."""
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    return (points - points.mean(0)) @ turn + points.mean(0)


def face(angle: float = 0.0, x: float = 200.0, y: float = 150.0, radius: float = 40.0) -> np.ndarray:
    """Landmarks of the mean head from the front, turned."""
    points = mean_head()[:, :2] * [1, -1]
    return turned(radius * (points - points.mean(0)) / np.abs(points).max() + [x, y], angle)


# --- turned crops


def test_crops_of_upright_faces_stay_as_they_were():
    for degrees in (-15, -7, 0, 14.9):
        points = face(math.radians(degrees))
        five = five_points(points, FACE_SYNTHETICS70)
        off = abs(roll_of(five))
        if off <= STRAIGHT:
            box = landmark_box(points, SCHEME)
            assert place_of(BOX, box, five) is box
            np.testing.assert_array_equal(place_of_points(BOX, points, SCHEME), box)


@pytest.mark.parametrize("degrees", [-170, -90, -45, 31, 60, 135, 180])
def test_a_turned_face_is_upright_and_as_large_in_its_crop(degrees: float):
    points = face(math.radians(degrees))
    crop = BOX.crop(place_of_points(BOX, points, SCHEME), 64)
    straight = BOX.crop(place_of_points(BOX, face(), SCHEME), 64)
    assert roll_of(five_points(crop.to_crop(points), FACE_SYNTHETICS70)) == pytest.approx(0, abs=0.03)
    assert crop.scale == pytest.approx(straight.scale, rel=0.03)
    found = place_of(BOX, landmark_box(points, SCHEME), five_points(points, FACE_SYNTHETICS70))
    assert found[4] == pytest.approx(crop.angle)


def test_the_crop_turns_without_a_jump():
    rolls = np.radians(np.linspace(-60, 60, 2401))
    angles = np.array([turn_of(roll) for roll in rolls])
    assert np.abs(np.diff(angles)).max() < math.radians(0.2)
    assert (np.diff(angles) >= 0).all()
    assert turn_of(TURNED) == TURNED


def test_other_framings_are_left_alone():
    points = face(1.0)
    five = five_points(points, FACE_SYNTHETICS70)
    for kind in ("level", "five-points"):
        framing = Framing(kind, 1.3)
        box = landmark_box(points, SCHEME)
        np.testing.assert_array_equal(place_of(framing, box, five), framing.place(box, five))
        np.testing.assert_array_equal(place_of_points(framing, points, SCHEME), framing.place(box, five))


# --- a world of discs: detector and model see bright discs with a dark chin


class Discs:
    """A detector of bright discs of 16 to 300 px that stand upright, as a picture shows them, and a model of them.

    A disc has a dark half; the face is upright if that is the lower half.
    """

    name, licence, input_size, scheme = "discs", "none", 64, SCHEME

    def __init__(self) -> None:
        self.views: list[tuple[int, ...]] = []

    def __call__(self, image: np.ndarray) -> list[Detection]:
        self.views.append(image.shape[:2])
        bright = (image[..., 0] > 180).astype(np.uint8)
        count, _, stats, centres = cv2.connectedComponentsWithStats(bright)
        found = []
        for i in range(1, count):
            x0, y0, width, height, _ = (int(v) for v in stats[i])
            if 16 <= max(width, height) <= 300:
                below = image[min(int(centres[i][1] + 0.75 * height), len(image) - 1), int(centres[i][0]), 0]
                if below < 60:
                    box = np.array([x0, y0, x0 + width, y0 + 2 * height], float)
                    found.append(Detection(box, 0.9, five_points(at_box(box), FACE_SYNTHETICS70)))
        return found

    def find(self, image: Any, places: Any) -> Landmarks:
        points = np.stack([turned(at_box(place[:4]), place[4] if len(place) == 5 else 0.0) for place in places])
        return Landmarks(points, np.full(points.shape[:2], 0.7)) if len(places) else Landmarks(points, points[..., 0])


def at_box(box: np.ndarray) -> np.ndarray:
    """The mean head's points in a box."""
    points = face()
    own = landmark_box(points, SCHEME)
    scale = (box[2:] - box[:2]).max() / (own[2:] - own[:2]).max()
    return (points - (own[:2] + own[2:]) / 2) * scale + (box[:2] + box[2:]) / 2


def disc(picture: np.ndarray, x: int, y: int, radius: int, turns: int = 0) -> None:
    """A half disc, bright above and dark below, turned clockwise by quarters."""
    cv2.ellipse(picture, (x, y), (radius, radius), 90 * turns, 180, 360, (220,) * 3, -1)
    cv2.ellipse(picture, (x, y), (radius, radius), 90 * turns, 0, 180, (20,) * 3, -1)


def landmarker(**options: Any) -> Landmarker:
    world: Any = Discs()
    card: Any = SimpleNamespace(crop="box", crop_margin=1.3, reliable={"apart": 1.0})
    made = Landmarker(world, card, world, **options)

    def find(image: Any, places: Any) -> Landmarks:
        return world.find(image, places) if len(places) else Landmarks(np.zeros((0, 70, 2)), np.zeros((0, 70)))

    made.landmarks = find  # type: ignore[method-assign]
    return made


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_faces_turned_by_quarters_are_found(turns: int):
    picture = np.full((300, 400, 3), 110, np.uint8)
    disc(picture, 150, 120, 40, turns)
    assert [len(landmarker(turned=False)(picture))] == [1 if turns == 0 else 0]
    find = landmarker(turned=True)
    [one] = find(picture)
    centre = (one.box[:2] + one.box[2:]) / 2
    np.testing.assert_allclose(centre, [150, 120], atol=25)
    roll = roll_of(five_points(one.landmarks, FACE_SYNTHETICS70))
    assert math.cos(roll - turns * math.pi / 2) > 0.95
    assert len(find.detector.views) == (1 if turns == 0 else 4)  # type: ignore[attr-defined]


@pytest.mark.parametrize("upright", [0.35, 0.8])
def test_a_face_that_passes_for_an_upright_one_is_looked_at_turned_if_its_scores_are_low(upright: float):
    """Seen upside down with scores of a sure face, it is believed; with low ones, the turned view's higher ones win."""
    picture = np.full((300, 400, 3), 110, np.uint8)
    disc(picture, 150, 120, 40, 2)
    find = landmarker(turned=True)
    world: Any = find.detector
    wrong = Detection(box := np.array([110.0, 100, 190, 180]), 0.9, five_points(at_box(box), FACE_SYNTHETICS70))

    def detect(image: np.ndarray) -> list[Detection]:
        return [wrong] if image is picture else world(image)

    def landmarks(image: Any, places: Any) -> Landmarks:
        found = world.find(image, places)
        found.scores[[len(place) == 4 for place in places]] = upright
        return found

    find.detector, find.landmarks = detect, landmarks  # type: ignore[assignment,method-assign]
    [one] = find(picture)
    assert one.reliable
    assert abs(roll_of(five_points(one.landmarks, FACE_SYNTHETICS70))) == pytest.approx(
        0 if upright > 0.5 else math.pi, abs=0.1
    )


def test_a_reading_as_upright_as_the_one_that_is_there_does_not_take_its_place():
    """Another view of the same reading is only another crop, and the scores do not tell which is better."""
    picture = np.full((300, 400, 3), 110, np.uint8)
    disc(picture, 150, 120, 40)
    find = landmarker(turned=True)
    world: Any = find.detector
    asked: list[int] = []
    low, better = world(picture), [Detection(one.box + 5, 0.9, one.points + 5) for one in world(picture)]

    def detect(image: np.ndarray) -> list[Detection]:
        if image is picture:
            return low
        asked.append(image.shape[0])
        return turned_back(better, 3, image.shape) if asked == [400] else []  # in the picture's first turned view

    def landmarks(image: Any, places: Any) -> Landmarks:
        found = world.find(image, places)
        found.scores[:] = 0.4 if np.allclose(places[0][:4], place_of(BOX, low[0].box, low[0].points)[:4]) else 0.7
        return found

    find.detector, find.landmarks = detect, landmarks  # type: ignore[assignment,method-assign]
    [one] = find(picture)
    assert one.scores.mean() == pytest.approx(0.4)


def test_one_head_has_boxes_that_overlap_or_whose_middle_lies_within():
    box = np.array([0.0, 0, 100, 100])
    others = [box + 10, np.array([40.0, 40, 60, 60]), np.array([60.0, -60, 130, 60]), np.array([80.0, 0, 180, 100])]
    assert one_head(box, others, [False] * 4).tolist() == [True, True, False, False]
    assert one_head(box, others, [True] * 4).tolist() == [True, True, True, True]
    assert one_head(box, [np.array([30.0, -60, 100, 40])], [False]).tolist() == [False]
    assert one_head(box, [np.array([-40.0, -100, 60, 55])], [False]).tolist() == [True]
    assert one_head(box, [np.array([95.0, 0, 195, 100])], [True]).tolist() == [False]
    assert one_head(box, [], []).tolist() == []


def test_turned_views_come_back():
    image = np.random.default_rng(0).integers(0, 256, (30, 50, 3)).astype(np.uint8)
    for view, quarters in turned_views(image):
        point = np.array([7.0, 4.0])  # of the view
        seen = Detection(np.array([5.0, 2, 9, 6]), 0.9, np.tile(point, (5, 1)))
        [back] = turned_back([seen], quarters, image.shape)
        assert back.points is not None
        x, y = back.points[0].astype(int)
        np.testing.assert_array_equal(image[y, x], view[4, 7])
        np.testing.assert_allclose((back.box[:2] + back.box[2:]) / 2, [x, y])


# --- detail


def test_small_faces_of_a_large_picture_are_found_with_detail():
    picture = np.full((2000, 3000, 3), 110, np.uint8)
    places = [(100 + 700 * i, 120 + 450 * j) for i in range(5) for j in range(5)]
    for x, y in places:
        disc(picture, x, y, 20)

    class Reduced(Discs):
        def __call__(self, image: np.ndarray) -> list[Detection]:
            scale = min(1.0, 0.6 * SEEN / max(image.shape[:2]))
            small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            found = super().__call__(small)
            return [Detection(one.box / scale, one.score) for one in found]

    detector: Any = Reduced()
    assert find_faces(detector, picture, "low") == []
    found = find_faces(detector, picture, "auto")
    centres = sorted(tuple(((one.box[:2] + one.box[2:]) / 2).round(-2).astype(int)) for one in found)
    assert len(found) == len(places) == len(set(centres))


@pytest.mark.parametrize("longer", [40, 640, 900, 1280, 3000, 9000])
def test_high_is_finer_than_auto_and_no_view_is_larger_than_a_tile(longer: int):
    assert finest_side(longer, "auto") <= finest_side(longer, "high") <= 4 * longer
    detector: Any = Discs()
    find_faces(detector, np.full((longer // 2, longer, 3), 110, np.uint8), "auto")
    assert max(max(shape) for shape in detector.views[1:]) <= SEEN + 2


# --- cut by the frame


def test_a_face_that_the_frame_cuts_is_found_with_a_border():
    class Whole(Discs):
        """Sees no disc that touches the frame."""

        def __call__(self, image: np.ndarray) -> list[Detection]:
            ends = np.array(image.shape[1::-1]) - 1
            return [one for one in super().__call__(image) if (one.box[:2] > 0).all() and (one.box[2:] < ends).all()]

    picture = np.full((300, 400, 3), 110, np.uint8)
    disc(picture, 10, 150, 40)
    detector: Any = Whole()
    assert find_faces(detector, picture, "low") == []
    [one] = find_faces(detector, picture, "auto")
    np.testing.assert_allclose(one.box[2:], [50, 187], atol=9)


def test_points_outside_the_picture_are_not_visible():
    points = np.array([[-1.0, 5], [-0.4, 5], [9.4, 5], [9.6, 5], [5, 20]])
    np.testing.assert_array_equal(visible_inside(points, None, (10, 10, 3)), [0, 1, 1, 0, 0])
    np.testing.assert_array_equal(visible_inside(points, np.full(5, 0.9), (10, 10, 3)), [0, 0.9, 0.9, 0, 0])
    assert visible_inside(points[1:3], None, (10, 10, 3)) is None


# --- reliable


def test_a_face_is_reliable_by_score_shape_and_the_detectors_points():
    limits, points = Limits(0.3, 0.05, 0.25), face(0.4)
    scores, five = np.full(70, 0.5), five_points(points, FACE_SYNTHETICS70)
    assert limits.hold(points, scores, SCHEME, five)
    assert limits.hold(points, scores, SCHEME)
    assert not limits.hold(points, scores - 0.3, SCHEME)
    assert not limits.hold(points + np.random.default_rng(0).normal(0, 8, points.shape), scores, SCHEME)
    assert not limits.hold(points, scores, SCHEME, turned(five, math.pi))
    assert not limits.hold(points * np.nan, scores, SCHEME)
    assert misfit(points, SCHEME) < 1e-9
    assert points_apart(points, SCHEME, five + [8, 0]) == pytest.approx(8 / np.ptp(points[:68], axis=0).max(), rel=0.01)


def test_limits_come_from_the_card_and_else_are_general():
    assert Limits.of_card({"score": 0.7}) == Limits(score=0.7)
    assert Limits.of_card({}) == Limits()
    assert Limits.of_card({"score": "much"}) == Limits()


def test_json_and_drawings_show_what_is_not_reliable():
    from dataclasses import replace

    sure = made_face()
    doubtful = replace(sure, reliable=False)
    assert (sure.to_dict()["reliable"], doubtful.to_dict()["reliable"]) == (True, False)
    image = np.zeros((160, 200, 3), np.uint8)
    colours = draw_faces(image, [doubtful]).reshape(-1, 3).astype(int)
    assert np.ptp(colours, axis=1).max() == 0  # grey
    assert np.ptp(draw_faces(image, [sure]).reshape(-1, 3).astype(int), axis=1).max() > 50
    box = np.array([10.0, 10, 110, 110])
    dashed = draw_box(image, box, reliable=False)[10, 12:108].max(axis=1)
    assert dashed.min() == 0
    assert dashed.max() > 200
    assert draw_box(image, box)[10, 12:108].max(axis=1).min() > 200


def test_a_followed_face_says_whether_it_is_reliable():
    picture = np.full((300, 400, 3), 110, np.uint8)
    disc(picture, 150, 120, 40)
    find = landmarker()
    follow = Tracker(find)
    assert [one.reliable for one in follow.update(picture, 0.0)] == [True]
    find.card.reliable["score"] = 0.9
    assert [one.reliable for one in follow.update(picture, 0.1)] == [False]


def test_the_canonical_face_of_the_tests_has_a_shape_that_heads_have():
    assert misfit(canonical_face(), SCHEME) < 0.2
