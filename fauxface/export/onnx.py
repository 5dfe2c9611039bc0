"""Models as ONNX files that run without Fauxface: pixels of a crop in, landmarks of the crop out.

The input is ``image`` N×S×S×3 uint8 RGB. The outputs are ``landmarks`` N×P×2 float32 in crop pixels, with pixel centres
at whole numbers; ``scores`` N×P in [0, 1]; and, if the model has them, ``visibility`` N×P in [0, 1], ``sigma`` N×P in
crop pixels, and other targets (`fauxface.targets`) under their own names in the crop's frame.

The metadata's ``crop`` defines the crop. ``box``: the square around the centre of the face's box, ``crop_margin`` (1.3)
times its longer side. ``five-points``: the square in which a similarity brings the centres of the eyes, the tip of the
nose and the corners of the mouth nearest to ``five_points`` (crop pixels). ``level``: the square of ``box``, rotated
about its centre like that similarity. Normalisation and decoding are in the graph. Licence, lane and scheme are in the
metadata.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import warnings
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from fauxface import __version__
from fauxface.checkpoint import Card, load_network
from fauxface.export.plain import plain
from fauxface.faces import FRONTAL_POINTS, REACH
from fauxface.models import LandmarkModel
from fauxface.models.backbones import folded
from fauxface.models.one_stage import OneStage

OPSET = 18


class EndToEnd(nn.Module):
    """A landmark model with its pre- and post-processing: crops N×S×S×3 uint8 → predictions."""

    def __init__(self, model: LandmarkModel) -> None:
        super().__init__()
        self.model = model

    def outputs(self, image: Tensor) -> dict[str, Tensor]:
        """Name → output."""
        return self.model.decode(self.model(image.permute(0, 3, 1, 2).float() / 255)).told()

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """The outputs without their names."""
        return tuple(self.outputs(image).values())


def exported(checkpoint: str | Path, batch: int = 0) -> onnx.ModelProto:
    """A checkpoint, landmark model or detector, as `to_onnx` and `detector_to_onnx`; errors as `load_network`."""
    model, card = load_network(checkpoint)
    if isinstance(model, OneStage):
        if batch > 1:
            raise ValueError("a one-stage detector accepts one frame at a time: leave out --batch")
        return detector_to_onnx(model, card)
    assert isinstance(model, LandmarkModel)
    return to_onnx(model, card, batch)


def to_onnx(model: LandmarkModel, card: Card, batch: int = 0) -> onnx.ModelProto:
    """The model with its pre- and post-processing, in eval mode.

    Args:
        model: on the CPU, in eval mode.
        card: its card, for the metadata.
        batch: the only size of batches that the file accepts; 0 means any size.
    """
    count = batch or 2
    images = torch.zeros((count, model.input_size, model.input_size, 3), dtype=torch.uint8)
    whole = EndToEnd(model).eval()
    with torch.inference_mode():
        names = list(whole.outputs(images))
    return _exported(whole, images, names, None if batch else {0: torch.export.Dim("batch", min=1)}, metadata(card))


class _Finder(nn.Module):
    """A detector with its pre- and post-processing: a frame 1×H×W×3 uint8 → faces."""

    def __init__(self, model: OneStage) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        found = self.model.find(image.permute(0, 3, 1, 2).float() / 255)
        return found.boxes[0], found.scores[0], found.landmarks[0]


def detector_to_onnx(model: OneStage, card: Card) -> onnx.ModelProto:
    """The detector, on the CPU and in eval mode, with its pre- and post-processing.

    The input is ``image`` 1×H×W×3 uint8 RGB, a frame with sides that are multiples of 32 px, at least 96 px. The
    outputs are ``boxes`` K×4, ``scores`` K and ``landmarks`` K×P×2 float32 in frame pixels, best first; they may
    overlap.
    """
    images = torch.zeros((1, 256, 320, 3), dtype=torch.uint8)
    height, width = (32 * torch.export.Dim(name, min=3, max=256) for name in ("rows", "columns"))
    properties = {key: value for key, value in metadata(card).items() if not key.startswith("crop")}
    names = ["boxes", "scores", "landmarks"]
    return _exported(_Finder(model).eval(), images, names, {1: height, 2: width}, properties)


def _exported(
    whole: nn.Module, images: Tensor, names: list[str], dynamic: dict[int, Any] | None, properties: dict[str, str]
) -> onnx.ModelProto:
    shapes: Any = None if dynamic is None else {"image": dynamic}
    with quiet():
        program = torch.onnx.export(
            folded(whole),
            (images,),
            input_names=["image"],
            output_names=names,
            dynamic_shapes=shapes,
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    proto = plain(program.model_proto)
    _forget_sources(proto)
    onnx.helper.set_model_props(proto, properties)
    onnx.checker.check_model(proto)
    return proto


def metadata(card: Card) -> dict[str, str]:
    """The metadata of an exported file, licence and lane first."""
    copied = {key: asdict(card)[key] for key in ("licence", "lane", "model", "scheme", "labels", "input_size")}
    more = {"crop": card.crop, "crop_margin": card.crop_margin, "provenance": json.dumps(card.provenance, default=str)}
    if card.crop != "box":
        side = card.crop_margin * (REACH if card.crop == "five-points" else 1)
        canonical = (np.array(FRONTAL_POINTS) / side + 0.5) * card.input_size - 0.5
        more["five_points"] = json.dumps(canonical.round(3).tolist())
    pixels = "RGB; landmarks in crop pixels, pixel centres at whole numbers"
    return {key: str(value) for key, value in {**copied, **more, "pixels": pixels, "fauxface": __version__}.items()}


def halved(proto: onnx.ModelProto) -> onnx.ModelProto:
    """The model with larger float32 weights stored as float16 and cast back on loading."""
    small = onnx.ModelProto()
    small.CopyFrom(proto)
    graph = small.graph
    casts = []
    for i, weight in enumerate(graph.initializer):
        values = onnx.numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < 64 or np.abs(values).max() > np.finfo(np.float16).max:
            continue
        name = weight.name
        graph.initializer[i].CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}_fp16"))
        casts.append(onnx.helper.make_node("Cast", [f"{name}_fp16"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(small)
    return small


def _forget_sources(proto: onnx.ModelProto) -> None:
    """Remove the exporter's notes on the source files of each node."""
    for part in (proto.graph, *proto.graph.node, *proto.graph.input, *proto.graph.output, *proto.graph.value_info):
        del part.metadata_props[:]
        part.doc_string = ""


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence the exporter, which logs, warns and prints about its own steps."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
