"""Landmark models: any timm backbone, one file a method."""

from fauxface.models.base import LandmarkModel, Prediction, Targets
from fauxface.models.registry import METHODS, MODELS, build_model

__all__ = ["METHODS", "MODELS", "LandmarkModel", "Prediction", "Targets", "build_model"]
