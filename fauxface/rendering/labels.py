"""Landmarks of a posed head: FaceSynthetics' 70 points in space, and where annotators of photographs would click them.

Annotators mark the jaw where they see the face end. Once the head turns, the far side's points leave the jaw bone and
slide over the cheek to the silhouette; `annotated` does the same along curves fixed on the mesh (after Zhu et al. 2015,
"High-fidelity pose and expression normalization", where the idea is called landmark marching).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy import sparse

from fauxface.rendering.brows import BROW, Brows, brow_points
from fauxface.rendering.camera import View
from fauxface.rendering.head import HeadModel, Posed, head_model
from fauxface.rendering.mesh import front_points

JAW = 17
STEPS = 16
REACH = 0.62
"""How far towards the middle of the face a jaw point may slide, as a share of its distance from there."""


def landmarks_3d(model: HeadModel, posed: Posed, brows: Brows) -> np.ndarray:
    """The 70 points (70, 3) in the head frame; 68 is the right pupil (image left in a facing head), 69 the left."""
    points = model.landmarks @ posed.vertices
    points[BROW] = brow_points(brows, posed)
    pupils = [eye.centre + eye.radius * eye.gaze for eye in posed.eyes]
    return np.concatenate([points, np.stack(pupils)]).astype(np.float64)


def annotated(posed: Posed, view: View, projected: np.ndarray) -> np.ndarray:
    """The projected points (70, 2) with the jaw's slid to the visible silhouette, image pixels."""
    curves, directions = jaw_curves()
    candidates = view.project((curves @ posed.vertices).reshape(JAW, STEPS, 3))
    upright = view.rotation @ np.array([0.0, 1.0, 0.0])
    right = np.array([-upright[1], upright[0]])  # image direction of the subject's left side when facing
    norm = np.linalg.norm(right)
    right = right / norm if norm > 1e-6 else np.array([1.0, 0.0])
    down = np.array([-right[1], right[0]])
    outward = directions[:, :1] * right - directions[:, 1:] * down
    reach = np.einsum("jsd,jd->js", candidates, outward)
    best = reach.argmax(1)
    result = projected.copy()
    result[:JAW] = candidates[np.arange(JAW), best]
    return result


@cache
def jaw_curves() -> tuple[sparse.csr_matrix, np.ndarray]:
    """For each jaw point the curve on the mesh that it may slide along.

    Returns:
        Weights (17·STEPS, M) of the mesh's vertices, the first step of each curve being the jaw point itself; and the
        outward unit directions (17, 2) in the head's frontal plane (x to the subject's left, y up).
    """
    model = head_model()
    points = model.landmarks @ model.rest
    mouth = points[[62, 66], 1].mean()
    # above the mouth the curves run level to the midline, below it they meet in the mouth
    middle = np.stack([np.zeros(JAW), np.maximum(points[:JAW, 1], mouth)], axis=1)
    rows = [model.landmarks[:JAW]]
    for share in np.linspace(1, 1 - REACH, STEPS)[1:]:
        targets = middle + (points[:JAW, :2] - middle) * share
        rows.append(front_points(model, targets))
    stacked = sparse.csr_matrix(sparse.vstack(rows))
    order = np.arange(STEPS * JAW).reshape(STEPS, JAW).T.ravel()
    away = points[:JAW, :2] - middle
    return stacked[order], away / np.linalg.norm(away, axis=1, keepdims=True)
