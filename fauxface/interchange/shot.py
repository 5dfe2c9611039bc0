"""A shot from the JSON of ``predict``: each face's landmarks and head poses over the frames.

``Shot`` and ``Track`` are in the JSON's own frames: landmarks in image pixels, 0-based, pixel centres at whole
numbers, y down; poses head → camera, metres, x right, y down, z forward. ``to_world`` and ``Shot.points_in_space``
give the frame that the formats with a third dimension share: metres, x right, y up, the camera in the origin looking
along −z.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from fauxface.inference.result import SCHEMA
from fauxface.landmarks import conversion, scheme_of
from fauxface.parsing import numbers, read_json_object
from fauxface.pose import Camera, mean_head

FPS = 24.0
"""Frames a second of a shot that has a single frame."""
APERTURE = 36.0
"""Width of the sensor, mm, in formats that ask for one; the focal length in mm follows from it."""
_MOST_BYTES = 2**30
_UPRIGHT = np.diag([1.0, -1.0, -1.0, 1.0])
_DISTANCE = 0.6  # metres, of landmarks without a head pose


@dataclass(frozen=True)
class Track:
    """One face of a shot.

    Attributes:
        id: the face's number.
        scheme: name of its landmarks' scheme.
        frames: numbers of the frames in which it was found, rising.
        points: (T, N, 2) its landmarks there, image pixels.
        poses: its pose there, (4, 4) head → camera; None where it has none.
    """

    id: int
    scheme: str
    frames: list[int]
    points: np.ndarray
    poses: list[np.ndarray | None]

    @property
    def name(self) -> str:
        """Name for nodes and prims: ``face0``."""
        return f"face{self.id}"

    @property
    def point_names(self) -> tuple[str, ...]:
        """The landmarks' names."""
        return scheme_of(self.scheme).names

    @property
    def heads(self) -> dict[int, np.ndarray]:
        """Frame → (4, 4) head → world, where there is a pose."""
        return {n: to_world(pose) for n, pose in zip(self.frames, self.poses, strict=True) if pose is not None}

    def seen(self, first: int, last: int) -> dict[int, bool]:
        """The frames from ``first`` to ``last`` at which the face begins or ceases to be found, and the first one."""
        there = set(self.frames)
        states = {number: number in there for number in range(first, last + 1)}
        return {n: state for n, state in states.items() if n == first or states[n - 1] != state}


@dataclass(frozen=True)
class Shot:
    """The faces of a video, an image sequence or a photograph.

    Attributes:
        image: its name in the JSON.
        width, height: pixels.
        camera: the camera that the poses assume.
        fps: frames a second.
        frames: numbers of its frames, rising.
        tracks: its faces.
    """

    image: str
    width: int
    height: int
    camera: Camera
    fps: float
    frames: list[int]
    tracks: list[Track]

    @property
    def first(self) -> int:
        """Number of the first frame."""
        return self.frames[0]

    @property
    def last(self) -> int:
        """Number of the last frame."""
        return self.frames[-1]

    @cached_property
    def focal_mm(self) -> float:
        """Focal length for a sensor of ``APERTURE`` mm."""
        return self.camera.focal * APERTURE / self.width

    @property
    def aperture_height(self) -> float:
        """Height of the sensor, mm."""
        return APERTURE * self.height / self.width

    @property
    def offset(self) -> tuple[float, float]:
        """Middle of the sensor to the right of and above the optical axis, mm."""
        x, y = self.camera.centre
        right = APERTURE / 2 - (x + 0.5) * APERTURE / self.width
        return right, (y + 0.5) * self.aperture_height / self.height - self.aperture_height / 2

    def points_in_space(self, track: Track) -> np.ndarray:
        """(T, N, 3) the landmarks in the world, metres: the camera sees each exactly at its place in the picture.

        A point is as far away as the mean head's point is in the pose found; 0.6 m without a pose.
        """
        rays = np.ones((*track.points.shape[:2], 3))
        rays[..., :2] = (track.points - self.camera.centre) / self.camera.focal
        depth = np.full(track.points.shape[:2], _DISTANCE)
        posed = {i: pose for i, pose in enumerate(track.poses) if pose is not None}
        if posed:
            head = mean_head()[conversion("face_synthetics70", track.scheme)]
            forward = np.stack(list(posed.values()))[:, 2]  # the row of each pose that gives z
            depth[list(posed)] = np.maximum(forward[:, :3] @ head.T + forward[:, 3:], 1e-3)
        return rays * depth[..., None] * [1, -1, -1]

    def only(self, face: int | None) -> Shot:
        """The shot with one of its faces; the same for None. ValueError for a face that it has not."""
        if face is None:
            return self
        tracks = [track for track in self.tracks if track.id == face]
        if not tracks:
            there = ", ".join(str(track.id) for track in self.tracks) or "none"
            raise ValueError(f"{self.image} has no face {face}; there are {there}")
        return replace(self, tracks=tracks)

    def check_centred(self, kind: str) -> None:
        """Raise ValueError for a camera off the picture's centre, which the format ``kind`` cannot hold."""
        if max(map(abs, self.offset)) > 1e-3:
            raise ValueError(f"{kind} holds no camera whose principal point is off the picture's centre; take usd")


def to_world(pose: np.ndarray) -> np.ndarray:
    """A pose (4, 4) head → camera as head → world."""
    return _UPRIGHT @ pose


def euler(rotation: np.ndarray, order: str) -> tuple[float, float, float]:
    """Angles about x, y and z in degrees of a rotation (3, 3) that is Y·X·Z ("yxz") or Z·X·Y ("zxy")."""
    sign = -1 if order == "yxz" else 1
    r = rotation if order == "yxz" else rotation.T  # the transpose of Z·X·Y is Y·X·Z of the negative angles
    x = np.arcsin(np.clip(-r[1, 2], -1, 1))
    y, z = np.arctan2(r[0, 2], r[2, 2]), np.arctan2(r[1, 0], r[1, 1])
    return tuple(float(np.degrees(-sign * angle)) for angle in (x, y, z))  # pyright: ignore[reportReturnType]


def unwrapped(angles: np.ndarray) -> np.ndarray:
    """Angles (T, 3) in degrees without jumps by 360 from frame to frame."""
    return np.degrees(np.unwrap(np.radians(angles), axis=0)) if len(angles) else angles


def quaternion(rotation: np.ndarray) -> np.ndarray:
    """(4,) x, y, z, w of a rotation (3, 3), w ≥ 0."""
    m = rotation
    k = np.array(
        [
            [m[0, 0] - m[1, 1] - m[2, 2], 0, 0, 0],
            [m[0, 1] + m[1, 0], m[1, 1] - m[0, 0] - m[2, 2], 0, 0],
            [m[0, 2] + m[2, 0], m[1, 2] + m[2, 1], m[2, 2] - m[0, 0] - m[1, 1], 0],
            [m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1], m.trace()],
        ]
    )
    vector = np.linalg.eigh(k)[1][:, -1]  # eigh reads the lower triangle (Bar-Itzhack 2000)
    return vector if vector[3] >= 0 else -vector


def read_predictions(path: Path) -> list[dict[str, Any]]:
    """The items of the JSON of ``predict``; ValueError, in one line, for anything else."""
    content = read_json_object(path, _MOST_BYTES)
    if content.get("schema") != SCHEMA or not isinstance(content.get("images"), list):
        raise ValueError(f"{path}: not the JSON of `fauxface predict` ({SCHEMA})")
    if not content["images"]:
        raise ValueError(f"{path}: holds no image")
    return content["images"]


def shot_of(items: list[dict[str, Any]], image: str | None = None, fps: float | None = None) -> Shot:
    """The shot of a video, sequence or photograph among the items.

    ValueError, in one line, for items of several without ``image``, for one that is not there, for frames of several
    sizes, and for damaged items.
    """
    try:
        names = list(dict.fromkeys(str(item["image"]) for item in items))
        if image is None and len(names) > 1:
            raise ValueError(f"it holds {len(names)} images, {names[0]}, {names[1]}, …: choose one with --image")
        if image is not None and image not in names:
            raise ValueError(f"it holds no image {image}; there are {', '.join(names[:5])}")
        return _shot(sorted((i for i in items if i["image"] == (image or names[0])), key=_frame), fps)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"the predictions are damaged: {type(error).__name__} {error}") from None


def _shot(items: list[dict[str, Any]], fps: float | None) -> Shot:
    first = items[0]
    if len(sizes := {(item["width"], item["height"]) for item in items}) > 1:
        raise ValueError(f"the frames of {first['image']} have {len(sizes)} sizes")
    frames = [_frame(item) for item in items]
    if len(set(frames)) < len(frames):
        raise ValueError(f"{first['image']} has a frame twice")
    faces: dict[int, list[tuple[int, dict[str, Any]]]] = {}
    for item, number in zip(items, frames, strict=True):
        for place, face in enumerate(item["faces"]):
            faces.setdefault(place if face["id"] is None else int(face["id"]), []).append((number, face))
    camera = Camera(float(first["camera"]["focal"]), tuple(map(float, first["camera"]["centre"])))  # pyright: ignore
    tracks = [_track(number, found) for number, found in sorted(faces.items())]
    width, height = int(first["width"]), int(first["height"])
    return Shot(first["image"], width, height, camera, fps or _rate(items), frames, tracks)


def _track(number: int, found: list[tuple[int, dict[str, Any]]]) -> Track:
    scheme = str(found[0][1]["scheme"])
    points = np.stack([numbers(face["landmarks"], "landmarks") for _, face in found])
    if points.shape[1:] != (scheme_of(scheme).count, 2):
        raise ValueError(f"landmarks of {scheme} are {scheme_of(scheme).count} pairs, not {points.shape[1:]}")
    poses = [None if face["pose"] is None else numbers(face["pose"]["matrix"], "a pose") for _, face in found]
    if any(pose is not None and pose.shape != (4, 4) for pose in poses):
        raise ValueError("a pose's matrix is 4×4")
    return Track(number, scheme, [frame for frame, _ in found], points, poses)


def _frame(item: dict[str, Any]) -> int:
    return int(item.get("frame", 0))


def _rate(items: list[dict[str, Any]]) -> float:
    """Frames a second, by the times of the first and the last frame."""
    seconds = float(items[-1].get("seconds", 0)) - float(items[0].get("seconds", 0))
    rate = (_frame(items[-1]) - _frame(items[0])) / seconds if seconds > 0 else FPS
    return round(rate, 3)
