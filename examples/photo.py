"""Landmarks of a photograph: print where the eyes, the nose and the mouth are, and draw all points.

Run it: python examples/photo.py photo.jpg drawn.png
"""

import sys
from pathlib import Path

from fauxface import Landmarker, read_image
from fauxface.images import write_image
from fauxface.inference import draw_landmarks
from fauxface.landmarks import five_points, scheme_of


def main(photo: Path, drawn: Path) -> None:
    """Find the faces in the file ``photo`` and write a copy with their points to ``drawn``."""
    image = read_image(photo)  # an array, height × width × 3, red, green, blue from 0 to 255
    landmarker = Landmarker.load("fauxface-s")  # or the folder of a run of your own
    faces = landmarker(image)  # a list, empty if there is no face
    for number, face in enumerate(faces, start=1):
        print(f"face {number}: {len(face.landmarks)} points, mean score {face.scores.mean():.2f}")
        names = ("right eye", "left eye", "tip of the nose", "right mouth corner", "left mouth corner")
        for name, (x, y) in zip(names, five_points(face.landmarks, scheme_of(face.scheme)), strict=True):
            print(f"  {name}: {x:.1f}, {y:.1f}")  # pixels from the image's left and top
        if face.pose is not None:
            print(f"  turned {face.pose.yaw:+.0f}° to the image's right, {face.pose.pitch:+.0f}° up")
        image = draw_landmarks(image, face.landmarks, face.scheme)
    write_image(drawn, image)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
