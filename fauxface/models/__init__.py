"""Landmark models: any timm backbone, one file a method."""

from fauxface.models.base import LandmarkModel, Prediction, Targets
from fauxface.models.calibration import EXPECTED_COVERAGE, calibration_factor, coverage
from fauxface.models.registry import METHODS, MODELS, build_model

__all__ = [
    "EXPECTED_COVERAGE",
    "METHODS",
    "MODELS",
    "LandmarkModel",
    "Prediction",
    "Targets",
    "build_model",
    "calibration_factor",
    "coverage",
]
