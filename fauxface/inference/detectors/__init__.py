"""Face detectors: an image in, boxes out, as landmark boxes, which the models were trained on."""

from __future__ import annotations

from pathlib import Path

from fauxface.checkpoint import find_checkpoint
from fauxface.inference.config import DETECTORS, OWN
from fauxface.inference.detectors.base import Detection, Detector, RawFaces
from fauxface.inference.detectors.checked import CheckedDetector
from fauxface.inference.detectors.one_stage import OneStageDetector
from fauxface.inference.detectors.retinaface import RetinaFace, to_landmark_frame

__all__ = [
    "DETECTORS",
    "CheckedDetector",
    "Detection",
    "Detector",
    "OneStageDetector",
    "RawFaces",
    "RetinaFace",
    "load_detector",
    "to_landmark_frame",
]


def load_detector(name: str | Path, threads: int = 0) -> Detector:
    """The detector with this name, or of a one-stage checkpoint (unchecked), on this many threads (0: all).

    ValueError, with the known names, for an unknown one, and with the extra for one that is not installed;
    FileNotFoundError for ``own`` without shipped weights.
    """
    if name == RetinaFace.name:
        return RetinaFace(threads=threads)
    if name == OWN:
        return CheckedDetector.load(threads=threads)
    try:
        find_checkpoint(name)
    except FileNotFoundError:
        names = ", ".join(DETECTORS)
        raise ValueError(f"unknown detector '{name}'; there are {names}, and a one-stage checkpoint's folder") from None
    return OneStageDetector.load(name, threads)
