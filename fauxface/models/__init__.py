"""Landmark models: any backbone of timm, one file for each method."""

from typing import TYPE_CHECKING

from fauxface.lazy import load_on_use

if TYPE_CHECKING:
    from fauxface.models.base import FaceNetwork, LandmarkModel, Prediction, Targets
    from fauxface.models.calibration import EXPECTED_COVERAGE, calibration_factor, coverage
    from fauxface.models.registry import METHODS, MODELS, build_model, build_network
else:
    __getattr__ = load_on_use(
        __name__,
        base="FaceNetwork LandmarkModel Prediction Targets",
        calibration="EXPECTED_COVERAGE calibration_factor coverage",
        registry="METHODS MODELS build_model build_network",
    )

__all__ = [
    "EXPECTED_COVERAGE",
    "METHODS",
    "MODELS",
    "FaceNetwork",
    "LandmarkModel",
    "Prediction",
    "Targets",
    "build_model",
    "build_network",
    "calibration_factor",
    "coverage",
]
