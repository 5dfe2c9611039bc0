"""A table of a video's faces: when, who, how the head is turned, how far the mouth is open.

Run it: python examples/video_table.py clip.mp4 faces.csv
Reading videos needs `pip install 'fauxface[live]'`. For all points of each frame: `fauxface predict clip.mp4`.
"""

import csv
import sys
from pathlib import Path

import numpy as np

from fauxface import Face, Landmarker
from fauxface.inference import Tracker
from fauxface.inference.video import VideoReader
from fauxface.landmarks import Point


def mouth_opening(face: Face) -> float:
    """Height of the gap between the lips as a share of the mouth's width: about 0 when closed."""
    points = face.landmarks
    gap = np.linalg.norm(points[Point.INNER_UPPER_LIP] - points[Point.INNER_LOWER_LIP])
    return float(gap / np.linalg.norm(points[Point.MOUTH_RIGHT] - points[Point.MOUTH_LEFT]))


def main(video: Path, table: Path) -> None:
    """Follow the faces of ``video`` and write a row for each face of each frame to ``table``."""
    tracker = Tracker(Landmarker.load("fauxface-s"))
    with VideoReader(video) as frames, table.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["seconds", "id", "yaw", "pitch", "roll", "mouth"])
        for frame in frames:
            for face in tracker.update(frame.image, frame.seconds):
                assert face.pose is not None  # the points of the shipped weights have a mean head to turn
                angles = [round(angle, 1) for angle in (face.pose.yaw, face.pose.pitch, face.pose.roll)]
                rows.writerow([round(frame.seconds, 3), face.id, *angles, round(mouth_opening(face), 3)])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
