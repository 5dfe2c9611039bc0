"""Prediction for photographs and videos: the work of ``fauxface predict``."""

from __future__ import annotations

from fauxface.inference.config import PredictionConfig
from fauxface.inference.landmarker import Landmarker
from fauxface.inference.predict import Predictions, check_outputs, photos_in, predict_files
from fauxface.inference.predict_video import VideoPredictions, check_video, predict_video
from fauxface.inference.tracker import Tracker, TrackerSettings
from fauxface.inference.video import is_video
from fauxface.ranges import in_range


@in_range
def run_prediction(config: PredictionConfig) -> Predictions | VideoPredictions:
    """Find the faces in a photograph, a folder of photographs, or a video, and write what the settings ask for.

    A wrong source or output is refused before the checkpoint is loaded. ValueError or OSError, in one line, as
    `predict_files`, `predict_video` and `Landmarker.load`.
    """
    source, out = config.source, config.drawings
    moving = is_video(source) and not source.is_dir()
    if moving:
        check_video(source)
    else:
        photos_in(source)
    check_outputs(source, out, config.json)
    landmarker = Landmarker.load(
        config.checkpoint, config.detector, config.flip, config.threads, detail=config.detail, turned=config.turned
    )
    if moving:
        scheme = landmarker.card.scheme
        return predict_video(
            source,
            Tracker(landmarker, settings=TrackerSettings(max_faces=config.max_faces)),
            scheme,
            out,
            config.json,
            style=config.style,
        )
    return predict_files(source, landmarker, out, config.json, skip_bad=config.skip_bad, style=config.style)
