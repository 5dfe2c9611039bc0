"""8-bit models: static quantisation of weights and activations in QDQ form, per channel, for CPUs and phones."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx


class _Crops:
    """Crops M×S×S×3 uint8 in batches, as ONNX Runtime's calibration reads them."""

    def __init__(self, crops: np.ndarray, batch: int) -> None:
        count = -(-len(crops) // batch)
        self._left: Iterator[np.ndarray] = iter(np.resize(crops, (count, batch, *crops.shape[1:])))

    def get_next(self) -> dict[str, np.ndarray] | None:
        crops = next(self._left, None)
        return None if crops is None else {"image": crops}


def quantised(proto: onnx.ModelProto, crops: np.ndarray) -> onnx.ModelProto:
    """The model with 8-bit convolutions.

    An 8-bit coordinate would have steps of 1/256 of the crop, so the last layers and the decoding stay in float32.

    Args:
        proto: a model from ``to_onnx`` with any batch.
        crops: M×S×S×3 uint8 RGB, faces for the calibration of the ranges of activations; a hundred are enough.
    """
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    batch = proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value
    reader: Any = _Crops(crops, batch or 1)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before, after = Path(folder) / "before.onnx", Path(folder) / "after.onnx"
        onnx.save(proto, str(before))
        level = logging.root.manager.disable
        logging.disable(logging.WARNING)  # it recommends preprocessing that the exporter has done already
        try:
            quantize_static(
                str(before),
                str(after),
                reader,
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=["Conv"],
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.MinMax,
                extra_options={"ActivationSymmetric": False},
            )
        finally:
            logging.disable(level)
        small = onnx.load(str(after))
    properties = {prop.key: prop.value for prop in proto.metadata_props}
    onnx.helper.set_model_props(small, {**properties, "quantised": f"int8 static QDQ, {len(crops)} crops"})
    return small
