"""Landmarks from pixels: the public ``Landmarker``, detectors, the tracker, drawing.

The one function that predicts is ``landmark_crops``. ONNX: see ``fauxface.export.onnx``, imported on its own.
"""

from typing import TYPE_CHECKING

from fauxface.inference.config import DETECTORS, PredictionConfig
from fauxface.lazy import load_on_use

if TYPE_CHECKING:
    from fauxface.inference.crops import CropModel, Landmarks, landmark_crops, predict_crops
    from fauxface.inference.detectors import Detection, Detector, RetinaFace, load_detector, to_landmark_frame
    from fauxface.inference.drawing import contact_sheet, draw_box, draw_landmarks
    from fauxface.inference.landmarker import Face, Landmarker
    from fauxface.inference.onnx_model import OnnxModel
    from fauxface.inference.pose import Camera, Pose, head_pose
    from fauxface.inference.run import run_prediction
    from fauxface.inference.smoothing import FaceFilter, OneEuro
    from fauxface.inference.tracker import Tracker, TrackerSettings
else:
    __getattr__ = load_on_use(
        __name__,
        crops="CropModel Landmarks landmark_crops predict_crops",
        detectors="Detection Detector RetinaFace load_detector to_landmark_frame",
        drawing="contact_sheet draw_box draw_landmarks",
        landmarker="Face Landmarker",
        onnx_model="OnnxModel",
        pose="Camera Pose head_pose",
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
