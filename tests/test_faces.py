from dataclasses import replace

import numpy as np
import pytest
from fake_data import canonical_face
from hypothesis import given, settings
from hypothesis import strategies as st

from fauxface.faces import FRONTAL_POINTS, Crop, Framing, box_iou, landmark_box

coordinates = st.floats(-2000, 2000)
crops = st.builds(Crop, coordinates, coordinates, st.floats(0.05, 40), st.integers(8, 512), st.floats(-4, 4))


@given(crops, st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=8))
def test_there_and_back(crop: Crop, points: list[tuple[float, float]]):
    there = np.array(points)
    np.testing.assert_allclose(crop.to_image(crop.to_crop(there)), there, atol=1e-3)
    np.testing.assert_allclose(crop.to_crop(crop.to_image(there)), there, atol=1e-3)


def test_the_designs_formula():
    """Crop pixel u is image pixel x0 + (u + 0.5)·s − 0.5."""
    crop = Crop(x0=10, y0=-4, scale=2.5, size=8)
    assert crop.to_image(np.array([0.0, 3.0])).tolist() == pytest.approx([10 + 1.25 - 0.5, -4 + 3.5 * 2.5 - 0.5])


@given(
    st.tuples(coordinates, coordinates),
    st.floats(1, 1000),
    st.floats(1, 1000),
    st.integers(8, 512),
    st.floats(1, 3),
)
def test_a_crop_around_a_box(corner: tuple[float, float], width: float, height: float, size: int, margin: float):
    """Its centre is the box's, and its side ``margin`` times the box's longer one."""
    box = np.array([*corner, corner[0] + width, corner[1] + height])
    crop = Crop.around(box, size, margin)
    centre = crop.to_image(np.full(2, (size - 1) / 2))
    np.testing.assert_allclose(centre, [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2], atol=1e-6)
    assert crop.scale * size == pytest.approx(margin * max(width, height))
    inside = crop.to_crop(box.reshape(2, 2))
    assert (inside >= -0.5 - 1e-6).all()
    assert (inside <= size - 0.5 + 1e-6).all()


@pytest.mark.parametrize("box", [[0, 0, 0, 0], [5, 5, 4, 4], [0, 0, np.nan, 1], [0, 0, np.inf, 1]])
def test_a_box_without_extent_is_refused(box: list[float]):
    with pytest.raises(ValueError, match="must have a positive, finite size"):
        Crop.around(np.array(box, float), 64)


@given(crops, st.integers(0, 100), st.tuples(coordinates, coordinates))
def test_a_padded_crop_is_aligned(crop: Crop, padding: int, point: tuple[float, float]):
    wide = crop.padded(padding)
    assert wide.size == crop.size + 2 * padding
    np.testing.assert_allclose(wide.to_crop(np.array(point)), crop.to_crop(np.array(point)) + padding, atol=1e-6)


@settings(deadline=None, max_examples=40)
@given(st.floats(0.3, 6), st.floats(40, 60), st.floats(40, 60), st.integers(1, 12))
def test_the_middle_of_a_padded_crop_is_the_crop(scale: float, x0: float, y0: float, padding: int):
    """Within the rounding of two resamplings, on a smooth image."""
    image = _smooth(300, 300)
    crop = Crop(x0, y0, scale, size=24)
    middle = crop.padded(padding).extract(image)[padding:-padding, padding:-padding]
    assert np.abs(middle.astype(int) - crop.extract(image)).max() <= 2


def _smooth(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / 40 + phase) * np.cos(y / 50 - phase) for phase in (0, 1, 2)]
    return np.round(127.5 + 120 * np.stack(waves, -1)).astype(np.uint8)


def _ramp(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """An image that rises linearly to the right (red), down (green) and both ways (blue), and its exact slopes."""
    y, x = np.mgrid[:height, :width]
    slopes = np.array([[255 / (width - 1), 0], [0, 255 / (height - 1)], [127 / (width - 1), 128 / (height - 1)]])
    exact = np.stack([x, y], -1) @ slopes.T
    return np.round(exact).astype(np.uint8), slopes


@settings(deadline=None, max_examples=100)
@given(st.floats(0.1, 12), st.floats(0, 1), st.floats(0, 1), st.integers(8, 40))
def test_pixels_come_from_where_the_transform_says(scale: float, left: float, top: float, size: int):
    """A ramp stays the ramp, shrunk or enlarged, within the rounding of values, which is less than a pixel here."""
    width, height = 128, 112
    image, slopes = _ramp(height, width)
    scale = min(scale, 80 / size)
    crop = Crop(12 + left * (width - 24 - scale * size), 12 + top * (height - 24 - scale * size), scale, size)
    v, u = np.mgrid[:size, :size]
    expected = crop.to_image(np.stack([u, v], -1).astype(float)) @ slopes.T
    # three roundings of half a value each: the ramp, the average, the warp; and its positions at 1/32 px
    assert np.abs(crop.extract(image) - expected).max() <= 1.6


@pytest.mark.parametrize("scale", [0.25, 0.5, 1.0, 2.0, 3.7, 8.0])
def test_no_shift_of_a_steep_ramp(scale: float):
    """To a twentieth of an image pixel (and of a crop pixel): one value is 1/8 px here."""
    x = np.arange(400)
    wave = 127.5 + 120 * np.sin(x * 2 * np.pi / 100)
    image = np.repeat(np.repeat(np.round(wave).astype(np.uint8)[None, :, None], 400, 0), 3, 2)
    size = round(300 / scale)
    crop = Crop(50.3, 50.3, scale, size)
    columns = crop.to_image(np.stack([np.arange(size)] * 2, -1).astype(float))[:, 0]
    found = crop.extract(image)[size // 2, :, 0].astype(float)
    basis = np.stack([np.sin(columns * 2 * np.pi / 100), np.cos(columns * 2 * np.pi / 100), np.ones(size)], -1)
    sine, cosine, _ = np.linalg.lstsq(basis, found, rcond=None)[0]
    shift = np.arctan2(cosine, sine) * 100 / (2 * np.pi)
    assert abs(shift) < 0.05 * max(1.0, scale / 2)


def test_shrinking_averages_areas():
    """A chequerboard of single pixels turns grey: no aliasing."""
    board = np.repeat(((np.indices((256, 256)).sum(0) % 2) * 255).astype(np.uint8)[..., None], 3, 2)
    small = Crop(16, 16, 7.0, 32).extract(board)
    assert np.abs(small.astype(int) - 127.5).max() < 12


def test_an_untouched_crop_is_the_image():
    image = _smooth(64, 64)
    np.testing.assert_array_equal(Crop(0, 0, 1, 64).extract(image), image)
    np.testing.assert_array_equal(Crop(3, 5, 1, 32).extract(image), image[5:37, 3:35])


@settings(deadline=None, max_examples=50)
@given(st.floats(-500, 500), st.floats(-500, 500), st.floats(0.1, 30), st.integers(8, 64))
def test_any_crop_of_any_place_has_pixels(x0: float, y0: float, scale: float, size: int):
    """Outside the border repeats: no value that the image does not have."""
    image = np.full((37, 53, 3), (10, 20, 30), np.uint8)
    crop = Crop(x0, y0, scale, size).extract(image)
    assert crop.shape == (size, size, 3)
    assert (crop == [10, 20, 30]).all()


def five(turn: float = 0.0, scale: float = 50.0, x: float = 120.0, y: float = 90.0) -> np.ndarray:
    """`FRONTAL_POINTS` turned by ``turn`` (radians, x towards y), enlarged and moved."""
    cosine, sine = scale * np.cos(turn), scale * np.sin(turn)
    return np.array(FRONTAL_POINTS) @ np.array([[cosine, sine], [-sine, cosine]]) + [x, y]


@given(st.floats(-3, 3), st.floats(4, 400), coordinates, coordinates, st.integers(16, 256), st.floats(1, 2))
def test_a_crop_on_five_points_sets_them_upright(
    turn: float, scale: float, x: float, y: float, size: int, margin: float
):
    crop = Crop.on_points(five(turn, scale, x, y), size, margin)
    assert crop.angle == pytest.approx(turn, abs=1e-6)
    assert crop.scale * size == pytest.approx(margin * scale)
    expected = (np.array(FRONTAL_POINTS) / margin + 0.5) * size - 0.5
    np.testing.assert_allclose(crop.to_crop(five(turn, scale, x, y)), expected, atol=1e-3)


def test_a_crop_on_five_points_is_the_least_squares_one():
    """No other similarity brings points of a face that is not frontal nearer."""
    points = five(0.3) + np.random.default_rng(0).normal(0, 4, (5, 2))
    best = Crop.on_points(points, 100, 1.0)
    wanted = (np.array(FRONTAL_POINTS) + 0.5) * 100 - 0.5

    def cost(crop: Crop) -> float:
        return float(np.square(crop.to_image(wanted) - points).sum())

    for change in ({"x0": 0.05}, {"y0": 0.05}, {"scale": 0.002}, {"angle": 0.004}):
        for sign in (1, -1):
            other = replace(best, **{name: getattr(best, name) + sign * step for name, step in change.items()})
            assert cost(other) > cost(best)


@pytest.mark.parametrize("points", [np.zeros((5, 2)), np.full((5, 2), np.nan)])
def test_five_points_at_one_place_are_refused(points: np.ndarray):
    with pytest.raises(ValueError, match="five points that lie at one place"):
        Crop.on_points(points, 64)


@pytest.mark.parametrize(("scale", "angle"), [(0.6, 0.4), (1.0, -2.0), (2.7, 0.7), (5.0, 3.0)])
def test_pixels_of_a_turned_crop_come_from_where_the_transform_says(scale: float, angle: float):
    image, slopes = _ramp(240, 240)
    size = round(100 / scale)
    middle = Crop(0, 0, scale, size, angle).to_image(np.full(2, (size - 1) / 2))
    crop = Crop(120 - middle[0], 120 - middle[1], scale, size, angle)
    v, u = np.mgrid[:size, :size]
    expected = crop.to_image(np.stack([u, v], -1).astype(float)) @ slopes.T
    assert np.abs(crop.extract(image) - expected).max() <= 1.6


def test_a_framing_takes_what_it_is_laid_by():
    """Without five points a box has to do: upright, as large as a frontal face's points would have it."""
    box, points = np.array([95.0, 65, 145, 115]), five()
    assert Framing().place(box, points) is box
    by_points = Framing("five-points", 1.4)
    assert by_points.place(box, points) is points
    assert by_points.place(box, None) is box
    a, b = by_points.crop(points, 64), by_points.crop(box, 64)
    assert [a.x0, a.y0, a.scale, a.angle] == pytest.approx([b.x0, b.y0, b.scale, b.angle])
    assert Framing("box", 1.4).crop(box, 64) == Crop.around(box, 64, 1.4)


def test_landmark_box_leaves_the_pupils_out():
    face = canonical_face()
    wide = face.copy()
    wide[68:] = [[-9, -9], [9, 9]]
    np.testing.assert_allclose(landmark_box(wide, "face_synthetics70"), landmark_box(face[:68], "ibug68"))
    np.testing.assert_allclose(landmark_box(face, "face_synthetics70")[[0, 2]], [-1, 1])


def test_box_iou():
    """[0, 2]² and [1, 3]² share 1 of 7; touching and empty boxes share nothing."""
    boxes = np.array([[0, 0, 2, 2], [1, 1, 3, 3], [2, 0, 4, 2], [1, 1, 1, 1]], float)
    np.testing.assert_allclose(box_iou(boxes[:1], boxes)[0], [1, 1 / 7, 0, 0])
    np.testing.assert_allclose(box_iou(boxes[3:], boxes[3:]), [[0]])
