"""Prediction for photographs and videos: the work of ``fauxface predict``."""

from __future__ import annotations

from fauxface.console import log
from fauxface.inference.config import PredictionConfig
from fauxface.inference.landmarker import Landmarker
from fauxface.inference.predict import Predictions, predict_found
from fauxface.inference.predict_video import check_video
from fauxface.inference.sources import Reading, find_sources
from fauxface.inference.tracker import TrackerSettings
from fauxface.inference.writing import Targets, open_outputs
from fauxface.ranges import in_range


@in_range
def run_prediction(config: PredictionConfig) -> Predictions:
    """Find the faces in photographs and videos, and write what the settings ask for.

    A wrong source or output is refused before the checkpoint is loaded. ValueError or OSError, in one line, as
    `predict_files` and `Landmarker.load`.
    """
    reading = Reading(config.sequence, config.fps, config.exposure)
    found = find_sources(config.sources, config.recursive, reading)
    targets = Targets(config.drawings, config.json, config.jsonl)
    targets.check(found)
    for video in () if config.skip_bad else sorted(found.videos):
        check_video(found, video)
    landmarker = Landmarker.load(
        config.checkpoint, config.detector, config.flip, config.threads, detail=config.detail, turned=config.turned
    )
    origin = landmarker.origin
    log.debug(
        f"weights {origin.weights}: {origin.weights_licence}; detector {origin.detector}: {origin.detector_licence}"
    )
    with open_outputs(found, origin, targets) as outputs:
        settings = TrackerSettings(max_faces=config.max_faces)
        return predict_found(found, landmarker, outputs, config.skip_bad, config.style, settings, config.smooth)
