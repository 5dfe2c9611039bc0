"""Landmark models: any backbone of timm, one file for each method."""

from fauxface.models.base import FaceNetwork, LandmarkModel, Prediction, Targets
from fauxface.models.calibration import EXPECTED_COVERAGE, calibration_factor, coverage
from fauxface.models.registry import METHODS, MODELS, build_model, build_network

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
