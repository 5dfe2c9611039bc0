"""Landmarks from pixels: the public ``Landmarker``, detectors, the one function that predicts, drawing."""

from fauxface.inference.detectors import DETECTORS, Detection, Detector, RetinaFace, load_detector, to_landmark_frame
from fauxface.inference.drawing import contact_sheet, draw_box, draw_landmarks
from fauxface.inference.landmarker import Face, Landmarker, Landmarks, landmark_crops, predict_crops

__all__ = [
    "DETECTORS",
    "Detection",
    "Detector",
    "Face",
    "Landmarker",
    "Landmarks",
    "RetinaFace",
    "contact_sheet",
    "draw_box",
    "draw_landmarks",
    "landmark_crops",
    "load_detector",
    "predict_crops",
    "to_landmark_frame",
]
