"""Export of checkpoints to ONNX, also with 8 bits. The code that runs ONNX files is in ``fauxface.inference``."""

from typing import TYPE_CHECKING

from fauxface.export.config import Format
from fauxface.lazy import load_on_use

if TYPE_CHECKING:
    from fauxface.export.file import Exported, export
    from fauxface.export.formats import export_as
    from fauxface.export.hub_folder import export_hub_folder
    from fauxface.export.onnx import detector_to_onnx, halved, to_onnx
    from fauxface.export.quantise import quantised
else:
    __getattr__ = load_on_use(
        __name__,
        file="Exported export",
        formats="export_as",
        hub_folder="export_hub_folder",
        onnx="detector_to_onnx halved to_onnx",
        quantise="quantised",
    )

__all__ = [
    "Exported",
    "Format",
    "detector_to_onnx",
    "export",
    "export_as",
    "export_hub_folder",
    "halved",
    "quantised",
    "to_onnx",
]
