"""Landmarks from pixels: the public ``Landmarker``, detectors, the tracker, drawing.

``landmark_crops`` is the one function that predicts. ``fauxface.export.onnx`` writes ONNX files.
"""

from fauxface.inference.crops import CropModel, Landmarks, landmark_crops, predict_crops
from fauxface.inference.detectors import DETECTORS, Detection, Detector, RetinaFace, load_detector, to_landmark_frame
from fauxface.inference.drawing import contact_sheet, draw_box, draw_landmarks
from fauxface.inference.face import Face
from fauxface.inference.landmarker import Landmarker
from fauxface.inference.onnx_model import OnnxModel
from fauxface.inference.smoothing import FaceFilter, OneEuro
from fauxface.inference.tracker import Tracker, TrackerSettings
from fauxface.pose import Camera, Pose, head_pose

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
    "to_landmark_frame",
]
