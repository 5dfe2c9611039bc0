"""Another person in the frame: behind, beside or partly before the labelled one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from fauxface.rendering.opengl.rasteriser import Mesh
from fauxface.rendering.photo.camera import FACING, Pose, View
from fauxface.rendering.recipe import Recipe
from fauxface.segmentation import Segment

BEHIND, BEFORE = Segment.BACKGROUND, Segment.IGNORE
"""Classes of all that a neighbour shows: as good as background, or an occluder."""
_NEAREST = 0.22
"""Least distance of anybody from the camera, metres; this and the distances below are by eye."""


def sample_neighbour(
    rng: np.random.Generator,
    recipe: Recipe,
    view: View,
    sample: Callable[[Recipe, Callable[[Pose, np.ndarray], View]], list[Mesh]],
) -> tuple[list[Mesh], dict[str, Any]]:
    """Sample somebody beside a face, in the recipe's share of frames.

    Args:
        rng: samples the person's presence and place.
        recipe: of the frame.
        view: of the labelled face.
        sample: samples a person by a recipe and a camera: their meshes.

    Returns:
        The person's meshes, camera frame, and the entry in the label file; both empty without a person.
    """
    if rng.random() >= recipe.neighbours:
        return [], {}
    distance = float(view.translation[2])
    before = rng.random() < 0.25
    side = float(rng.choice([-1, 1]))
    if before:
        away = max(distance - rng.uniform(0.08, 0.35), _NEAREST)
        # a shoulder may come before the chin, never a whole body before the face
        across = side * rng.uniform(0.25, 0.36)
    else:
        away = distance + (rng.uniform(0, 0.15) if rng.random() < 0.5 else rng.uniform(0.15, 2.0))
        # one head beside the other; farther back it may be partly behind it
        across = side * (rng.uniform(0.16, 0.26) + 0.1 * rng.random() * (away - distance))
    along = view.translation * away / distance
    place = along + [across, rng.normal(0, 0.05) + 0.02, 0.0]

    def see(pose: Pose, _: np.ndarray) -> View:
        rotation = pose.rotation.as_matrix() @ FACING
        return View(rotation, place, view.matrix, pose.yaw, pose.pitch, pose.roll)

    meshes = sample(replace(recipe, before=0.0, neighbours=0.0), see)
    label = BEFORE if before else BEHIND
    entry = {"place": "before" if before else "behind", "side": "left" if side < 0 else "right"}
    return [replace(mesh, label=label) for mesh in meshes], entry
