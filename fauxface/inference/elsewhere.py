"""Networks and numbers of this room for programs in other languages, such as the page without a server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fauxface.checkpoint import find_checkpoint, read_card
from fauxface.faces import FRONTAL_POINTS, REACH, Framing
from fauxface.inference.config import DETECTORS, OWN
from fauxface.inference.detectors import CheckedDetector, OneStageDetector, load_detector
from fauxface.inference.detectors.checked import CHECKER, DOUBT
from fauxface.inference.detectors.one_stage import LEAST, SHIPPED_NAME, STEP
from fauxface.inference.onnx_model import open_exported, session
from fauxface.inference.places import STRAIGHT, TURNED
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


def page_networks(checkpoint: str | Path, detector: str | Path = OWN) -> dict[str, Network]:
    """The page's networks, by name: ``landmarks``, ``detector`` and, if it is another one, the detector's ``checker``.

    The checkpoint is of landmarks; the detector is ``own`` or a one-stage checkpoint. Errors as `open_exported`, and
    ValueError for a checkpoint of another kind or another detector.
    """
    own = detector == OWN
    if detector in DETECTORS and not own:
        raise ValueError(f"the page's detector is {OWN} or a one-stage checkpoint, not {detector}")
    found = {"landmarks": network(checkpoint), "detector": network(SHIPPED_NAME if own else detector)}
    if found["landmarks"].detector:
        raise ValueError(f"{checkpoint} is a face detector; --checkpoint takes one that finds landmarks in crops")
    if own and _checker(checkpoint) not in found:
        found[_checker(checkpoint)] = network(CHECKER)
    return found


def _checker(checkpoint: str | Path) -> str:
    """Name of the network that checks our detector's finds."""
    return "landmarks" if find_checkpoint(checkpoint) == find_checkpoint(CHECKER) else "checker"


def page_settings(checkpoint: str | Path, detector: str | Path = OWN) -> dict[str, Any]:
    """The numbers that the page's JavaScript shares with this package: crops, limits of the tracker, drawing.

    For the networks of `page_networks`, with the same errors.
    """
    card, found, check = read_card(checkpoint), load_detector(detector, 1), None
    if isinstance(found, CheckedDetector):
        check = {
            "network": _checker(checkpoint),
            "framing": _framing_facts(found.framing, found.model.input_size),
            "scheme": _scheme_facts(found.model.scheme),
            "threshold": found.threshold,
            "overlap": found.overlap,
            "doubt": list(DOUBT),
        }
        found = found.detector
    assert isinstance(found, OneStageDetector), "page_networks refuses any other"
    kept = ("threshold", "overlap", "sides")
    terms = card.licence if card.lane == "clean" else "research only"
    about = f"Model: {card.model}, {card.input_size} px; licence of its weights: {terms}."
    return {
        "framing": _framing_facts(Framing(card.crop, card.crop_margin), card.input_size),
        "scheme": _scheme_facts(card.scheme),
        "detector": {
            **{name: getattr(found, name) for name in kept},
            "step": STEP,
            "least": LEAST,
            "scheme": _scheme_facts(found.scheme),
            "check": check,
        },
        "tracker": asdict(TrackerSettings()),
        "smoothing": asdict(OneEuro()),
        "reliable": asdict(Limits.of_card(card.reliable)),
        "hello": {"mode": "static", "about": about, **drawing_facts(card.scheme)},
    }


def _framing_facts(framing: Framing, size: int) -> dict[str, Any]:
    """What the page's crops depend on."""
    angles = {"straight": STRAIGHT, "turned": TURNED}
    return {
        "kind": framing.kind,
        "margin": framing.margin,
        "size": size,
        "reach": REACH,
        "frontal": FRONTAL_POINTS,
    } | angles


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
