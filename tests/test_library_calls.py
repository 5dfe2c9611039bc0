"""A ``Landmarker`` called with what programs have, and ``Face`` as a value: equality, pickles, other libraries."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from followers import SCHEME, made_face
from PIL import Image

from fauxface.faces import landmark_box
from fauxface.inference import Face, Landmarker
from fauxface.inference.crops import Landmarks
from fauxface.inference.detectors import Detection
from fauxface.inference.drawing import draw_landmarks
from fauxface.inference.inputs import to_image
from fauxface.landmarks import SCHEMES, edges, scheme_of
from fauxface.pose import Camera, head_pose


class Red:
    """Finds a face in the red part of a picture, with a box as large as it."""

    name, licence = "red", "none"

    def __call__(self, image: np.ndarray) -> list[Detection]:
        rows, columns = np.nonzero((image[..., 0] > 200) & (image[..., 2] < 50))
        if not len(rows):
            return []
        return [Detection(np.array([columns.min(), rows.min(), columns.max(), rows.max()], float), 0.9)]


class Corners:
    """A model that finds all points in the middle of its crop."""

    scheme, input_size = SCHEME, 64

    def predict(self, crops: np.ndarray) -> Landmarks:
        return Landmarks(np.full((len(crops), 70, 2), 31.5), np.ones((len(crops), 70)))


@pytest.fixture(scope="module")
def landmarker() -> Landmarker:
    model: Any = Corners()
    card: Any = SimpleNamespace(licence="Apache-2.0", lane="clean", crop="box", crop_margin=1.3)
    return Landmarker(model, card, Red())


def picture(x: int = 30) -> np.ndarray:
    image = np.zeros((80, 120, 3), np.uint8)
    image[20:41, x : x + 21] = [255, 60, 0]
    return image


def centre(face: Face) -> list[float]:
    return face.landmarks[0].round(3).tolist()


def test_one_picture_in_every_form(landmarker: Landmarker, tmp_path: Path):
    path = tmp_path / "a.png"
    Image.fromarray(picture()).save(path)
    turned = Image.fromarray(np.rot90(picture(), -1))  # lies on its side, and says so
    exif = Image.Exif()
    exif[0x0112] = 8
    turned.save(tmp_path / "turned.png", exif=exif)
    bgr = np.ascontiguousarray(picture()[..., ::-1])
    forms: list[Any] = [str(path), path, Image.open(path), Image.open(path).convert("RGBA"), picture()]
    forms += [tmp_path / "turned.png", Image.open(tmp_path / "turned.png")]
    found = [landmarker(form) for form in forms] + [landmarker(bgr, bgr=True), landmarker(path, bgr=True)]
    assert [centre(face) for [face] in found] == [[40, 30]] * 9
    assert landmarker(bgr) == []


def test_lists_give_lists_and_generators_are_lazy(landmarker: Landmarker, tmp_path: Path):
    Image.fromarray(picture(50)).save(tmp_path / "a.png")
    several = [picture(10), str(tmp_path / "a.png"), np.zeros((50, 50, 3), np.uint8)]
    expected = [[[20, 30]], [[60, 30]], []]
    for given in (several, tuple(several)):
        found = landmarker(given)
        assert isinstance(found, list)
        assert [[centre(face) for face in faces] for faces in found] == expected
    assert landmarker([]) == []
    taken = []

    def pictures() -> Iterator[Any]:
        for one in several:
            taken.append(one)
            yield one

    lazy = landmarker(pictures())
    assert (taken, iter(lazy) is lazy) == ([], True)
    assert [centre(face) for face in next(lazy)] == [[20, 30]]
    assert len(taken) == 1
    assert [[centre(face) for face in faces] for faces in lazy] == expected[1:]


def test_a_long_list_is_taken_in_parts_and_in_order(landmarker: Landmarker):
    found = landmarker([picture(i) for i in range(70)])
    assert [centre(face) for [face] in found] == [[i + 10, 30] for i in range(70)]


@pytest.mark.parametrize(
    "wrong", [None, 3, b"photo.jpg", {"image": 1}, object(), [None], [[picture()]], np.zeros((4, 4)), picture() / 255]
)
def test_anything_else_is_one_clear_line(landmarker: Landmarker, wrong: Any):
    with pytest.raises(ValueError, match=r"^an image is an? .*, not [^\n]+$"):
        landmarker(wrong)


def test_a_missing_or_damaged_file_is_one_line(landmarker: Landmarker, tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"gone\.jpg: there is no such file"):
        landmarker(tmp_path / "gone.jpg")
    Image.fromarray(picture()).save(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:60])
    for form in (tmp_path / "a.png", Image.open(tmp_path / "a.png")):
        with pytest.raises(ValueError, match=r"a\.png: cannot be read"):
            landmarker(form)


def test_16_bits_and_palettes_are_read_as_from_their_files(tmp_path: Path):
    for name, image in (
        ("deep.png", Image.fromarray((np.arange(400).reshape(20, 20) * 160).astype(np.uint16))),
        ("palette.png", Image.fromarray(picture()).quantize(8)),
    ):
        image.save(tmp_path / name)
        np.testing.assert_array_equal(to_image(Image.open(tmp_path / name)), to_image(tmp_path / name))


# --- faces as values


def whole() -> Face:
    """A face with everything."""
    face = made_face(300, 200, number=3)
    pose = head_pose(face.landmarks, SCHEME, Camera.guess(640, 480))
    told: Any = {"visibility": np.linspace(0, 1, 70), "sigma": np.full(70, 1.5), "extra": {"gaze": np.eye(3)[0]}}
    return replace(face, pose=pose, detector_box=np.arange(4.0), **told)


def test_faces_are_equal_by_value_and_travel_in_pickles():
    face = whole()
    face.box  # noqa: B018  kept once computed
    for same in (whole(), copy.deepcopy(face), pickle.loads(pickle.dumps(face))):
        assert same == face
        np.testing.assert_array_equal(same.box, face.box)
    assert replace(face, landmarks=face.landmarks * np.nan) == replace(face, landmarks=face.landmarks * np.nan)
    assert face != "a face"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("landmarks", np.zeros((70, 2))),
        ("scores", np.zeros(70)),
        ("visibility", None),
        ("detection_score", 0.1),
        ("scheme", "ibug68"),
        ("pose", None),
        ("id", 4),
        ("sigma", np.ones(70)),
        ("extra", {"gaze": np.eye(3)[1]}),
        ("extra", {}),
        ("detector_box", np.ones(4)),
    ],
)
def test_faces_that_differ_in_anything_are_not_equal(name: str, value: object):
    assert replace(whole(), **{name: value}) != whole()


def test_a_face_is_shown_in_a_few_words():
    assert repr(made_face(100, 80, 40, 7)).startswith("Face(box=(6")
    assert repr(made_face(100, 80, 40, 7)).endswith("), score=0.90, id=7, 70 points)")
    assert "id" not in repr(made_face(number=None))
    assert len(repr(whole())) < 80


def test_supervision_takes_faces_and_draws_their_edges():
    import supervision

    face = replace(whole(), visibility=np.where(np.arange(70) < 17, 0.1, 0.9))
    points = face.to_supervision()
    np.testing.assert_allclose(points.xy, face.landmarks[None], rtol=1e-6)
    assert points.visible is not None
    assert points.visible.sum() == 53
    joined: Any = [(a + 1, b + 1) for a, b in edges(face.scheme)]
    drawn = supervision.EdgeAnnotator(thickness=1, edges=joined).annotate(np.zeros((480, 640, 3), np.uint8), points)
    nose = face.landmarks[[28, 29]].mean(0).round().astype(int)
    jaw = face.landmarks[[4, 5]].mean(0).round().astype(int)
    assert drawn[nose[1] - 1 : nose[1] + 2, nose[0] - 1 : nose[0] + 2].any()
    assert not drawn[jaw[1] - 1 : jaw[1] + 2, jaw[0] - 1 : jaw[0] + 2].any()  # said to be hidden


def test_without_supervision_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "supervision", None)
    with pytest.raises(ValueError, match="pip install 'supervision"):
        whole().to_supervision()


def test_faces_load_no_heavy_library():
    code = "import sys, fauxface.inference.face, fauxface.inference.result, fauxface.inference.inputs\n"
    code += "print([m for m in ('torch', 'scipy', 'matplotlib', 'supervision') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- edges


@pytest.mark.parametrize("name", [*SCHEMES, "wflw98&cofw29", "ibug68&cofw29"])
def test_edges_join_points_of_one_part_and_are_those_that_are_drawn(name: str):
    scheme = scheme_of(name)
    pairs = edges(name)
    assert len(set(pairs)) == len(pairs)
    part = {i: group for group, points in scheme.groups.items() for i in points}
    assert all(part[a] == part[b] and a != b for a, b in pairs)
    rng = np.random.default_rng(1)
    points = rng.uniform(20, 480, (scheme.count, 2))
    drawn = draw_landmarks(np.zeros((500, 500, 3), np.uint8), points, name, points=False)
    for a, b in pairs:
        x, y = ((points[a] + points[b]) / 2).round().astype(int)
        assert drawn[y - 2 : y + 3, x - 2 : x + 3].any(), (a, b)
    assert drawn.any() == bool(pairs)


def test_ibugs_edges_are_those_that_everybody_draws():
    found = edges("ibug68")
    assert len(found) == 16 + 4 + 4 + 3 + 4 + 6 + 6 + 12 + 8
    assert {(36, 37), (41, 36), (0, 1), (59, 48), (67, 60)} <= set(found)
    assert (16, 17) not in found
    assert edges("face_synthetics70") == found


def test_the_box_of_every_face_is_its_landmarks(landmarker: Landmarker):
    [face] = landmarker(picture())
    np.testing.assert_array_equal(face.box, landmark_box(face.landmarks, SCHEME))
    np.testing.assert_array_equal(face.detector_box, [30, 20, 50, 40])
