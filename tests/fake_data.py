"""Tiny labelled data sets for tests: drawn faces whose parts lie at their landmarks, so small models can learn them.

Face ``index`` of ``seed`` depends on (seed, index, size) alone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

_OVERSAMPLING = 4


@dataclass(frozen=True)
class FakeFace:
    """Image H×W×3 RGB uint8, its segmentation H×W, 70 landmarks (image pixels), which are seen; its roll."""

    image: np.ndarray
    segmentation: np.ndarray
    landmarks: np.ndarray
    visibility: np.ndarray
    roll: float


def canonical_face(mouth: float = 0.1, eyes: float = 0.07) -> np.ndarray:
    """70 points of an upright face of half width 1 about the origin; how far mouth and eyes are open."""
    angle = np.linspace(0, np.pi, 17)
    jaw = np.stack([-np.cos(angle), 1.25 * np.sin(angle) - 0.1], 1)
    run = np.linspace(-0.8, -0.2, 5)
    right_brow = np.stack([run, -0.42 - 0.1 * np.sin(np.linspace(0.3, 2.6, 5))], 1)
    left_brow = right_brow[::-1] * [-1, 1]
    bridge = np.stack([np.zeros(4), np.linspace(-0.2, 0.22, 4)], 1)
    nostrils = np.stack([np.linspace(-0.2, 0.2, 5), [0.34, 0.37, 0.39, 0.37, 0.34]], 1)
    lid = 1.5 * eyes
    right_eye = np.array([[-0.62, 0], [-0.5, -lid], [-0.37, -lid], [-0.25, 0], [-0.37, eyes], [-0.5, eyes]]) - [0, 0.2]
    left_eye = right_eye[[3, 2, 1, 0, 5, 4]] * [-1, 1]
    outer_x = np.linspace(-0.4, 0.4, 7)
    upper = np.stack([outer_x, 0.68 - mouth / 2 - 0.08 * np.cos(outer_x * np.pi / 0.8)], 1)
    lower_x = np.linspace(0.4, -0.4, 7)[1:-1]
    lower = np.stack([lower_x, 0.68 + mouth / 2 + 0.12 * np.cos(lower_x * np.pi / 0.8)], 1)
    upper[[0, 6], 1] = 0.68
    inner_x = np.linspace(-0.32, 0.32, 5)
    inner_upper = np.stack([inner_x, 0.68 - mouth / 2 * np.cos(inner_x * np.pi / 0.64)], 1)
    inner_lower = (inner_upper[1:-1] * [1, -1] + [0, 1.36])[::-1]
    pupils = np.array([[-0.435, -0.21], [0.435, -0.21]])
    parts = [jaw, right_brow, left_brow, bridge, nostrils, right_eye, left_eye]
    return np.concatenate([*parts, upper, lower, inner_upper, inner_lower, pupils])


def _canvas(points: np.ndarray) -> np.ndarray:
    """Image points as OpenCV's fixed-point coordinates (4 bits) on the oversampled canvas."""
    return np.round(((points + 0.5) * _OVERSAMPLING - 0.5) * 16).astype(np.int32)


def draw_face(index: int, seed: int = 0, size: int = 96) -> FakeFace:
    """A face of random place, size, roll, colours and mouth; in a third of them a patch hides some points."""
    random = np.random.default_rng([seed, index, size])
    radius = size * random.uniform(0.17, 0.26)
    roll = random.normal(0, 12)
    cosine, sine = np.cos(np.radians(roll)), np.sin(np.radians(roll))
    turn = np.array([[cosine, -sine], [sine, cosine]]) * radius
    stretch = np.array([1, random.uniform(0.9, 1.1)])
    centre = (size - 1) / 2 + random.uniform(-0.1, 0.1, 2) * size
    landmarks = canonical_face(random.uniform(0.02, 0.3), random.uniform(0.03, 0.09)) * stretch @ turn.T + centre
    ring = np.linspace(np.pi, 2 * np.pi, 32)
    forehead = np.stack([np.cos(ring), 0.9 * np.sin(ring) - 0.1], 1) * stretch @ turn.T + centre

    side = size * _OVERSAMPLING
    image = np.empty((side, side, 3), np.uint8)
    image[:] = random.integers(0, 256, 3)
    segmentation = np.zeros((side, side), np.uint8)
    skin = random.uniform(0.3, 1) * np.array([240, 190, 160])

    def fill(points: np.ndarray, colour: np.ndarray, label: int) -> None:
        cv2.fillPoly(image, [_canvas(points)], tuple(float(c) for c in colour), cv2.LINE_AA, 4)
        cv2.fillPoly(segmentation, [_canvas(points)], float(label), cv2.LINE_8, 4)

    def line(points: np.ndarray, colour: np.ndarray, width: float) -> None:
        thick = max(1, round(width * radius * _OVERSAMPLING))
        cv2.polylines(image, [_canvas(points)], False, tuple(float(c) for c in colour), thick, cv2.LINE_AA, 4)

    fill(np.concatenate([landmarks[:17], forehead[::-1]]), skin, 1)
    line(landmarks[17:22], skin * 0.2, 0.08)
    line(landmarks[22:27], skin * 0.2, 0.08)
    line(landmarks[27:31], skin * 0.7, 0.06)
    line(landmarks[31:36], skin * 0.6, 0.06)
    for first, pupil, label in ((36, 68, 4), (42, 69, 3)):
        fill(landmarks[first : first + 6], np.array([250, 250, 250]), label)
        dot = landmarks[pupil] + 0.05 * radius * np.stack([np.cos(ring * 2), np.sin(ring * 2)], 1)
        fill(dot, np.array([20, 20, 60]), label)
    fill(landmarks[48:60], np.array([190, 60, 70]), 10)
    fill(landmarks[60:68], np.array([70, 10, 20]), 9)

    visibility = np.ones(70, bool)
    if random.random() < 1 / 3:
        corner = centre + random.uniform(-1, 0.3, 2) * radius
        far = corner + random.uniform(0.3, 0.9, 2) * radius
        patch = np.array([corner, [far[0], corner[1]], far, [corner[0], far[1]]])
        fill(patch, random.integers(0, 256, 3), 18)
        visibility = np.logical_not(((landmarks >= corner) & (landmarks <= far)).all(1))
    image = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
    noisy = np.clip(image + random.normal(0, 3, image.shape), 0, 255).astype(np.uint8)
    half = _OVERSAMPLING // 2
    return FakeFace(noisy, segmentation[half::_OVERSAMPLING, half::_OVERSAMPLING], landmarks, visibility, roll)


def annotators_view(landmarks: np.ndarray) -> np.ndarray:
    """The made-up 2-D convention of ``landmarks_2d``: the jaw (70, 2) is pulled in by 2 %, the rest stays."""
    points = landmarks.copy()
    points[:17] += 0.02 * (landmarks[:68].mean(0) - points[:17])
    return points


def _write_png(path: Path, image: np.ndarray) -> None:
    assert cv2.imwrite(str(path), image[..., ::-1] if image.ndim == 3 else image)


def write_face_synthetics(folder: Path, count: int, seed: int = 0, size: int = 96, with_json: bool = True) -> Path:
    """Write ``count`` faces in FaceSynthetics' layout (``with_json``: what ours says beyond that too); the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        face, name = draw_face(index, seed, size), f"{index:06d}"
        _write_png(folder / f"{name}.png", face.image)
        _write_png(folder / f"{name}_seg.png", face.segmentation)
        lines = "".join(f"{x:.4f} {y:.4f}\n" for x, y in face.landmarks)
        (folder / f"{name}_ldmks.txt").write_text(lines)
        if with_json:
            distance = 1.0
            camera = {"matrix": [[2.0 * size, 0, size / 2], [0, 2.0 * size, size / 2], [0, 0, 1]], "distance": distance}
            angle = np.radians(face.roll)
            rotation = [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
            pose = {"rotation": rotation, "translation": [0, 0, distance], "yaw": 0.0, "pitch": 0.0, "roll": face.roll}
            flat = np.concatenate([(face.landmarks - size / 2) / (2.0 * size), np.full((70, 1), distance)], 1)
            record = {
                "generator": "fake",
                "recipe": "fake",
                "seed": seed,
                "index": index,
                "size": size,
                "camera": camera,
                "head_pose": pose,
                "landmarks_3d": flat.tolist(),
                "landmarks_2d": annotators_view(face.landmarks).tolist(),
                "visibility": face.visibility.astype(int).tolist(),
                "expression": {},
                "identity": {},
            }
            (folder / f"{name}.json").write_text(json.dumps(record))
    return folder


def write_pts(path: Path, landmarks: np.ndarray) -> None:
    """Write 0-based landmarks (N, 2) as iBUG's 1-based ``.pts``."""
    lines = "".join(f"{x:.4f} {y:.4f}\n" for x, y in landmarks + 1)
    path.write_text(f"version: 1\nn_points: {len(landmarks)}\n{{\n{lines}}}\n")


def write_ibug(folder: Path, count: int, seed: int = 0, size: int = 96) -> Path:
    """Write ``count`` faces as ``face_0000.png`` beside ``face_0000.pts`` (68 points, 1-based); the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        face = draw_face(index, seed, size)
        _write_png(folder / f"face_{index:04d}.png", face.image)
        write_pts(folder / f"face_{index:04d}.pts", face.landmarks[:68])
    return folder
