"""Landmarks from pixels: the public ``Landmarker``, detectors, the tracker, drawing.

``landmark_crops`` is the one function that predicts. ``fauxface.export.onnx`` writes ONNX files.
"""

from typing import TYPE_CHECKING

from fauxface.inference.config import DETECTORS, PredictionConfig
from fauxface.lazy import load_on_use
from fauxface.pose import Camera, Pose, head_pose

if TYPE_CHECKING:
    from fauxface.inference.crops import CropModel, Landmarks, landmark_crops, predict_crops
    from fauxface.inference.detectors import Detection, Detector, RetinaFace, load_detector, to_landmark_frame
    from fauxface.inference.drawing import contact_sheet, draw_box, draw_landmarks
    from fauxface.inference.face import Face
    from fauxface.inference.landmarker import Landmarker
    from fauxface.inference.onnx_model import OnnxModel
    from fauxface.inference.run import run_prediction
    from fauxface.inference.smoothing import FaceFilter, OneEuro
    from fauxface.inference.tracker import Tracker, TrackerSettings
else:
    __getattr__ = load_on_use(
        __name__,
        crops="CropModel Landmarks landmark_crops predict_crops",
        detectors="Detection Detector RetinaFace load_detector to_landmark_frame",
        drawing="contact_sheet draw_box draw_landmarks",
        face="Face",
        landmarker="Landmarker",
        onnx_model="OnnxModel",
        run="run_prediction",
        smoothing="FaceFilter OneEuro",
        tracker="Tracker TrackerSettings",
    )

__all__ = [
    "DETECTORS",
    "Camera",
    "CropModel",
    "Detection",
    "Detector",
    "Face",
    "FaceFilter",
    "Landmarker",
    "Landmarks",
    "OneEuro",
    "OnnxModel",
    "Pose",
    "PredictionConfig",
    "RetinaFace",
    "Tracker",
    "TrackerSettings",
    "contact_sheet",
    "draw_box",
    "draw_landmarks",
    "head_pose",
    "landmark_crops",
    "load_detector",
    "predict_crops",
    "run_prediction",
    "to_landmark_frame",
]
