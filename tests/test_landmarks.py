import numpy as np
import pytest
from fake_data import canonical_face, draw_face
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fauxface.landmarks import SCHEMES, Scheme, conversion, convert, five_points, flip, scheme_of

CONVERSIONS = [("face_synthetics70", "ibug68"), ("wflw98", "ibug68"), ("wflw98", "face_synthetics70")]


@pytest.fixture(params=SCHEMES)
def scheme(request: pytest.FixtureRequest) -> Scheme:
    return SCHEMES[request.param]


def test_counts():
    assert {name: scheme.count for name, scheme in SCHEMES.items()} == {
        "ibug68": 68,
        "face_synthetics70": 70,
        "wflw98": 98,
        "cofw29": 29,
        "five5": 5,
    }


def test_every_point_is_in_one_group(scheme: Scheme):
    points = [i for indices in scheme.groups.values() for i in indices]
    assert sorted(points) == list(range(scheme.count))


def test_the_outline_is_all_but_the_pupils(scheme: Scheme):
    pupils = scheme.groups.get("pupils", ())
    assert sorted((*scheme.outline, *pupils)) == list(range(scheme.count))


def test_the_mirror_undoes_itself_and_swaps_right_and_left(scheme: Scheme):
    mirror = np.array(scheme.mirror)
    np.testing.assert_array_equal(mirror[mirror], np.arange(scheme.count))
    swap = {"right_brow": "left_brow", "left_brow": "right_brow", "right_eye": "left_eye", "left_eye": "right_eye"}
    for group, indices in scheme.groups.items():
        assert set(mirror[list(indices)]) == set(scheme.groups[swap.get(group, group)])
    if scheme.eye_corners is not None:
        right, left = scheme.eye_corners
        assert mirror[right] == left
    assert set(mirror[list(scheme.pupils[0])]) == set(scheme.pupils[1])


@given(st.sampled_from(list(SCHEMES.values())), st.integers(1, 5000), st.integers(0, 2**31))
def test_flip_twice_is_the_identity(scheme: Scheme, width: int, seed: int):
    points = np.random.default_rng(seed).uniform(-width, 2 * width, (2, scheme.count, 2))
    once = flip(points, scheme, width)
    np.testing.assert_allclose(flip(once, scheme, width), points, atol=1e-9)
    np.testing.assert_array_equal(once[..., 1], points[:, list(scheme.mirror), 1])


def test_a_symmetric_face_is_its_own_mirror_image():
    """So the permutation pairs the right points: each of a symmetric face falls on its partner."""
    face = canonical_face() * 20 + [31.5, 30]
    np.testing.assert_allclose(flip(face, SCHEMES["face_synthetics70"], 64), face, atol=1e-9)
    np.testing.assert_allclose(flip(face[:68], SCHEMES["ibug68"], 64), face[:68], atol=1e-9)


def test_flip_agrees_with_the_flipped_image():
    """The white of the eye on the image's left is still white where flip says that eye is."""
    face = draw_face(0)
    points = flip(face.landmarks, SCHEMES["face_synthetics70"], face.image.shape[1])
    segmentation = face.segmentation[:, ::-1]
    for first, label in ((36, 3), (42, 4)):  # what was the left eye is now the right one
        x, y = np.round(points[first : first + 6].mean(0)).astype(int)
        assert segmentation[y, x] == label


@pytest.mark.parametrize(("source", "target"), CONVERSIONS)
def test_conversions_keep_what_points_mean(source: str, target: str):
    """Converting and mirroring commute, groups go to groups, eye corners to eye corners."""
    chosen, old, new = conversion(source, target), scheme_of(source), scheme_of(target)
    assert len(chosen) == new.count
    assert len(set(chosen)) == new.count
    np.testing.assert_array_equal(np.array(old.mirror)[chosen], chosen[list(new.mirror)])
    for group, indices in new.groups.items():
        assert set(chosen[list(indices)]) <= set(old.groups[group])
    assert tuple(chosen[list(new.eye_corners or ())]) == old.eye_corners


@given(arrays(np.float64, (3, 98, 2), elements=st.floats(-1e4, 1e4)))
def test_conversions_take_points_along(points: np.ndarray):
    direct = convert(points, "wflw98", "ibug68")
    assert direct.shape == (3, 68, 2)
    np.testing.assert_array_equal(
        convert(convert(points, "wflw98", "face_synthetics70"), "face_synthetics70", "ibug68"), direct
    )
    np.testing.assert_array_equal(convert(points, "wflw98", "wflw98"), points)
    np.testing.assert_array_equal(convert(points[:, :70], "face_synthetics70", "ibug68"), points[:, :68])


def test_what_there_is_not():
    with pytest.raises(ValueError, match="unknown landmark scheme 'aflw'; there are ibug68"):
        scheme_of("aflw")
    with pytest.raises(ValueError, match="no conversion of landmarks from 'ibug68' to 'wflw98'"):
        conversion("ibug68", "wflw98")


def test_five_points_are_the_same_in_every_scheme_that_converts():
    """Eyes' centres right and left, nose tip, mouth's corners right and left; a mirror swaps the sides."""
    face = canonical_face()
    found = five_points(face, SCHEMES["face_synthetics70"])
    assert np.allclose(found, [[-0.435, -0.212], [0.435, -0.212], face[30], face[48], face[54]], atol=0.02)
    np.testing.assert_array_equal(five_points(face[:68], SCHEMES["ibug68"]), found)
    mirrored = five_points(flip(face, SCHEMES["face_synthetics70"], 1), SCHEMES["face_synthetics70"])
    np.testing.assert_allclose(mirrored[[1, 0, 2, 4, 3]] * [-1, 1], found, atol=1e-12)
    names = np.arange(98.0)[:, None].repeat(2, 1)
    same = convert(names, "wflw98", "ibug68")
    ibug, wflw = SCHEMES["ibug68"], SCHEMES["wflw98"]
    assert [same[i, 0] for i in (ibug.nose_tip, *ibug.mouth_corners)] == [wflw.nose_tip, *wflw.mouth_corners]
