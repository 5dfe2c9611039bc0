"""Settings of `fauxface predict`. No torch here: the command line reads this for its help."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from fauxface.ranges import Exposure, FrameRate, MaxFaces, Threads

OWN = "own"
"""Name of the face detector that is ours."""
DETECTORS = (OWN, "retinaface")
"""Names of the face detectors that `fauxface.inference.detectors.load_detector` makes; the first is the default."""
DEFAULT_CHECKPOINT = "fauxface-s"
DetectorName = Annotated[str, arg(metavar="{" + ",".join(DETECTORS) + "}")]
"""Name of a face detector, or the folder of a one-stage checkpoint."""
CheckpointName = Annotated[str, arg(metavar="CHECKPOINT")]
"""A checkpoint's folder, a run's folder, or the name of shipped weights."""
MAX_FACES = 100
"""Most faces of a video that are followed at a time, unless the settings say otherwise."""
Detail = Literal["low", "auto", "high"]
"""How finely a picture is searched for faces; `PredictionConfig.detail` says what each finds and costs."""
Style = Literal["all", "points", "lines", "sketch"]
"""Ways to draw a face; ``sketch`` has black behind it instead of the photograph."""
Smooth = Literal["none", "live", "offline"]
"""Smoothing of a video's points: none; as for live pictures, without what comes later; with what comes later."""
DEFAULT_SMOOTH: Smooth = "offline"


def check_named(sources: Sequence[object]) -> None:
    """Raise ValueError, in one line, where there is no source."""
    if not sources:
        raise ValueError("no source: name a photograph, a folder of photographs, or a video")


@dataclass(frozen=True)
class PredictionConfig:
    """Settings of a prediction: its source, its model, and its outputs."""

    sources: Annotated[Positional[tuple[str, ...]], arg(metavar="SOURCE ...")]
    """Photographs, videos (an animated GIF counts as one), image sequences (shot.%04d.exr, shot.####.png,
    shot.1001-1100#.exr), folders of them, and patterns ('shots/*.jpg')."""
    checkpoint: str = DEFAULT_CHECKPOINT
    """A checkpoint's folder, a run's folder, or the name of shipped weights."""
    detector: DetectorName = DETECTORS[0]
    """Face detector: one of these names, or the folder of a one-stage checkpoint."""
    out: Path | None = None
    """Folder for the drawn pictures. It must be new, empty, or hold only an earlier prediction, which
    is replaced. It may lie inside a folder of photographs, but not contain them."""
    json: Path | None = None
    """File for the result (- is standard output): {schema, weights, detector, images: [{image, faces: [{box,
    landmarks, scores, visibility, sigma, pose, ...}]}]}. docs/json.md explains every key."""
    jsonl: Path | None = None
    """File for JSON Lines (- is standard output): a line for each photograph or frame, as soon as it is done."""
    recursive: bool = False
    """Also look into the folders inside a folder."""
    detail: Detail = "auto"
    """How finely to search for faces. low: one look, as quick as the detector (faces from about 1/25 of the
    picture's longer side). auto: also smaller faces (24 px in 640×480, 45 px in 4000×3000) and faces that the
    frame cuts, in 5 to 12 times the time (5 where one face fills much of the picture). high: twice as fine, in
    17 to 65 times the time of low (docs/finding.md). In a video the first frame of a shot and one frame a
    second are searched so."""
    turned: bool = True
    """Where no face is found, or one that may be turned (not reliable, or with low scores), look again at the
    picture turned by 90, 180 and 270 degrees (three more looks)."""
    sequence: bool = False
    """The numbered pictures of a folder are the frames of a shot: follow faces through them, as in a video."""
    fps: FrameRate = 24.0
    """Frames a second of image sequences."""
    exposure: Exposure = 0.0
    """Brighten (or darken) EXR pictures by so many stops before they are looked at."""
    smooth: Smooth = DEFAULT_SMOOTH
    """Smoothing of the points of videos and sequences: none; live, by earlier frames alone, which lags behind motion;
    or offline, by later frames too, which does not. With offline, --jsonl has its lines when a video is done."""
    flip: bool = False
    """Also predict on the mirrored face, and average (twice the time)."""
    skip_bad: bool = False
    """Skip photographs that cannot be read, and name them, instead of stopping at the first."""
    style: Style = "all"
    """Parts to draw: all (box, lines and points), points, lines, or sketch (lines on black, the input
    of talking-head models)."""
    max_faces: MaxFaces = MAX_FACES
    """Most faces of a video that are followed at a time; a note says when there were more."""
    threads: Threads = 0
    """CPU threads; 0 uses all."""

    def check(self) -> None:
        """Raise ValueError, in one line, where no source is named."""
        check_named(self.sources)

    @property
    def drawings(self) -> Path | None:
        """Folder for the drawn pictures: ``predictions`` where neither it nor a file for JSON is given."""
        alone = self.out is None and self.json is None and self.jsonl is None
        return Path("predictions") if alone else self.out
