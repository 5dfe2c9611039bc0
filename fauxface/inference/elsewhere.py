"""Networks and numbers of this room for programs in other languages, such as the page without a server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fauxface.checkpoint import find_checkpoint, read_card
from fauxface.faces import FRONTAL_POINTS, REACH
from fauxface.inference.detectors.one_stage import LEAST, STEP, OneStageDetector
from fauxface.inference.onnx_model import open_exported, session
from fauxface.inference.reliability import Limits
from fauxface.inference.smoothing import OneEuro
from fauxface.inference.styles import drawing_facts
from fauxface.inference.tracker import TrackerSettings
from fauxface.landmarks import scheme_of
from fauxface.models.names import ONE_STAGE


@dataclass(frozen=True)
class Network:
    """A network for another runtime.

    Attributes:
        data: the ONNX file.
        folder: its checkpoint's.
        terms: a line with its model and licence.
        detector: True for a face detector.
    """

    data: bytes
    folder: Path
    terms: str
    detector: bool


def network(checkpoint: str | Path) -> Network:
    """The network of a checkpoint; errors as `open_exported`."""
    card = read_card(checkpoint)
    data = open_exported(checkpoint, _Opened).data
    return Network(data, find_checkpoint(checkpoint), f"{card.model}: {card.licence}", card.model == ONE_STAGE)


class _Opened:
    """A network's bytes, with the metadata that `open_exported` compares with the card."""

    def __init__(self, file: Path | bytes) -> None:
        self.data = file.read_bytes() if isinstance(file, Path) else file
        self.metadata: Mapping[str, str] = session(file, 1).get_modelmeta().custom_metadata_map


def page_settings(checkpoint: str | Path, detector: str | Path) -> dict[str, Any]:
    """The numbers that the page's JavaScript shares with this package: crops, limits of the tracker, drawing."""
    card, found = read_card(checkpoint), OneStageDetector.load(detector, 1)
    kept = ("threshold", "overlap", "sides")
    terms = card.licence if card.lane == "clean" else "research only"
    about = f"Model: {card.model}, {card.input_size} px; licence of its weights: {terms}."
    return {
        "framing": {
            "kind": card.crop,
            "margin": card.crop_margin,
            "size": card.input_size,
            "reach": REACH,
            "frontal": FRONTAL_POINTS,
        },
        "scheme": _scheme_facts(card.scheme),
        "detector": {
            **{name: getattr(found, name) for name in kept},
            "step": STEP,
            "least": LEAST,
            "scheme": _scheme_facts(found.scheme),
        },
        "tracker": asdict(TrackerSettings()),
        "smoothing": asdict(OneEuro()),
        "reliable": asdict(Limits.of_card(card.reliable)),
        "hello": {"mode": "static", "about": about, **drawing_facts(card.scheme)},
    }


def _scheme_facts(name: str) -> dict[str, Any]:
    """Indices of points that the crop and the tracker need."""
    scheme = scheme_of(name)
    return {
        "outline": scheme.outline,
        "eyes": [scheme.groups["right_eye"], scheme.groups["left_eye"]],
        "pupils": scheme.pupils,
        "nose_tip": scheme.nose_tip,
        "mouth_corners": scheme.mouth_corners,
        "eye_corners": scheme.eye_corners,
    }
