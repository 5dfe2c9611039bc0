"""Export of checkpoints to ONNX, also with 8 bits. The code that runs ONNX files is in ``fauxface.inference``."""

from fauxface.export.file import Exported, export
from fauxface.export.hub_folder import export_hub_folder
from fauxface.export.onnx import detector_to_onnx, halved, to_onnx
from fauxface.export.quantise import quantised

__all__ = ["Exported", "detector_to_onnx", "export", "export_hub_folder", "halved", "quantised", "to_onnx"]
