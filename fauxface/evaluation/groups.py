"""Figures to group a data set's faces by: how far heads are turned, and what the label files of renders say."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from fauxface.datasets import FaceDataset
from fauxface.evaluation.scores import Evaluation
from fauxface.inference.pose import Camera, head_pose


def turns_of(result: Evaluation, dataset: FaceDataset) -> np.ndarray:
    """Absolute yaw of each head (M,), degrees, by its annotated points; NaN where they do not give a pose."""
    turns = []
    for i, truth in enumerate(result.truth):
        height, width = dataset[i].image.shape[:2]
        pose = head_pose(truth, result.scheme, Camera.of_a_crop(width, height))
        turns.append(np.nan if pose is None else abs(pose.yaw))
    return np.array(turns)


def labels_of(result: Evaluation) -> list[dict[str, Any]]:
    """The label file of each render."""
    return [json.loads(source.with_suffix(".json").read_text()) for source in result.sources]
