"""Values to group a data set's faces by: how far heads are turned, and the label files of renders."""

from __future__ import annotations

from typing import Any

import numpy as np

from fauxface.datasets import FaceDataset
from fauxface.evaluation.scores import Evaluation
from fauxface.parsing import read_json_object
from fauxface.pose import yaw_in_photo


def turns_of(result: Evaluation, dataset: FaceDataset) -> np.ndarray:
    """Absolute yaw of each head (M,), degrees, from its annotated points; NaN where they fit no head."""
    yaws = [yaw_in_photo(truth, result.scheme, dataset[i].image) for i, truth in enumerate(result.truth)]
    return np.abs(np.array(yaws))


def labels_of(result: Evaluation) -> list[dict[str, Any]]:
    """The label file of each render; errors as `fauxface.parsing.read_json`."""
    return [read_json_object(source.with_suffix(".json")) for source in result.sources]
