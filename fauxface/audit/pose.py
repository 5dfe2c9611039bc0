"""The head pose of faces whose data set does not tell it, roughly: a mean head laid on the points."""

from __future__ import annotations

import numpy as np

from fauxface.landmarks import FACE_SYNTHETICS70, scheme_of

# iBUG's points on the mean of the generator's heads, millimetres: x to the subject's left, y up, z forward
_HEAD = {
    8: (0, -108, 8),
    27: (0, 2, 22),
    30: (0, -37, 40),
    31: (-14, -42, 25),
    33: (0, -47, 31),
    35: (14, -42, 25),
    36: (-41, -1, 8),
    39: (-18, -3, 12),
    42: (18, -3, 12),
    45: (41, -1, 8),
    48: (-22, -68, 19),
    54: (22, -68, 19),
}


_NAMED = {FACE_SYNTHETICS70.names[i]: place for i, place in _HEAD.items()}
_NAMED |= {"right_eye": (-29.5, -2, 2.5), "left_eye": (29.5, -2, 2.5)}


def estimated_pose(points: np.ndarray, scheme: str = FACE_SYNTHETICS70.name) -> tuple[float, float, float]:
    """Yaw, pitch, roll in degrees of a face's points (N, 2), about 5° off; signs as in our label files."""
    known = {i: place for name, place in _NAMED.items() if (i := scheme_of(scheme).index(name)) is not None}
    model = np.array(list(known.values()), float) * [1, -1, -1]
    seen = points[list(known)].astype(float)
    # orthographic, by least squares: which 2×3 matrix brings the model onto the points
    flat = np.linalg.lstsq(model - model.mean(0), seen - seen.mean(0), rcond=None)[0].T
    scale = np.linalg.norm(flat, axis=1).mean()
    if not np.isfinite(scale) or scale < 1e-9:
        return 0.0, 0.0, 0.0
    first, second = flat / np.linalg.norm(flat, axis=1, keepdims=True)
    u, _, v = np.linalg.svd(np.stack([first, second, np.cross(first, second)]))
    rotation = u @ np.diag([1, 1, np.linalg.det(u @ v)]) @ v
    forward = rotation @ [0, 0, -1]
    yaw = float(np.degrees(np.arctan2(forward[0], -forward[2])))
    pitch = float(np.degrees(np.arcsin(np.clip(-forward[1], -1, 1))))
    right = rotation @ [1, 0, 0]
    roll = float(np.degrees(np.arctan2(right[1], right[0])))
    return yaw, pitch, roll
